//! All of it, for one of the two.

pub(crate) use super::{local, net, os, sync, thread, time};

mod cells;
mod locks;
mod mpsc;
mod sockets;
mod threads;

use crate::traits::Has;

/// Compiles if all is there. To run it does nothing.
pub(crate) fn pointers() {
    cells::pointers();
    locks::pointers();
    mpsc::pointers();
    sockets::pointers();
    threads::pointers();
}

/// The traits of all types.
pub(crate) fn traits() -> Vec<Has> {
    let all = [cells::traits(), locks::traits(), mpsc::traits(), sockets::traits(), threads::traits()];
    all.into_iter().flatten().collect()
}

/// What some of it does.
pub(crate) fn seen() -> Vec<String> {
    let mut seen = threads::seen();
    seen.extend(sockets::seen());
    seen
}
