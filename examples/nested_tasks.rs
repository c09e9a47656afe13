//! A task that starts a task and waits for it. asyncio's tutorial, "Coroutines and Tasks":
//!
//! ```python
//! async def nested():
//!     return 42
//!
//! async def main():
//!     task = asyncio.create_task(nested())
//!     print(await task)
//! ```
//!
//! Shows `spawn` inside a green thread, `join`, and that a handle may be passed on. On the virtual clock; with the
//! argument `real`, on the real one.

use std::time::Duration;

use sward::{JoinHandle, sleep, spawn, time::Instant};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    // Called, it is a function; spawned, it is a task.
    println!("called: {}", nested());
    let task = spawn(nested);
    println!("spawned: {}", task.join().unwrap());

    let start = Instant::now();
    let outer = spawn(|| {
        let inner: JoinHandle<u32> = spawn(nested);
        println!("the outer one goes on while the inner one sleeps");
        sleep(Duration::from_millis(500));
        inner // not joined here: whoever has the handle may
    });
    let inner = outer.join().unwrap();
    println!("the inner one, joined by main: {}", inner.join().unwrap());
    println!("{} s in all", start.elapsed().as_secs());
}

fn nested() -> u32 {
    sleep(Duration::from_secs(1));
    42
}
