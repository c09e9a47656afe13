//! What the tests of condition variables wait with.

use std::sync::Arc;

use sward::{
    JoinHandle, spawn,
    sync::{Condvar, Mutex},
};

use super::waiting::until_parked;

/// A number behind a mutex, and the news of it.
#[derive(Default)]
pub(crate) struct Board {
    pub(crate) mutex: Mutex<usize>,
    pub(crate) condvar: Condvar,
}

impl Board {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A waiter for one notification, that stands in line when this returns.
    pub(crate) fn waiter(self: &Arc<Self>) -> JoinHandle<()> {
        let shared = Arc::clone(self);
        let waiter = spawn(move || {
            let _guard = shared.condvar.wait(shared.mutex.lock().unwrap()).unwrap();
        });
        until_parked(&waiter);
        waiter
    }
}
