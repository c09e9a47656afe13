//! The scenarios with sward.

pub(crate) use ::sward::{net, thread};

use crate::support::until_parked;

#[path = "scenarios/connecting.rs"]
pub(crate) mod connecting;
#[path = "scenarios/datagrams.rs"]
pub(crate) mod datagrams;
#[path = "scenarios/modes.rs"]
pub(crate) mod modes;
#[path = "scenarios/options.rs"]
pub(crate) mod options;
#[path = "scenarios/streams.rs"]
pub(crate) mod streams;
#[path = "scenarios/tools.rs"]
mod tools;
#[path = "scenarios/waiting.rs"]
pub(crate) mod waiting;

/// Starts `f`, which waits for a socket at once, and returns when it does.
pub(crate) fn waiter<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> thread::JoinHandle<T> {
    let waiting = thread::spawn(f);
    until_parked(&waiting);
    waiting
}
