//! Runs of a seed: their ends, and their traces.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant as RealInstant},
};

use crate::support::{OsThread, Rng, for_seeds, limit, within};
use crate::world::{LIVES, World};
use sward::{Runtime, sleep, spawn};

/// What a run of a seed is compared by.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    hash: u64,
    events: usize,
    born: usize,
    spent: Duration,
}

/// Runs a world to its end, and checks it. `idle_before`: its worker has found nothing to do for a while when it
/// begins, which must not matter.
fn run(seed: u64, idle_before: bool) -> Trace {
    // Found by its name: if it told of itself, it would have had something to do.
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let name = format!("lives {}", RUNS.fetch_add(1, SeqCst));
    let builder = Runtime::builder().virtual_clock(true).seed(seed).thread_name(&name);
    let runtime = builder.build().unwrap();
    if idle_before {
        OsThread::named(&format!("{name}-0")).until_idle();
    }
    let (world, spent) = runtime.run(|| {
        let world = World::new(seed);
        let mut rng = Rng(seed);
        // Until enough are born, a few at a time; each is joined, cancelled, or left alone.
        while world.born.load(SeqCst) < LIVES {
            let handles: Vec<_> = (0..16).filter_map(|_| world.beget(&mut rng, 0)).collect();
            for handle in handles {
                match rng.below(5) {
                    0 => handle.cancel(),
                    1 => drop(handle),
                    2 => drop(handle.join_timeout(rng.micros(200))),
                    _ => drop(handle.join()),
                }
            }
        }
        // Every life is finite: this many hours are more than enough for those that nobody waits for.
        sleep(Duration::from_secs(3600));
        let spent = world.start.elapsed();
        (world, spent)
    });
    let alive = || runtime.metrics().live.iter().sum::<usize>();
    let patience = RealInstant::now() + limit() / 4;
    // The main one itself has told its end before its worker counts it out.
    while alive() > 0 && RealInstant::now() < patience {
        std::thread::yield_now();
    }
    assert_eq!(alive(), 0, "live counts return to zero");
    runtime.shutdown(limit() / 4).expect("nobody is left");
    // The gallery's references go, and with them what only they kept.
    world.gallery.lock().unwrap().clear();
    let count = |counter: &AtomicUsize| counter.load(SeqCst);
    assert_eq!(count(&world.began), count(&world.ended), "every life that began has ended");
    assert_eq!(world.guards.load(SeqCst), 0, "of {} guards every one was dropped", count(&world.made));
    assert_eq!(count(&world.called), count(&world.callbacks), "every callback was called once");
    assert!(count(&world.born) >= LIVES && count(&world.began) > LIVES / 4, "it is a world at all");
    Trace { hash: world.trace.load(SeqCst), events: count(&world.events), born: count(&world.born), spent }
}

/// Runs a seed twice, each with a watchdog. How much happened in it.
fn check(seed: u64) -> usize {
    let runs = [false, true].map(|idle_before| within(limit(), move || run(seed, idle_before)));
    assert_eq!(runs[0], runs[1], "seed {seed} has two traces");
    runs[0].events
}

#[test]
fn random_lives_end_well_and_a_seed_has_one_trace() {
    let events = Cell::new(0);
    for_seeds(3, |seed| events.set(events.get() + check(seed)));
    println!("each twice: {} events", events.get());
}

#[test]
fn different_seeds_have_different_traces() {
    let hashes = [1, 2, 3].map(|seed| within(limit(), move || run(seed, true).hash));
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
}

#[test]
fn a_seed_draws_the_order_in_which_fresh_ones_start() {
    let order = |seed| {
        within(limit(), move || {
            Runtime::builder().virtual_clock(true).seed(seed).run(|| {
                let order = Arc::new(Mutex::new(Vec::new()));
                let handles = (0..10).map(|i| {
                    let order = Arc::clone(&order);
                    spawn(move || order.lock().unwrap().push(i))
                });
                drop(sward::join_all(handles));
                order.lock().unwrap().clone()
            })
        })
    };
    let orders = [1, 2, 3, 4].map(order);
    assert!(orders.iter().any(|order| !order.is_sorted()), "always first in, first out: {orders:?}");
}
