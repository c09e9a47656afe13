//! A limit for what may take too long. asyncio's `wait_for` and `timeout`, gevent's `Timeout`:
//!
//! ```python
//! try:
//!     await asyncio.wait_for(eternity(), timeout=1.0)
//! except TimeoutError:
//!     print("timeout!")
//!
//! with gevent.Timeout(2, False):
//!     mylist = fetch()
//! ```
//!
//! Shows `timeout`, also nested, `timeout_at`, `deadline`, `join_timeout`, and that a scope's children inherit the
//! deadline. On the virtual clock; with the argument `real`, on the real one (some 12 s).

use std::time::Duration;

use sward::{deadline, scope, sleep, spawn, time::Instant, timeout, timeout_at};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    match timeout(secs(1), eternity) {
        Ok(()) => println!("it ended"),
        Err(_) => println!("timeout!"),
    }
    let quick = timeout(secs(10), || {
        sleep(secs(1));
        "in time"
    });
    println!("{}", quick.unwrap());

    // The inner one gives up sooner; the outer one bounds the tries together.
    let mut tries = 0;
    let all = timeout(secs(5), || {
        loop {
            tries += 1;
            if timeout(secs(2), eternity).is_ok() {
                return;
            }
        }
    });
    println!("{tries} tries, and then: {}", all.unwrap_err());

    // Children know how much time is left, and end with it.
    let end = Instant::now() + secs(2);
    let result = timeout_at(end, || {
        scope(|s| {
            s.spawn(|| println!("a child has {} s", (deadline().unwrap() - Instant::now()).as_secs()));
            s.spawn(eternity);
        })
    });
    println!("the scope and its children: {}", result.unwrap_err());

    // To wait no longer is not to cancel: the job runs on.
    let job = spawn(|| {
        sleep(secs(3));
        "done after all"
    });
    let job = job.join_timeout(secs(1)).unwrap_err();
    println!("still {:?}", job.status());
    println!("{}", job.join().unwrap());
}

fn eternity() {
    sleep(secs(3600));
    println!("yay!");
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
