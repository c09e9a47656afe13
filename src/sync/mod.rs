//! `std::sync` by name and signature, between green threads, workers and plain OS threads alike.
//!
//! Where a call of `std` blocks the OS thread, one of these parks the caller: the green thread alone, if it is one.

mod lazy_lock;
mod mutex;
mod once;
mod once_lock;
mod poison;
mod rwlock;

#[allow(deprecated, reason = "std has it")]
pub use self::once::ONCE_INIT;
pub use self::{
    lazy_lock::LazyLock,
    mutex::{Mutex, MutexGuard},
    once::{Once, OnceState},
    once_lock::OnceLock,
    poison::{LockResult, PoisonError, TryLockError, TryLockResult},
    rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};
pub use std::sync::{Arc, Weak, atomic};
