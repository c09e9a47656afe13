//! What the programs of one instantiation share.

use super::thread;

/// Gives way until it is so.
pub(crate) fn until(mut it_is_so: impl FnMut() -> bool) {
    while !it_is_so() {
        thread::yield_now();
    }
}

/// Runs `f` on another thread to its end. True: it panicked.
pub(crate) fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T, ()> {
    thread::scope(|s| s.spawn(f).join().map_err(drop))
}
