//! A semaphore against a model of it: what a seed draws (acquire, give back, cancel, time out, add, forget, split) is done
//! to both, and after each step the same are in line and have their permits.
//!
//! A seed that fails is printed, and runs again by `SWARD_RANDOM_SEED`. By default two seconds of the same seeds;
//! `SWARD_RANDOM_SECONDS=60` runs for a minute with new ones.

mod support;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use support::{Rng, for_seeds, in_virtual_time, settle};
use sward::{
    JoinHandle, sleep, spawn,
    sync::{Arc, OwnedPermit, Semaphore},
};

/// What a seed does.
const STEPS: usize = 300;

/// What a semaphore should be.
#[derive(Default)]
struct Model {
    permits: usize,
    line: VecDeque<Waits>,
    held: BTreeMap<usize, usize>,
    now: u64,
}

#[derive(Clone, Copy)]
struct Waits {
    name: usize,
    n: usize,
    deadline: u64,
}

impl Model {
    fn acquire(&mut self, waits: Waits) {
        if waits.n == 0 || (self.line.is_empty() && waits.n <= self.permits) {
            self.permits -= waits.n;
            self.held.insert(waits.name, waits.n);
        } else if waits.deadline > self.now {
            self.line.push_back(waits);
        }
    }

    fn serve(&mut self) {
        while let Some(first) = self.line.front().filter(|first| first.n <= self.permits) {
            self.permits -= first.n;
            self.held.insert(first.name, first.n);
            self.line.pop_front();
        }
    }

    fn give_up(&mut self, name: usize) {
        self.line.retain(|waits| waits.name != name);
        self.serve();
    }

    fn pass(&mut self, time: u64) {
        let end = self.now + time;
        while let Some(next) =
            self.line.iter().min_by_key(|waits| waits.deadline).filter(|it| it.deadline <= end)
        {
            self.now = next.deadline;
            self.give_up(next.name);
        }
        self.now = end;
    }
}

/// The semaphore itself, and who has permits of it.
struct World {
    semaphore: Arc<Semaphore>,
    held: Arc<Mutex<BTreeMap<usize, OwnedPermit>>>,
    threads: BTreeMap<usize, JoinHandle<()>>,
}

impl World {
    fn acquire(&mut self, Waits { name, n, .. }: Waits, timeout: Option<Duration>) {
        let (semaphore, held) = (Arc::clone(&self.semaphore), Arc::clone(&self.held));
        let thread = spawn(move || {
            let permit = match timeout {
                None => Ok(semaphore.acquire_many_owned(n)),
                Some(timeout) => semaphore.acquire_many_owned_timeout(n, timeout),
            };
            if let Ok(permit) = permit {
                held.lock().unwrap().insert(name, permit);
            }
        });
        self.threads.insert(name, thread);
    }

    fn take(&self, name: usize) -> OwnedPermit {
        self.held.lock().unwrap().remove(&name).expect("it is held, as the model has it")
    }

    fn is_as(&self, model: &Model) {
        let held = self.held.lock().unwrap();
        let held: BTreeMap<_, _> = held.iter().map(|(name, permit)| (*name, permit.num_permits())).collect();
        assert_eq!(held, model.held);
        assert_eq!(self.semaphore.available_permits(), model.permits);
        for waits in &model.line {
            assert!(!self.threads[&waits.name].is_finished(), "{} waits", waits.name);
        }
    }
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let first = rng.below(4);
    let mut model = Model { permits: first, ..Model::default() };
    let mut world =
        World { semaphore: Arc::new(Semaphore::new(first)), held: Arc::default(), threads: BTreeMap::new() };
    for name in 0..STEPS {
        let n = rng.below(4);
        match rng.below(12) {
            0..5 => {
                let time = (rng.below(2) == 0).then(|| rng.below(5));
                let waits = Waits { name, n, deadline: time.map_or(u64::MAX, |time| model.now + time) };
                model.acquire(waits);
                world.acquire(waits, time.map(Duration::from_secs));
            }
            5..8 if !model.held.is_empty() => {
                let which = rng.below(model.held.len());
                let (&name, &n) = model.held.iter().nth(which).expect("so many are held");
                let mut permit = world.take(name);
                model.held.remove(&name);
                // A part of it may be lost.
                let lost = rng.below(4_usize).saturating_sub(2).min(n);
                permit.split(lost).expect("so many it has").forget();
                model.permits += n - lost;
                model.serve();
                drop(permit);
                // What it was handed at this moment a cancel does not take away.
                if rng.below(2) == 0 {
                    model.held.keys().for_each(|name| world.threads[name].cancel());
                }
            }
            8 if !model.line.is_empty() => {
                let name = model.line[rng.below(model.line.len())].name;
                model.give_up(name);
                world.threads[&name].cancel();
            }
            9 => {
                let time = rng.below(4);
                model.pass(time);
                sleep(Duration::from_secs(time));
            }
            10 => {
                let can = n == 0 || (model.line.is_empty() && n <= model.permits);
                assert_eq!(world.semaphore.try_acquire_many(n).is_ok(), can);
            }
            _ if model.permits > 2 => {
                model.permits -= 1;
                assert_eq!(world.semaphore.forget_permits(1), 1);
            }
            _ => {
                model.permits += n;
                model.serve();
                world.semaphore.add_permits(n);
            }
        }
        settle();
        world.is_as(&model);
    }
    model.line.iter().for_each(|waits| world.threads[&waits.name].cancel());
    drop(sward::join_all(world.threads.into_values()));
    let out: usize = model.held.values().sum();
    world.held.lock().unwrap().clear();
    assert_eq!(world.semaphore.available_permits(), model.permits + out);
}

#[test]
fn a_semaphore_does_what_its_model_does() {
    for_seeds(2, |seed| in_virtual_time(move || run(seed)));
}
