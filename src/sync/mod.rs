//! `std::sync` by name and signature, between green threads, workers and plain OS threads alike.
//!
//! Where a call of `std` blocks the OS thread, one of these parks the caller: the green thread alone, if it is one.

mod barrier;
mod condvar;
mod mutex;
mod poison;
mod reentrant;
mod semaphore;

pub use self::{
    barrier::{Barrier, BarrierWaitResult},
    condvar::{Condvar, WaitTimeoutResult},
    mutex::{Mutex, MutexGuard},
    poison::{LockResult, PoisonError, TryLockError, TryLockResult},
    reentrant::{ReentrantMutex, ReentrantMutexGuard},
    semaphore::{AcquireTimeoutError, OwnedPermit, Permit, Semaphore, TryAcquireError},
};
pub use std::sync::{Arc, Weak, atomic};
