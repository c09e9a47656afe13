//! `std::sync` by name and signature, between green threads, workers and plain OS threads alike.
//!
//! Where a call of `std` blocks the OS thread, one of these parks the caller: the green thread alone, if it is one.

mod barrier;
mod condvar;
mod lazy_lock;
pub mod mpsc;
mod mutex;
mod notify;
mod once;
mod once_lock;
mod poison;
mod reentrant;
mod rwlock;
mod semaphore;
mod wait_group;

#[allow(deprecated, reason = "std has it")]
pub use self::once::ONCE_INIT;
pub use self::{
    barrier::{Barrier, BarrierWaitResult},
    condvar::{Condvar, WaitTimeoutResult},
    lazy_lock::LazyLock,
    mutex::{Mutex, MutexGuard},
    notify::{Notified, Notify},
    once::{Once, OnceState},
    once_lock::OnceLock,
    poison::{LockResult, PoisonError, TryLockError, TryLockResult},
    reentrant::{ReentrantMutex, ReentrantMutexGuard},
    rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    semaphore::{AcquireTimeoutError, OwnedPermit, Permit, Semaphore, TryAcquireError},
    wait_group::WaitGroup,
};
pub use std::sync::{Arc, Weak, atomic};
