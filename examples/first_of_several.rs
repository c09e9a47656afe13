//! Whoever comes first, and whoever fails first. asyncio's `wait(return_when=…)` and `as_completed`, gevent's `iwait`
//! and `joinall(raise_error=True)`, Go's `select`:
//!
//! ```python
//! done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
//! for earliest in asyncio.as_completed(tasks): print(await earliest)
//! ```
//!
//! Shows `race`, `wait`, `as_completed`, `try_join_all` and `cancel_all`. On the virtual clock; with the argument
//! `real`, on the real one (some 10 s).

use std::time::Duration;

use sward::{
    JoinHandle, ReturnWhen, TryJoinError, as_completed, cancel_all, join_all, race, sleep, spawn,
    time::Instant, try_join_all, wait,
};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    // The first answer of three mirrors; the others are cancelled.
    let start = Instant::now();
    let answer = race([3, 1, 2].map(|seconds| move || fetch(seconds)));
    println!("the first answer: {answer}, after {} s", start.elapsed().as_secs());

    // The first of some, and then the rest.
    let (done, pending) = wait([3, 1, 2].map(job).into(), ReturnWhen::FirstCompleted, None);
    println!("{} done, {} pending", done.len(), pending.len());
    let (done, pending) = wait(pending, ReturnWhen::All, Some(Duration::from_millis(1500)));
    println!("after 1.5 s more: {} done, {} pending", done.len(), pending.len());
    cancel_all(&pending);
    println!(
        "cancelled: {}",
        join_all(pending).iter().all(|end| end.as_ref().is_err_and(|e| e.is_cancelled()))
    );

    // Each as it comes.
    for handle in as_completed([3, 1, 2].map(job)) {
        println!("as completed: {}", handle.join().unwrap());
    }

    // All, or the first failure.
    let start = Instant::now();
    println!("all: {:?}", try_join_all([2, 1].map(|seconds| check(seconds, true))).unwrap());
    let failed = try_join_all([check(3, true), check(1, false), check(1000, true)]);
    match failed {
        Err(TryJoinError::Failed(why)) => println!("{why}, after {} s in all", start.elapsed().as_secs()),
        other => panic!("{other:?}"),
    }
}

fn fetch(seconds: u64) -> String {
    sleep(Duration::from_secs(seconds));
    format!("page {seconds}")
}

fn job(seconds: u64) -> JoinHandle<String> {
    spawn(move || fetch(seconds))
}

fn check(seconds: u64, good: bool) -> JoinHandle<Result<String, String>> {
    spawn(move || {
        let page = fetch(seconds);
        if good { Ok(page) } else { Err(format!("{page} is bad")) }
    })
}
