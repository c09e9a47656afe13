//! The programs with the locks of sward and the threads of `std`.

pub(crate) use ::{std::thread, sward::sync};

#[path = "programs/arc.rs"]
pub(crate) mod arc;
#[path = "programs/barrier.rs"]
pub(crate) mod barrier;
#[path = "programs/condvar.rs"]
pub(crate) mod condvar;
#[path = "programs/lazy_lock.rs"]
pub(crate) mod lazy_lock;
#[path = "programs/lifetimes.rs"]
pub(crate) mod lifetimes;
#[path = "programs/mpsc.rs"]
pub(crate) mod mpsc;
#[path = "programs/mpsc_types.rs"]
pub(crate) mod mpsc_types;
#[path = "programs/mutex.rs"]
pub(crate) mod mutex;
#[path = "programs/once.rs"]
pub(crate) mod once;
#[path = "programs/once_lock.rs"]
pub(crate) mod once_lock;
#[path = "programs/poison.rs"]
pub(crate) mod poison;
#[path = "programs/reentry.rs"]
pub(crate) mod reentry;
#[path = "programs/rwlock.rs"]
pub(crate) mod rwlock;
#[path = "programs/tools.rs"]
mod tools;
