//! What is waited for: it ends after so many seconds, in one way or another.

use std::panic;

use crate::support::secs;
use sward::{JoinHandle, sleep, spawn};

/// Sleeps so many seconds, and returns them.
pub(crate) fn after(seconds: u64) -> JoinHandle<u64> {
    spawn(move || {
        sleep(secs(seconds));
        seconds
    })
}

pub(crate) fn fails_after(seconds: u64) -> JoinHandle<u64> {
    spawn(move || {
        sleep(secs(seconds));
        panic::resume_unwind(Box::new(seconds))
    })
}

pub(crate) fn values(handles: Vec<JoinHandle<u64>>) -> Vec<u64> {
    handles.into_iter().map(|handle| handle.join().unwrap()).collect()
}
