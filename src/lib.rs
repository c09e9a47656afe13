//! Green threads for Rust: ordinary blocking code, a million flows of it, on every core, without `unsafe`.
//!
//! A green thread is a closure on a small stack of its own. When a call of sward would block, its worker (an OS thread)
//! switches to another green thread in a few nanoseconds, and comes back when there is something to go on with.
//!
//! ```
//! // From plain sync code: a runtime with a worker per core starts by itself.
//! let handles: Vec<_> = (1..=3)
//!     .map(|i| {
//!         sward::spawn(move || {
//!             sward::sleep(std::time::Duration::from_millis(10)); // parks this green thread alone
//!             i * i
//!         })
//!     })
//!     .collect();
//! let squares: Vec<i32> = sward::join_all(handles).into_iter().map(Result::unwrap).collect();
//! assert_eq!(squares, [1, 4, 9]);
//!
//! // Or on this thread alone: what is still alive when the closure returns is cancelled.
//! let answer = sward::run(|| sward::spawn_local(|| 6 * 7).join().unwrap());
//! assert_eq!(answer, 42);
//! ```
//!
//! # Where things are
//!
//! | | |
//! |---|---|
//! | [`spawn`], [`join_all`], [`scope`], [`sleep`], [`yield_now`], [`run`] | the everyday functions |
//! | [`thread`] | `std::thread` by name and signature, and what goes beyond it |
//! | [`net`] | `std::net` by name and signature |
//! | [`os`] | what `std::os` has for them |
//! | [`io`], [`time`] | `std::io` with readiness of any descriptor; `std::time` with the runtime's clock |
//! | [`runtime`] | runtimes with settings of their own: workers, stacks, limits, a virtual clock |
//! | [`sync`] | `std::sync` by name and signature; semaphores and more |
//! | [`event`], [`channel`], [`queue`] | events and promises; channels and `select!`; queues, as gevent and Python have them |
//! | [`timeout`], [`shield`], [`JoinHandle::cancel`], [`wait`], [`as_completed`], [`try_join_all`], [`race`] | the life of a green thread |
//! | [`group`] | groups, pools, task groups, supervisors |
//! | [`inspect`] | deadlocks, found and told |
//! | [`blocking`], [`on_big_stack`] | for what would stop a worker, and for what needs much stack |
//! | [`guide`] | what parks, what must not be done, sizes of stacks, how to port from `std` |
//! | [`guide::coming_from`] | gevent, asyncio, `std::thread` and Go, line by line beside sward |
//! | [`guide::rationale`] | why it is built as it is, with the measurements |
//!
//! # Platforms
//!
//! Linux on x86_64 is tested and measured. The code is written for what mio and corosensei both support; other systems
//! are untested. Guard pages without a mapping each need Linux 6.13; elsewhere sward falls back to `mprotect`.
//!
//! To cancel it needs `panic = "unwind"`; without, see the [guide](guide#cancellation).

#![deny(unsafe_code)]
#![cfg_attr(loom, allow(dead_code, unused_imports))]

mod atomic;

mod backlog;

#[allow(unsafe_code)]
mod lockfree;

#[cfg(not(loom))]
pub mod channel;
#[cfg(not(loom))]
mod config;
#[cfg(not(loom))]
pub mod event;
#[cfg(not(loom))]
mod fiber;
#[cfg(not(loom))]
pub mod group;
#[cfg(not(loom))]
pub mod guide;
#[cfg(not(loom))]
pub mod inspect;
#[cfg(not(loom))]
pub mod io;
#[cfg(not(loom))]
pub mod net;
#[cfg(not(loom))]
pub mod os;
#[cfg(not(loom))]
mod payload;
#[cfg(not(loom))]
pub mod queue;
#[cfg(not(loom))]
mod rng;
#[cfg(not(loom))]
pub mod runtime;
#[cfg(not(loom))]
mod sched;
#[cfg(not(loom))]
mod stack;
#[cfg(not(loom))]
pub mod sync;
#[cfg(not(loom))]
#[allow(unsafe_code)]
mod sys;
#[cfg(not(loom))]
pub mod thread;
#[cfg(not(loom))]
pub mod time;

#[cfg(not(loom))]
pub use crate::{
    group::{Group, Pool, Supervisor, TaskGroup},
    runtime::{Runtime, run},
    thread::{
        AsCompleted, Builder, Cancelled, Canceller, Elapsed, JoinError, JoinHandle, LocalJoinHandle, Outcome,
        ReturnWhen, Scope, ScopedJoinHandle, Status, TryJoinError, as_completed, blocking, cancel_all,
        cancelled, catch_cancel, deadline, is_green, join_all, on_big_stack, race, scope, shield, sleep,
        sleep_until, spawn, spawn_after, spawn_local, timeout, timeout_at, try_join_all, wait, yield_now,
    },
};
