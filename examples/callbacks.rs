//! Being told when a task has ended. asyncio's `Task.add_done_callback`, gevent's `Greenlet.link`:
//!
//! ```python
//! task = asyncio.create_task(fetch())
//! task.add_done_callback(lambda task: print("done:", task.get_name()))
//! ```
//!
//! Shows `on_done`: each callback is called once with the outcome, in order, also when the task had ended before; a
//! panic in one is its own. On the virtual clock; with the argument `real`, on the real one.

use std::time::Duration;

use sward::{Builder, JoinHandle, Outcome, Status, sleep};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    let returns = task("returns", 1, || "a value");
    let fails = task("fails", 2, || std::panic::resume_unwind(Box::new("a payload")));
    let endless = task("endless", 1000, || "never");
    for handle in [&returns, &fails, &endless] {
        handle.on_done(tell);
    }
    returns.on_done(|_| println!("  and a second callback of the same task"));

    println!("joined: {:?}", returns.join().unwrap());
    println!("failed with: {:?}", fails.join().unwrap_err().downcast_ref::<&str>().unwrap());
    endless.cancel();
    while endless.status() != Status::Cancelled {
        sward::yield_now();
    }
    print!("too late, and called at once: ");
    endless.on_done(tell);
}

fn task(name: &str, seconds: u64, end: fn() -> &'static str) -> JoinHandle<&'static str> {
    let job = move || {
        sleep(Duration::from_secs(seconds));
        end()
    };
    Builder::new().name(name.into()).spawn(job).unwrap()
}

fn tell(outcome: &Outcome) {
    println!("{}: {:?}", outcome.name.as_deref().unwrap_or("?"), outcome.status);
}
