//! `std::sync` by name and signature, between green threads, workers and plain OS threads alike.
//!
//! Where a call of `std` blocks the OS thread, one of these parks the caller: the green thread alone, if it is one.

mod mutex;
mod notify;
mod poison;
mod wait_group;

pub use self::{
    mutex::{Mutex, MutexGuard},
    notify::{Notified, Notify},
    poison::{LockResult, PoisonError, TryLockError, TryLockResult},
    wait_group::WaitGroup,
};
pub use std::sync::{Arc, Weak, atomic};
