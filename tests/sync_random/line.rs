//! What is served strictly first in, first out: [`Semaphore`] and [`RwLock`].

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use sward::{
    catch_cancel,
    sync::{Permit, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore},
    timeout,
};

use crate::world::{Life, Rng, Subject, WAITED, lock};

/// The model of what is served strictly first in, first out, a number of units each: permits, or the right to read,
/// which all units together make the right to write.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) free: u64,
    pub(crate) waiting: VecDeque<(usize, u64)>,
    pub(crate) inside: BTreeMap<usize, u64>,
}

impl Line {
    pub(crate) fn new(free: u64) -> Self {
        Self { free, waiting: VecDeque::new(), inside: BTreeMap::new() }
    }

    /// True: it is let in at once.
    pub(crate) fn try_enter(&mut self, life: usize, units: u64) -> bool {
        let enters = units == 0 || self.waiting.is_empty() && units <= self.free;
        if enters {
            self.free -= units;
            assert!(self.inside.insert(life, units).is_none());
        }
        enters
    }

    /// True: it is let in at once. Otherwise it stands in line.
    pub(crate) fn enter(&mut self, life: usize, units: u64) -> bool {
        let enters = self.try_enter(life, units);
        if !enters {
            self.waiting.push_back((life, units));
        }
        enters
    }

    pub(crate) fn is_inside(&self, life: usize) -> bool {
        self.inside.contains_key(&life)
    }

    pub(crate) fn give_up(&mut self, life: usize) {
        assert!(!self.is_inside(life), "{life} gave up when it had been let in: {self:?}");
        self.waiting.retain(|(other, _)| *other != life);
        self.let_in();
    }

    /// Gives back all but `keep`.
    pub(crate) fn leave(&mut self, life: usize, keep: u64) {
        let units = self.inside.remove(&life).expect("it is inside");
        if keep > 0 {
            self.inside.insert(life, keep);
        }
        self.add(units - keep);
    }

    pub(crate) fn add(&mut self, units: u64) {
        self.free += units;
        self.let_in();
    }

    pub(crate) fn let_in(&mut self) {
        while let Some((life, units)) = self.waiting.pop_front_if(|(_, units)| *units <= self.free) {
            self.free -= units;
            self.inside.insert(life, units);
        }
    }
}

/// Inside of what a [`Line`] models. Dropped, it leaves, in the model and in truth.
pub(crate) struct Inside<'a, G> {
    model: &'a StdMutex<Line>,
    life: usize,
    pub(crate) guard: G,
}

impl<G> Drop for Inside<'_, G> {
    fn drop(&mut self) {
        // What the guard wakes runs later.
        lock(self.model).leave(self.life, 0);
    }
}

/// A step of what a [`Line`] models: `try_take` and `take` are to end as the model says.
pub(crate) fn enter<'a, S: Subject, G>(
    life: &mut Life<'_, S>,
    model: &'a StdMutex<Line>,
    units: u64,
    try_take: impl FnOnce() -> Option<G>,
    take: impl FnOnce(Option<Duration>) -> Option<G>,
) -> Option<Inside<'a, G>> {
    let number = life.number;
    if life.rng.below(4) == 0 {
        let enters = lock(model).try_enter(number, units);
        let got = try_take();
        assert_eq!(got.is_some(), enters, "{number} tries for {units}: {:?}", lock(model));
        return got.map(|guard| Inside { model, life: number, guard });
    }
    let patience = life.patience();
    let at_once = match patience.is_none() {
        true => lock(model).try_enter(number, units),
        false => lock(model).enter(number, units),
    };
    if !at_once {
        life.world.count(WAITED);
    }
    let got = life.wait_for(patience, take);
    let mut line = lock(model);
    match got {
        Some(guard) => {
            assert!(line.is_inside(number), "{number} came in before its turn: {line:?}");
            Some(Inside { model, life: number, guard })
        }
        None => {
            line.give_up(number);
            None
        }
    }
}

pub(crate) struct Permits {
    semaphore: Semaphore,
    model: StdMutex<Line>,
    all: AtomicU64,
}

impl Subject for Permits {
    fn new(rng: &mut Rng) -> Self {
        let permits = rng.below(5);
        Self {
            semaphore: Semaphore::new(permits as usize),
            model: StdMutex::new(Line::new(permits)),
            all: AtomicU64::new(permits),
        }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let permits = life.rng.below(4);
        // Added now and then: more than there will be are never waited for in vain.
        if permits > self.all.load(SeqCst) || life.rng.below(30) == 0 {
            self.all.fetch_add(1, SeqCst);
            lock(&self.model).add(1);
            self.semaphore.add_permits(1);
            return;
        }
        let n = permits as usize;
        let take = |limit| -> Option<Permit<'_>> {
            match limit {
                Some(limit) => self.semaphore.acquire_many_timeout(n, limit).ok(),
                None => Some(self.semaphore.acquire_many(n)),
            }
        };
        let inside = enter(life, &self.model, permits, || self.semaphore.try_acquire_many(n).ok(), take);
        if inside.is_some() {
            assert_eq!(self.semaphore.available_permits() as u64, lock(&self.model).free);
            life.linger();
        }
    }

    fn end(&self) {
        let line = lock(&self.model);
        assert!(line.inside.is_empty() && line.waiting.is_empty(), "{line:?}");
        assert_eq!(line.free, self.all.load(SeqCst));
        assert_eq!(self.semaphore.available_permits() as u64, line.free, "permits are conserved");
        assert!(self.semaphore.try_acquire_many(line.free as usize).is_ok());
    }
}

/// More than there are readers.
const WRITER: u64 = 1000;

pub(crate) struct Shared {
    lock: RwLock<(u64, u64)>,
    model: StdMutex<Line>,
}

enum Access<'a> {
    Nothing,
    Read(RwLockReadGuard<'a, (u64, u64)>),
    Write(RwLockWriteGuard<'a, (u64, u64)>),
}

impl Subject for Shared {
    fn new(_: &mut Rng) -> Self {
        Self { lock: RwLock::default(), model: StdMutex::new(Line::new(WRITER)) }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let (lock_, model) = (&self.lock, &self.model);
        if life.rng.below(3) > 0 {
            let take = |limit| match limit {
                Some(limit) => timeout(limit, || lock_.read().unwrap()).ok().map(Access::Read),
                None => Some(Access::Read(lock_.read().unwrap())),
            };
            let try_take = || lock_.try_read().ok().map(Access::Read);
            if let Some(inside) = enter(life, model, 1, try_take, take) {
                life.linger();
                if let Access::Read(value) = &inside.guard {
                    assert_eq!(value.0, value.1, "a reader sees half of what was written");
                }
            }
            return;
        }
        let take = |limit| match limit {
            Some(limit) => timeout(limit, || lock_.write().unwrap()).ok().map(Access::Write),
            None => Some(Access::Write(lock_.write().unwrap())),
        };
        let try_take = || lock_.try_write().ok().map(Access::Write);
        let Some(mut inside) = enter(life, model, WRITER, try_take, take) else { return };
        if let Access::Write(value) = &mut inside.guard {
            value.0 += 1;
            // Half of it is done when others run, and a cancel does not leave it so.
            let interrupted = catch_cancel(|| life.linger());
            value.1 += 1;
            assert_eq!(value.0, value.1);
            if interrupted.is_err() {
                return;
            }
        }
        if life.rng.below(3) == 0 {
            lock(model).leave(life.number, 1);
            if let Access::Write(value) = mem::replace(&mut inside.guard, Access::Nothing) {
                inside.guard = Access::Read(RwLockWriteGuard::downgrade(value));
            }
            life.linger();
        }
    }

    fn end(&self) {
        let line = lock(&self.model);
        assert!(line.inside.is_empty() && line.waiting.is_empty() && line.free == WRITER, "{line:?}");
        assert!(self.lock.try_write().is_ok_and(|value| value.0 == value.1));
    }
}
