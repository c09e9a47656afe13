//! The scenarios with `std`.

use ::std::sync::mpsc;
pub(crate) use ::std::{net, thread};

use crate::support::OsThread;

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
    let (sender, begun) = mpsc::channel();
    let waiting = thread::spawn(move || {
        sender.send(OsThread::current()).unwrap();
        f()
    });
    begun.recv().unwrap().until_it_sleeps_in(&[libc::SYS_recvfrom, libc::SYS_sendto, libc::SYS_accept4]);
    waiting
}
