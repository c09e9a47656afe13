//! What does not fit a green thread: calls that block, and calls that need much stack.

use crate::sched::{blocking as pools, park, worker};

/// Runs `f` on an OS thread of a pool, and parks the calling green thread until it has ended.
///
/// For what would stop the worker and all its green threads: a C library that waits, a long computation. The
/// pool grows with the calls, up to 512 threads, and shrinks when idle. A cancel, and the timeouts around it, are
/// held back until `f` has ended, so `f` may borrow; its value is not lost, and they are met at the next park. On a
/// plain OS thread `f` runs right there.
///
/// # Panics
/// If `f` does, with its payload.
///
/// ```
/// let text = String::from("42");
/// let number = sward::run(|| sward::blocking(|| text.parse::<i32>().unwrap()));
/// assert_eq!(number, 42);
/// ```
pub fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    pools::pool().run(f)
}

/// Runs `f` on the worker's own stack, which has the size of an OS thread's: for deep recursion, or C code
/// that needs much stack. Costs a few nanoseconds, and no switch.
///
/// A park inside blocks the worker and all its green threads until it ends. On a plain OS thread, and inside
/// another `on_big_stack`, `f` runs right there.
///
/// # Panics
/// If `f` does, with its payload.
///
/// ```
/// fn depth(n: u32) -> u32 {
///     let frame = std::hint::black_box([n; 256]); // a kilobyte
///     if n == 0 { 0 } else { 1 + depth(frame[0] - 1) }
/// }
/// assert_eq!(sward::run(|| sward::on_big_stack(|| depth(500))), 500);
/// ```
pub fn on_big_stack<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    match worker::current() {
        Some((_, slot)) if !park::must_stay(slot) => slot.on_parent_stack(f),
        _ => f(),
    }
}
