//! One sets, others wait. gevent's tutorial, "Events":
//!
//! ```python
//! def setter():
//!     print('A: Hey wait for me, I have to do something')
//!     gevent.sleep(3)
//!     print("Ok, I'm done")
//!     evt.set()
//!
//! def waiter():
//!     print("I'll wait for you")
//!     evt.wait()
//!     print("It's about time")
//! ```
//!
//! Shows `Event`, which wakes all that wait, and `Promise` (gevent's `AsyncResult`), which brings them a value.

use std::time::Duration;

use sward::{
    event::{Event, Promise},
    sleep, spawn,
    sync::Arc,
};

fn main() {
    sward::Runtime::builder().virtual_clock(true).run(program);
}

fn program() {
    let event = Arc::new(Event::new());
    let waiters: Vec<_> = (1..=3)
        .map(|number| {
            let event = Arc::clone(&event);
            spawn(move || {
                println!("{number}: I'll wait for you");
                event.wait();
                println!("{number}: it's about time");
            })
        })
        .collect();
    let (promise, promised) = Promise::new();
    let setter = spawn(move || {
        println!("hey, wait for me, I have to do something");
        sleep(Duration::from_secs(3));
        println!("ok, I'm done");
        event.set();
        promise.set("hello");
    });
    println!("{}", promised.get().expect("it was kept"));
    for handle in waiters.into_iter().chain([setter]) {
        handle.join().unwrap();
    }
}
