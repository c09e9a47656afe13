//! `std::sync` by name and signature, between green threads, workers and plain OS threads alike.
//!
//! Where a call of `std` blocks the OS thread, one of these parks the caller: the green thread alone, if it is one. So a lock
//! may be held across anything that parks. What `std` documents holds; what is said here stands beside it.
//!
//! ```
//! use sward::sync::{Arc, Condvar, Mutex}; // was: std::sync
//!
//! let pair = Arc::new((Mutex::new(false), Condvar::new()));
//! let theirs = Arc::clone(&pair);
//! sward::spawn(move || {
//!     *theirs.0.lock().unwrap() = true;
//!     theirs.1.notify_one();
//! });
//! let mut ready = pair.0.lock().unwrap();
//! while !*ready {
//!     ready = pair.1.wait(ready).unwrap();
//! }
//! ```
//!
//! | as `std`'s | beyond `std` |
//! |---|---|
//! | [`Mutex`], [`RwLock`], with poisoning | [`ReentrantMutex`], whose owner is the green thread |
//! | [`Condvar`], [`Barrier`] | [`Semaphore`], [`Notify`], [`WaitGroup`] |
//! | [`Once`], [`OnceLock`], [`LazyLock`] | [`event::Event`](crate::event::Event), [`event::Promise`](crate::event::Promise) |
//! | [`mpsc`] | [`channel`](crate::channel), with many receivers and `select!`; [`queue`](crate::queue) |
//! | [`Arc`], [`Weak`], [`atomic`]: the same items | |
//!
//! # Waiting
//! Who waits stands in a line, first come first served, with a node on its own stack: to wait allocates nothing. Each type says
//! whether a newcomer may go before those in line; none lets one of them wait for ever. Green threads of any worker and
//! plain OS threads stand in the same lines; permits and notifications can be awaited too.
//!
//! # Cancellation
//! Every wait is a park point. A waiter that is cancelled or timed out leaves its line; if what it waited for was given to it at
//! that moment it has it, the call returns, and the cancel is met at the next park. So nothing is given to one who is gone.
//! A cancel or a timeout that unwinds out of a critical section unlocks and does not poison.

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
mod show;
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
