//! Green threads, by the names of [`std::thread`], and what goes beyond it.
//!
//! What `std` has is here with its signature and its meaning, for green threads: a program is ported by
//! changing its `use` lines. Everything here also works on a plain OS thread: `sleep` sleeps it, `park` parks
//! it, a join blocks it.
//!
//! ```
//! use sward::thread;
//!
//! let handle = thread::spawn(|| {
//!     thread::sleep(std::time::Duration::from_millis(1));
//!     6 * 7
//! });
//! assert_eq!(handle.join().unwrap(), 42);
//! ```

mod builder;
mod completed;
mod current;
mod error;
mod handle;
mod join;
mod local;
mod offload;
mod scope;
mod timeout;
mod watch;

pub use builder::{Builder, spawn, spawn_after, spawn_local};
pub(crate) use builder::{Place, place, spawn_inheriting};
pub use completed::{
    AsCompleted, ReturnWhen, TryJoinError, as_completed, cancel_all, race, try_join_all, wait,
};
pub(crate) use completed::{CancelRest, Completions};
pub use current::{Thread, ThreadId, current, is_green, park, park_timeout, sleep, sleep_until, yield_now};
#[allow(deprecated, reason = "std has them")]
pub use current::{park_timeout_ms, sleep_ms};
pub use error::JoinError;
pub use handle::{JoinHandle, LocalJoinHandle, Status};
pub use join::join_all;
pub use local::{AccessError, LocalKey};
pub use offload::{blocking, on_big_stack};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use std::thread::{available_parallelism, panicking};
pub use timeout::{Cancelled, Elapsed, cancelled, catch_cancel, deadline, shield, timeout, timeout_at};
pub use watch::{Canceller, Join, Outcome};

/// What a join gives: the value, or why there is none. `std`'s alias, with [`JoinError`] for its payload.
pub type Result<T> = std::result::Result<T, JoinError>;
