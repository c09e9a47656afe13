//! Waits of 1, 2 and 4 seconds take 4 together, and not 7. Every tutorial's first example:
//!
//! ```python
//! await asyncio.gather(say_after(1, "one"), say_after(2, "two"), say_after(4, "four"))
//! gevent.joinall([gevent.spawn(say_after, n) for n in (1, 2, 4)])
//! ```
//!
//! Shows `join_all`, whose results are in the order of the handles, and `scope`, whose threads borrow. On the virtual
//! clock it ends at once, and counts the same seconds; with the argument `real`, it takes them.

use std::time::Duration;

use sward::{join_all, scope, sleep, spawn, time::Instant};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    let start = Instant::now();
    for seconds in [4, 2, 1] {
        say_after(seconds, start);
    }
    println!("one after the other: {} s", start.elapsed().as_secs());

    let start = Instant::now();
    let together = [4, 2, 1].map(|seconds| spawn(move || say_after(seconds, start)));
    let slept: Vec<u64> = join_all(together).into_iter().map(Result::unwrap).collect();
    println!("together: {} s, results in order: {slept:?}", start.elapsed().as_secs());

    let start = Instant::now();
    let naps = vec![1, 2, 4];
    scope(|s| {
        for nap in &naps {
            s.spawn(|| say_after(*nap, start)); // borrows `naps`
        }
    });
    println!("in a scope: {} s for {} naps", start.elapsed().as_secs(), naps.len());
}

fn say_after(seconds: u64, start: Instant) -> u64 {
    sleep(Duration::from_secs(seconds));
    println!("  slept {seconds} s, at {} s", start.elapsed().as_secs());
    seconds
}
