//! Green threads that take locks and join each other in an order drawn from a seed: whenever they have come to a stop
//! and some have not ended, there is a deadlock; each is told of once, and they all end when one of each is cancelled.
//! A seed that fails is printed, and runs again by `SWARD_RANDOM_SEED`. By default some hundred seeds;
//! `SWARD_RANDOM_SECONDS=60` runs for a minute with new ones.

mod support;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex as StdMutex},
    time::{Duration, Instant},
};

use support::{Child, Drops, Rng, in_virtual_time, number};
use sward::{Canceller, JoinHandle, inspect, sync::Mutex, thread::ThreadId};

const LOCKS: usize = 4;
const LIVES: usize = 6;
const STEPS: usize = 10;

#[derive(Default)]
struct World {
    locks: [Mutex<()>; LOCKS],
    cancellers: StdMutex<HashMap<ThreadId, Canceller>>,
    ended: Drops,
    begun: StdMutex<usize>,
}

fn begin(world: &Arc<World>, life: impl FnOnce(&World) + Send + 'static) -> JoinHandle<()> {
    *world.begun.lock().unwrap() += 1;
    let (guard, inside) = (world.ended.guard(), world.clone());
    let handle = sward::spawn(move || {
        let _guard = guard;
        life(&inside);
    });
    world.cancellers.lock().unwrap().insert(handle.id(), handle.canceller());
    handle
}

fn live(world: &Arc<World>, mut rng: Rng) {
    let mut held = Vec::new();
    for _ in 0..STEPS {
        let lock = rng.below(LOCKS);
        match rng.below(8) {
            0..=2 if held.iter().all(|&(its, _)| its != lock) => {
                held.push((lock, world.locks[lock].lock().unwrap()));
            }
            3 if !held.is_empty() => drop(held.swap_remove(rng.below(held.len()))),
            4 if held.len() < LOCKS => {
                let _ = begin(world, move |world| drop(world.locks[lock].lock().unwrap())).join();
            }
            5 => sward::sleep(Duration::from_millis(1)),
            _ => sward::yield_now(),
        }
    }
}

/// How many deadlocks there were.
fn run(seed: u64) -> usize {
    in_virtual_time(move || {
        let world = Arc::<World>::default();
        for life in 0..LIVES {
            let (inside, rng) = (world.clone(), Rng(seed ^ (life as u64) << 32));
            drop(begin(&world, move |_| live(&inside, rng)));
        }
        let mut found = 0;
        loop {
            sward::sleep(Duration::from_secs(1));
            let deadlocks = inspect::deadlocks();
            let all_ended = world.ended.count() == *world.begun.lock().unwrap();
            assert_eq!(deadlocks.is_empty(), all_ended, "{deadlocks:?}");
            if all_ended {
                return found;
            }
            found += deadlocks.len();
            for deadlock in deadlocks {
                let first = deadlock.members().next().expect("a ring has members").id();
                world.cancellers.lock().unwrap()[&first].cancel();
            }
        }
    })
}

#[test]
fn whatever_comes_to_a_stop_is_a_deadlock_and_is_told_of_once() {
    let ended = Child::of("whatever_comes_to_a_stop_is_a_deadlock_and_is_told_of_once").run(|| {
        let start = Instant::now();
        let limit = number("SWARD_RANDOM_SECONDS").map(Duration::from_secs);
        let again = number("SWARD_RANDOM_SEED");
        let first = again.unwrap_or_else(|| limit.map_or(1, |_| RandomState::new().hash_one(0)));
        let least = if again.is_some() { 1 } else { 300 };
        let (mut worlds, mut found) = (0, 0);
        while worlds < least || limit.is_some_and(|limit| start.elapsed() < limit) {
            let seed = first.wrapping_add(worlds);
            println!("to run it again: SWARD_RANDOM_SEED={seed} cargo test --test deadlock_random");
            found += run(seed);
            worlds += 1;
        }
        println!("\nfound {found} in {worlds} worlds");
    });
    let last = ended.stdout.lines().rev().find(|line| line.starts_with("to run")).unwrap_or("");
    assert_eq!((ended.code, ended.signal), (Some(0), None), "{last}\n{}", ended.stderr);
    let found = ended.stdout.lines().find_map(|line| line.strip_prefix("found ")).expect("it was printed");
    println!("{found}");
    let found: usize = found.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
    assert!(
        found > 10 || number("SWARD_RANDOM_SEED").is_some(),
        "too few deadlocks to say anything: {found}"
    );
    assert_eq!(ended.stderr.matches("sward: deadlock").count(), found);
}
