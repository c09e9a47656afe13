//! Protecting what must not be cut short. asyncio's `shield`, and `except CancelledError`:
//!
//! ```python
//! try:
//!     await asyncio.sleep(3600)
//! except asyncio.CancelledError:
//!     await asyncio.shield(save())
//!     raise
//! ```
//!
//! Shows `shield`: a cancel, and the timeouts outside, wait for it, and are delivered right after; and `catch_cancel`,
//! after which a thread goes on. On the virtual clock; with the argument `real`, on the real one.

use std::time::Duration;

use sward::{catch_cancel, shield, sleep, spawn, time::Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    // A cancel comes after a second; the save takes three.
    let start = Instant::now();
    let saves = spawn(|| {
        shield(save);
        println!("not reached");
    });
    sleep(SECOND);
    saves.cancel();
    let end = saves.join();
    println!("cancelled: {}, after {} s", end.unwrap_err().is_cancelled(), start.elapsed().as_secs());

    // Clean up, then go on.
    let stubborn = spawn(|| {
        if catch_cancel(|| sleep(1000 * SECOND)).is_err() {
            println!("cancelled, and cleaning up");
            shield(save);
        }
        "and lives on"
    });
    sleep(SECOND);
    stubborn.cancel();
    println!("{}", stubborn.join().unwrap());

    // The same with a timeout.
    let start = Instant::now();
    let result = timeout(SECOND, || shield(save));
    println!("the timeout: {}, after {} s", result.unwrap_err(), start.elapsed().as_secs());
}

fn save() {
    println!("saving");
    sleep(3 * SECOND);
    println!("saved");
}
