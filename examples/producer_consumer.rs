//! A producer and two consumers with a queue between them. gevent's tutorial, "Queues", and Python's `queue`:
//!
//! ```python
//! def worker(name):
//!     while True:
//!         task = tasks.get()
//!         print('Worker %s got task %s' % (name, task))
//!         gevent.sleep(0.3)
//!         tasks.task_done()
//! ```
//!
//! Shows `Queue`: a put that waits for room, `task_done` and `join`, and the end of all by `close`. On the virtual clock;
//! with the argument `real`, on the real one.

use std::time::Duration;

use sward::{queue::Queue, sleep, spawn, sync::Arc};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    let tasks = Arc::new(Queue::new(Some(2)));
    let consumers = ["ann", "bob"].map(|name| {
        let tasks = Arc::clone(&tasks);
        spawn(move || {
            let mut sum = 0;
            while let Ok(task) = tasks.get() {
                println!("{name} got {task}");
                sleep(Duration::from_millis(300));
                sum += task;
                tasks.task_done();
            }
            println!("{name} is quitting");
            sum
        })
    });
    for task in 1..=6 {
        tasks.put(task).expect("it is not closed");
        println!("put {task}");
    }
    tasks.join();
    println!("all is done");
    tasks.close();
    let sums = consumers.map(|consumer| consumer.join().unwrap());
    println!("sum: {}", sums.iter().sum::<i32>());
}
