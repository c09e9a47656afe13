//! A producer and two consumers with a queue between them. gevent's tutorial, "Queues":
//!
//! ```python
//! def worker(name):
//!     while not tasks.empty():
//!         task = tasks.get()
//!         print('Worker %s got task %s' % (name, task))
//!         gevent.sleep(0)
//! ```
//!
//! Shows `park` and `unpark`, with which whatever waits is built, and `spawn_local`, whose threads share an `Rc`: a
//! bounded queue of thirty lines, without a lock. On the virtual clock; with the argument `real`, on the real one.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use sward::{
    sleep, spawn_local,
    thread::{self, Thread},
};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    let queue = Rc::new(Queue::new(2));
    let consumers = ["ann", "bob"].map(|name| {
        let queue = Rc::clone(&queue);
        spawn_local(move || {
            let mut sum = 0;
            while let Some(task) = queue.get() {
                println!("{name} got {task}");
                sleep(Duration::from_millis(300));
                sum += task;
            }
            println!("{name} is quitting");
            sum
        })
    });
    for task in 1..=6 {
        queue.put(task);
        println!("put {task}");
    }
    queue.close();
    let sums = consumers.map(|consumer| consumer.join().unwrap());
    println!("sum: {}", sums.iter().sum::<i32>());
}

/// A queue of at most so many. `None` from `get`: it is closed and empty.
struct Queue<T> {
    items: RefCell<VecDeque<T>>,
    size: usize,
    closed: Cell<bool>,
    waiting: RefCell<Vec<Thread>>,
}

impl<T> Queue<T> {
    fn new(size: usize) -> Self {
        Self { items: RefCell::default(), size, closed: Cell::new(false), waiting: RefCell::default() }
    }

    fn put(&self, item: T) {
        self.wait_while(|items, _| items.len() == self.size);
        self.items.borrow_mut().push_back(item);
        self.wake_all();
    }

    fn get(&self) -> Option<T> {
        self.wait_while(|items, closed| items.is_empty() && !closed);
        let item = self.items.borrow_mut().pop_front();
        self.wake_all();
        item
    }

    fn close(&self) {
        self.closed.set(true);
        self.wake_all();
    }

    /// Nothing else runs between the look and the park: both are on one worker.
    fn wait_while(&self, blocked: impl Fn(&VecDeque<T>, bool) -> bool) {
        while blocked(&self.items.borrow(), self.closed.get()) {
            self.waiting.borrow_mut().push(thread::current());
            thread::park();
        }
    }

    fn wake_all(&self) {
        self.waiting.take().iter().for_each(Thread::unpark);
    }
}
