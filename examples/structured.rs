//! Many as one. asyncio's `TaskGroup`, gevent's `Group` and `Pool`:
//!
//! ```python
//! async with asyncio.TaskGroup() as tg:
//!     tg.create_task(one()); tg.create_task(two())
//!
//! pool = gevent.pool.Pool(2)
//! for result in pool.imap(work, range(4)): print(result)
//! ```
//!
//! Shows `TaskGroup`, whose first failure cancels the rest, `Group`, `Pool` with its bounded `imap`, and `local!`. On
//! the virtual clock; with the argument `real`, on the real one (some 10 s).

use std::{cell::Cell, time::Duration};

use sward::{Group, Pool, TaskGroup, TryJoinError, sleep, time::Instant};

sward::local! {
    static STEPS: Cell<u32> = Cell::new(0);
}

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    let names = ["one".to_owned(), "three".to_owned()];
    let lengths = TaskGroup::run(|group| {
        let tasks = names.each_ref().map(|name| group.spawn(move || Ok::<_, String>(name.len())));
        tasks.map(|task| task.join().unwrap().unwrap())
    });
    println!("a task group's values: {:?}", lengths.unwrap());

    let start = Instant::now();
    let failed = TaskGroup::run(|group| {
        group.spawn(|| Ok(work(1000)));
        group.spawn(|| {
            work(1);
            Err::<(), _>("no luck")
        });
    });
    match failed {
        Err(TryJoinError::Failed(why)) => println!("failed: {why}, after {} s", start.elapsed().as_secs()),
        other => panic!("{other:?}"),
    }

    let group = Group::new();
    for seconds in 1..=3 {
        drop(group.spawn(move || work(seconds)));
    }
    println!("{} in the group", group.len());
    group.join();
    println!("{} after the join", group.len());

    // Two at a time: four items of 2 s take 4 s.
    let start = Instant::now();
    let pool = Pool::new(2);
    let squares: Vec<_> = pool.imap(1..=4, |i: u64| i * i * work(2) / 2).map(Result::unwrap).collect();
    println!("{squares:?} after {} s", start.elapsed().as_secs());

    // A local is each green thread's own.
    let own = [1, 2].map(|count| {
        sward::spawn(move || {
            (0..count).for_each(|_| STEPS.set(STEPS.get() + 1));
            STEPS.get()
        })
    });
    println!("{:?} steps, and here {}", own.map(|handle| handle.join().unwrap()), STEPS.get());
}

fn work(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds));
    seconds
}
