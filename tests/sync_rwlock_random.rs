//! `sync::RwLock` in an order drawn from a seed: against a sequential model of it, and on many threads at once.
//!
//! A seed that fails is printed, and runs again by `SWARD_RANDOM_SEED`.

mod support;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{in_run, number, runtime, watched};
use sward::{
    JoinHandle, spawn,
    sync::{RwLock, RwLockWriteGuard},
    timeout, yield_now,
};

fn first_seed() -> u64 {
    let seed = number("SWARD_RANDOM_SEED").unwrap_or(1);
    println!("to run it again: SWARD_RANDOM_SEED={seed}");
    seed
}

/// A step of xorshift; not from zero.
fn next(mut x: u64) -> u64 {
    x ^= x << 13;
    x ^= x >> 7;
    x ^ x << 17
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// What the lock is documented to do, by one thread.
#[derive(Default)]
struct Model {
    holders: BTreeMap<usize, Access>,
    line: VecDeque<(usize, Access)>,
}

impl Model {
    fn admits(&self, access: Access) -> bool {
        match access {
            Access::Read => self.holders.values().all(|&held| held == Access::Read),
            Access::Write => self.holders.is_empty(),
        }
    }

    fn settle(&mut self) {
        while let Some(&(id, access)) = self.line.front().filter(|(_, access)| self.admits(*access)) {
            self.line.pop_front();
            self.holders.insert(id, access);
        }
    }
}

#[derive(Clone, Copy)]
enum Order {
    Unlock,
    Downgrade,
}

/// What the test and its green threads share.
#[derive(Default)]
struct World {
    lock: RwLock<()>,
    holders: Mutex<BTreeMap<usize, Access>>,
    orders: Mutex<BTreeMap<usize, Order>>,
}

impl World {
    /// Takes the lock, and does what it is told.
    fn live(&self, id: usize, access: Access) {
        let mut reader = None;
        if access == Access::Write {
            let writer = self.lock.write().unwrap();
            self.holders.lock().unwrap().insert(id, access);
            if let Order::Downgrade = self.order(id) {
                reader = Some(RwLockWriteGuard::downgrade(writer));
            }
        } else {
            reader = Some(self.lock.read().unwrap());
        }
        if reader.is_some() {
            self.holders.lock().unwrap().insert(id, Access::Read);
            self.order(id);
        }
        self.holders.lock().unwrap().remove(&id);
    }

    fn order(&self, id: usize) -> Order {
        loop {
            let order = self.orders.lock().unwrap().remove(&id);
            if let Some(order) = order {
                return order;
            }
            yield_now();
        }
    }
}

fn compare_with_the_model(seed: u64) {
    let (world, mut model) = (Arc::new(World::default()), Model::default());
    let mut lives: BTreeMap<usize, JoinHandle<()>> = BTreeMap::new();
    let mut x = seed << 8 | 1;
    for id in 0..400 {
        x = next(x);
        let pick = (x >> 32) as usize;
        match x % 5 {
            0 | 1 if lives.len() < 12 => {
                let access = if pick.is_multiple_of(3) { Access::Write } else { Access::Read };
                let theirs = Arc::clone(&world);
                lives.insert(id, spawn(move || theirs.live(id, access)));
                model.line.push_back((id, access));
            }
            2 if !model.line.is_empty() => {
                let (id, _) = model.line.remove(pick % model.line.len()).unwrap();
                lives[&id].cancel();
            }
            order if !model.holders.is_empty() => {
                let (&id, &held) = model.holders.iter().nth(pick % model.holders.len()).unwrap();
                let order = if order == 3 { Order::Downgrade } else { Order::Unlock };
                world.orders.lock().unwrap().insert(id, order);
                match (held, order) {
                    (Access::Write, Order::Downgrade) => drop(model.holders.insert(id, Access::Read)),
                    _ => drop(model.holders.remove(&id)),
                }
            }
            _ => continue,
        }
        model.settle();
        // Each takes two turns at most: it obeys, and those that it lets in say so.
        (0..3).for_each(|_| yield_now());
        lives.retain(|_, life| !life.is_finished());
        assert_eq!(*world.holders.lock().unwrap(), model.holders, "seed {seed}, step {id}");
        let free = model.line.is_empty();
        assert_eq!(
            world.lock.try_read().is_ok(),
            free && model.admits(Access::Read),
            "seed {seed}, step {id}"
        );
        assert_eq!(
            world.lock.try_write().is_ok(),
            free && model.admits(Access::Write),
            "seed {seed}, step {id}"
        );
    }
    for life in lives.values() {
        life.cancel();
    }
}

#[test]
fn it_does_what_the_model_does() {
    let first = first_seed();
    (first..first + 100).for_each(|seed| in_run(move || compare_with_the_model(seed)));
}

#[test]
fn readers_and_writers_on_green_and_os_threads_never_meet() {
    let seed = first_seed();
    let lock = Arc::new(RwLock::new((0u64, 0u64)));
    let inside = Arc::new(AtomicUsize::new(0));
    const WRITER: usize = 1 << 32;
    let life = move |lock: &RwLock<(u64, u64)>, inside: &AtomicUsize, mut x: u64| {
        let mut written = 0;
        for _ in 0..300 {
            x = next(x);
            // Half of them have the patience to find out if a wake-up is lost.
            let limit = if x & 64 == 0 { support::limit() * 2 } else { Duration::from_micros(x >> 8 & 63) };
            if x.is_multiple_of(3) {
                let Ok(mut guard) = timeout(limit, || lock.write().unwrap()) else { continue };
                assert_eq!(inside.fetch_add(WRITER, SeqCst), 0, "it is alone");
                guard.0 += 1;
                if x & 128 == 0 {
                    yield_now();
                }
                guard.1 += 1;
                written += 1;
                inside.fetch_sub(WRITER, SeqCst);
                if x & 256 == 0 {
                    let guard = RwLockWriteGuard::downgrade(guard);
                    assert_eq!(guard.0, guard.1);
                }
            } else if let Ok(guard) = timeout(limit, || lock.read().unwrap()) {
                assert!(inside.fetch_add(1, SeqCst) < WRITER, "nobody writes");
                if x & 128 == 0 {
                    yield_now();
                }
                assert_eq!(guard.0, guard.1);
                inside.fetch_sub(1, SeqCst);
            }
        }
        written
    };
    let total = watched(move || {
        let runtime = runtime(2);
        let os_threads = [1, 2].map(|i| {
            let (lock, inside) = (Arc::clone(&lock), Arc::clone(&inside));
            std::thread::spawn(move || life(&lock, &inside, seed << 8 | i))
        });
        let theirs = Arc::clone(&lock);
        let green: u64 = runtime.run(move || {
            let lives = (3..20).map(|i| {
                let (lock, inside) = (Arc::clone(&theirs), Arc::clone(&inside));
                spawn(move || life(&lock, &inside, seed << 8 | i))
            });
            sward::join_all(lives.collect::<Vec<_>>()).into_iter().map(|written| written.unwrap()).sum()
        });
        let plain: u64 = os_threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(lock.try_write().unwrap().0, green + plain, "free at the end, and nothing is lost");
        green + plain
    });
    println!("{total} were written");
    assert!(total > 500);
}
