//! Names and states of tasks, before, during and after. asyncio's `Task.get_name`, `done`, `cancelled`, `exception`;
//! gevent's tutorial, "Greenlet State" (`started`, `ready()`, `successful()`, `value`, `exception`):
//!
//! ```python
//! winner = gevent.spawn(win); loser = gevent.spawn(fail)
//! print(winner.started, loser.started)
//! gevent.joinall([winner, loser])
//! print(winner.value, loser.value, winner.ready(), loser.successful(), loser.exception)
//! ```
//!
//! Shows `Builder::name`, `JoinHandle::{name, status, is_finished, cancel}` and `Debug`. On the virtual clock; with the
//! argument `real`, on the real one.

use std::time::Duration;

use sward::{Builder, JoinHandle, sleep, thread};

fn main() {
    let real = std::env::args().any(|argument| argument == "real");
    sward::Runtime::builder().virtual_clock(!real).run(program);
}

fn program() {
    let winner = named("winner", || "You win!");
    let loser = named("loser", || std::panic::resume_unwind(Box::new("You fail at failing.")));
    let sleeper = named("sleeper", || {
        sleep(Duration::from_secs(1000));
        "late"
    });
    let busy = named("busy", || {
        thread::park();
        "woken"
    });
    let all = [&winner, &loser, &sleeper, &busy];

    show("before they run", &all);
    sward::yield_now();
    show("after a turn", &all);
    busy.thread().unpark();
    sleeper.cancel();
    show("one is woken, one cancelled", &all);
    sward::yield_now();
    show("at the end", &all);

    // `Debug` has the id, and where it was spawned.
    let text = format!("{winner:?}");
    assert!(text.starts_with("<green thread ") && text.contains("\"winner\" done"), "{text}");

    for handle in [winner, loser, sleeper, busy] {
        let name = handle.name().unwrap().to_owned();
        match handle.join() {
            Ok(value) => println!("{name}: {value}"),
            Err(error) if error.is_cancelled() => println!("{name}: cancelled"),
            Err(error) => println!("{name}: {:?}", error.downcast_ref::<&str>().unwrap()),
        }
    }
}

fn named(name: &str, f: fn() -> &'static str) -> JoinHandle<&'static str> {
    Builder::new().name(name.into()).spawn(f).unwrap()
}

fn show(when: &str, handles: &[&JoinHandle<&str>]) {
    println!("{when}:");
    for handle in handles {
        println!(
            "  {:<8} {:<10} finished: {}",
            handle.name().unwrap(),
            format!("{:?}", handle.status()),
            handle.is_finished()
        );
    }
}
