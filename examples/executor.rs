//! Calling what blocks without stopping the others. asyncio's `run_in_executor` and `to_thread`, gevent's threadpool:
//!
//! ```python
//! result = await loop.run_in_executor(None, blocking_io)
//! ```
//!
//! Shows `blocking`: the closure runs on an OS thread of a pool, may borrow, and its panic comes out here; meanwhile
//! the others run. On the virtual clock, which stands still while a blocking call is under way; with the argument
//! `real`, on the real one.

use std::{
    cell::Cell,
    sync::{Arc, Barrier},
};

use sward::{blocking, join_all, spawn};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    // It borrows, because its caller waits.
    let text = String::from("a file's contents");
    let words = blocking(|| text.split(' ').count());
    println!("{words} words, counted elsewhere");

    // Here, and there: different OS threads.
    let here = std::thread::current().id();
    println!("on the same OS thread: {}", blocking(|| std::thread::current().id()) == here);

    // Three calls at once: each waits for the others, so one after the other they would never end.
    let meet = Arc::new(Barrier::new(3));
    let calls = (1..=3).map(|n| {
        let meet = Arc::clone(&meet);
        spawn(move || {
            blocking(|| meet.wait());
            n
        })
    });
    let met: Vec<_> = join_all(calls).into_iter().map(Result::unwrap).collect();
    println!("met: {met:?}");

    // While one blocks, the others run: it waits for what they do.
    let (sender, receiver) = std::sync::mpsc::channel();
    let ticks = Cell::new(0);
    let waits = spawn(move || blocking(move || receiver.iter().sum::<i32>()));
    while ticks.get() < 3 {
        sward::yield_now();
        ticks.set(ticks.get() + 1);
        sender.send(ticks.get()).unwrap();
    }
    drop(sender);
    println!("ticked meanwhile, and it got {}", waits.join().unwrap());

    // A failure is its caller's.
    let fails = spawn(|| blocking(|| std::panic::resume_unwind(Box::new("no such file"))));
    let error = fails.join().unwrap_err();
    println!("failed: {}", error.downcast_ref::<&str>().unwrap());
}
