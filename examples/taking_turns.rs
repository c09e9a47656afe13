//! Who runs when. gevent's tutorial, "Greenlets" and "Synchronous & Asynchronous Execution":
//!
//! ```python
//! def ping():
//!     print('Running in ping')
//!     gevent.sleep(0)
//!     print('Explicit context switch to ping again')
//! gevent.joinall([gevent.spawn(ping), gevent.spawn(pong)])
//! ```
//!
//! Shows `yield_now`, that the order is first in, first out, that a builder's `seed` draws another one, the same each
//! time, and `spawn_after` (gevent's `spawn_later`, asyncio's `call_later`). On the virtual clock; with the argument
//! `real`, on the real one.

use std::time::Duration;

use sward::{join_all, spawn, spawn_after, yield_now};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
    let draws = [1, 1, 2].map(|seed| sward::Runtime::builder().virtual_clock(true).seed(seed).run(order));
    println!("in order: {:?}", sward::run(order));
    println!("a seed has one order: {}", draws[0] == draws[1]);
    println!("another seed another: {}", draws[1] != draws[2]);
}

fn program() {
    let ping = spawn(|| {
        println!("Running in ping");
        yield_now();
        println!("Explicit context switch to ping again");
    });
    let pong = spawn(|| {
        println!("Explicit context to pong");
        yield_now();
        println!("Implicit context switch back to pong");
    });
    let later = spawn_after(Duration::from_secs(2), || println!("two seconds later"));
    let sooner = spawn_after(Duration::from_secs(1), || println!("one second later"));
    join_all([ping, pong, later, sooner]).into_iter().for_each(|end| end.unwrap());
}

/// The order in which ten green threads go on.
fn order() -> Vec<u32> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let handles = (0..10).map(|number| {
        let sender = sender.clone();
        spawn(move || {
            yield_now();
            sender.send(number).unwrap();
        })
    });
    join_all(handles).into_iter().for_each(|end| end.unwrap());
    receiver.try_iter().collect()
}
