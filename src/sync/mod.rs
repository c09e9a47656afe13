//! `std::sync` by name and signature, between green threads, workers and plain OS threads alike.
//!
//! Where a call of `std` blocks the OS thread, one of these parks the caller: the green thread alone, if it is one.

pub mod mpsc;
mod mutex;
mod poison;

pub use self::{
    mutex::{Mutex, MutexGuard},
    poison::{LockResult, PoisonError, TryLockError, TryLockResult},
};
pub use std::sync::{Arc, Weak, atomic};
