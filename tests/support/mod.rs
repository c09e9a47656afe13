//! What the integration tests share.
#![allow(dead_code, unused_imports, unused_macros, reason = "no test uses all of it")]

mod alive;
mod allocations;
mod child;
pub(crate) mod condvars;
mod dirs;
mod futures;
pub(crate) mod net;
mod nginx;
mod os_threads;
pub(crate) mod queues;
mod seeds;
mod time;
mod unwinding;
mod waiting;
mod watch;

pub(crate) use alive::Alive;
pub(crate) use allocations::{Counting, allocations, live_bytes};
pub(crate) use child::{Child, Ended, SIGABRT, SIGSEGV};
pub(crate) use dirs::TempDir;
pub(crate) use futures::{block_on, poll_once};
pub(crate) use nginx::Nginx;
pub(crate) use os_threads::OsThread;
pub(crate) use seeds::{Rng, for_seeds, number};
pub(crate) use time::{HOUR, MS, SECOND, cpu_time_of, secs, timed};
pub(crate) use unwinding::{Drops, Guard, OnDrop, message_of_panic};
pub(crate) use waiting::{settle, until_parked};
pub(crate) use watch::{in_run, in_virtual_time, limit, runtime, watched, within};
