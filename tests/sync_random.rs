//! Green threads that lock, wait, time out and are cancelled in an order drawn from a seed, under the virtual clock,
//! each type against a model of what its documentation says.
//!
//! On one worker nothing happens between two statements that do not park, so that a model follows exactly: who is let in
//! when, in which order, and that one who was let in when its time was up or its cancel came *is* in. A second run
//! of a seed has the same trace. A seed that fails is printed, and runs again by `SWARD_RANDOM_SEED`. By default a few
//! seconds of the same seeds; `SWARD_RANDOM_SECONDS=60` runs for a minute with new ones.

mod support;

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, VecDeque},
    env,
    hash::{BuildHasher, RandomState},
    mem, panic,
    sync::{
        Arc, Mutex as StdMutex, MutexGuard as StdGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant as RealInstant},
};

use support::{limit, within};
use sward::{
    Canceller, Runtime, catch_cancel,
    event::Event,
    shield, sleep, spawn,
    sync::{Mutex, MutexGuard, Permit, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore},
    time::Instant,
    timeout, yield_now,
};

/// How many green threads share one subject.
const LIVES: usize = 12;
/// What each of them does.
const STEPS: usize = 40;

/// SplitMix64. A life draws from its own, so that its program depends on its number alone.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Few different ones, so that some meet.
    fn short(&mut self) -> Duration {
        Duration::from_micros(self.below(8) * 10)
    }
}

const WAITED: usize = 0;
const LET_IN: usize = 1;
const GAVE_UP: usize = 2;

/// What is tried, with its model.
trait Subject: Send + Sync + Sized + 'static {
    fn new(rng: &mut Rng) -> Self;
    /// Does one thing. It unwinds if it is cancelled where it does not look at that.
    fn step(&self, life: &mut Life<'_, Self>);
    /// All lives have ended.
    fn end(&self);
}

/// What all lives of a run share.
struct World<S> {
    subject: S,
    trace: AtomicU64,
    /// Of requests, by [`WAITED`] and so on.
    counts: [AtomicUsize; 3],
    cancellers: StdMutex<Vec<Canceller>>,
    /// The first that failed. Others fail for it.
    failure: StdMutex<Option<String>>,
}

struct Life<'a, S> {
    world: &'a World<S>,
    number: usize,
    rng: Rng,
}

/// How long one is ready to wait.
#[derive(Clone, Copy, Debug)]
enum Patience {
    Endless,
    /// Of a `timeout` around it.
    Around(Duration),
    /// By the method's own argument, if it has one.
    Own(Duration),
}

impl<S: Subject> World<S> {
    /// Adds to the trace.
    fn note(&self, life: usize, what: u64) {
        let hash = (self.trace.load(SeqCst) ^ what ^ (life as u64) << 32)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
        self.trace.store(hash, SeqCst); // one worker: nobody comes between
    }

    fn count(&self, what: usize) {
        self.counts[what].fetch_add(1, SeqCst);
    }
}

impl<S: Subject> Life<'_, S> {
    fn live(mut self) {
        for _ in 0..STEPS {
            let what = self.rng.below(12);
            let cancelled = match what {
                0 => catch_cancel(yield_now).is_err(),
                1 => self.pause(),
                2 => {
                    self.cancel_somebody();
                    false
                }
                3 => catch_cancel(|| shield(|| self.world.subject.step(&mut self))).is_err(),
                _ => catch_cancel(|| self.world.subject.step(&mut self)).is_err(),
            };
            self.world.note(self.number, what << 1 | u64::from(cancelled));
        }
    }

    fn pause(&mut self) -> bool {
        let pause = self.rng.short();
        catch_cancel(|| sleep(pause)).is_err()
    }

    fn cancel_somebody(&mut self) {
        let cancellers = self.world.cancellers.lock().unwrap();
        cancellers[self.rng.below(cancellers.len() as u64) as usize].cancel();
    }

    /// What one does while it is inside. A cancel unwinds it.
    fn linger(&mut self) {
        for _ in 0..self.rng.below(4) {
            match self.rng.below(4) {
                0 => sleep(self.rng.short()),
                1 => self.cancel_somebody(),
                _ => yield_now(),
            }
        }
    }

    fn patience(&mut self) -> Patience {
        match self.rng.below(4) {
            0 => Patience::Around(self.rng.short()),
            1 => Patience::Own(self.rng.short()),
            _ => Patience::Endless,
        }
    }

    /// Waits by `wait`, which is told its own limit. `None`: the time was up, or a cancel came.
    fn wait_for<G>(&self, patience: Patience, wait: impl FnOnce(Option<Duration>) -> Option<G>) -> Option<G> {
        let got = catch_cancel(|| match patience {
            Patience::Endless => wait(None),
            Patience::Around(limit) => timeout(limit, || wait(None)).ok().flatten(),
            Patience::Own(limit) => wait(Some(limit)),
        });
        let got = got.ok().flatten();
        self.world.count(if got.is_some() { LET_IN } else { GAVE_UP });
        got
    }
}

fn lock<T>(model: &StdMutex<T>) -> StdGuard<'_, T> {
    // The first failure is the one to see.
    model.lock().unwrap_or_else(|e| e.into_inner())
}

/// The model of what is served strictly first in, first out, a number of units each: permits, or the right to read,
/// which all units together make the right to write.
#[derive(Debug)]
struct Line {
    free: u64,
    waiting: VecDeque<(usize, u64)>,
    inside: BTreeMap<usize, u64>,
}

impl Line {
    fn new(free: u64) -> Self {
        Self { free, waiting: VecDeque::new(), inside: BTreeMap::new() }
    }

    /// True: it is let in at once.
    fn try_enter(&mut self, life: usize, units: u64) -> bool {
        let enters = units == 0 || self.waiting.is_empty() && units <= self.free;
        if enters {
            self.free -= units;
            assert!(self.inside.insert(life, units).is_none());
        }
        enters
    }

    /// True: it is let in at once. Otherwise it stands in line.
    fn enter(&mut self, life: usize, units: u64) -> bool {
        let enters = self.try_enter(life, units);
        if !enters {
            self.waiting.push_back((life, units));
        }
        enters
    }

    fn is_inside(&self, life: usize) -> bool {
        self.inside.contains_key(&life)
    }

    fn give_up(&mut self, life: usize) {
        assert!(!self.is_inside(life), "{life} gave up when it had been let in: {self:?}");
        self.waiting.retain(|(other, _)| *other != life);
        self.let_in();
    }

    /// Gives back all but `keep`.
    fn leave(&mut self, life: usize, keep: u64) {
        let units = self.inside.remove(&life).expect("it is inside");
        if keep > 0 {
            self.inside.insert(life, keep);
        }
        self.add(units - keep);
    }

    fn add(&mut self, units: u64) {
        self.free += units;
        self.let_in();
    }

    fn let_in(&mut self) {
        while let Some((life, units)) = self.waiting.pop_front_if(|(_, units)| *units <= self.free) {
            self.free -= units;
            self.inside.insert(life, units);
        }
    }
}

/// Inside of what a [`Line`] models. Dropped, it leaves, in the model and in truth.
struct Inside<'a, G> {
    model: &'a StdMutex<Line>,
    life: usize,
    guard: G,
}

impl<G> Drop for Inside<'_, G> {
    fn drop(&mut self) {
        // What the guard wakes runs later.
        lock(self.model).leave(self.life, 0);
    }
}

/// A step of what a [`Line`] models: `try_take` and `take` are to end as the model says.
fn enter<'a, S: Subject, G>(
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
    let at_once = lock(model).enter(number, units);
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

struct Permits {
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

struct Shared {
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

/// The model of the mutex. It may be taken by whoever comes when it is free; those who had to wait get it in the order in
/// which they came.
#[derive(Debug, Default)]
struct Barging {
    inside: Option<usize>,
    waiting: VecDeque<usize>,
    /// Known to be handed to the first in line, who has not run yet.
    handed: bool,
    /// How often it was handed over.
    handovers: usize,
    /// Since when it has been free with somebody in line.
    idle: Option<Instant>,
}

impl Barging {
    /// Called after each change. No time passes while it is free and somebody waits: who was woken is ready, and the
    /// clock stands still.
    fn check_time(&mut self) {
        let idle = self.inside.is_none() && !self.waiting.is_empty();
        self.idle = idle.then(|| self.idle.unwrap_or_else(Instant::now));
        let lost = self.idle.is_some_and(|since| since < Instant::now());
        assert!(!lost, "it is free, and nobody in line is on the way to it: {self:?}");
    }
}

struct Exclusive {
    mutex: Mutex<u64>,
    model: StdMutex<Barging>,
    sections: AtomicU64,
}

struct Alone<'a> {
    subject: &'a Exclusive,
    value: MutexGuard<'a, u64>,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let mut model = lock(&self.subject.model);
        model.inside = None;
        // Nothing panics here, where it may be unwinding.
        model.idle = (!model.waiting.is_empty()).then(Instant::now);
    }
}

impl Exclusive {
    fn enter(&self, life: &Life<'_, Self>, patience: Option<Patience>) -> Option<Alone<'_>> {
        let number = life.number;
        let got = self.mutex.try_lock().ok();
        let mut model = lock(&self.model);
        model.check_time();
        if let Some(value) = got {
            assert!(model.inside.is_none() && !model.handed, "{number} barges in: {model:?}");
            model.inside = Some(number);
            return Some(Alone { subject: self, value });
        }
        if model.inside.is_none() {
            assert!(!model.waiting.is_empty(), "it is free, and {number} does not get it");
            model.handovers += usize::from(!model.handed);
            model.handed = true;
        }
        let patience = patience?;
        model.waiting.push_back(number);
        drop(model);
        life.world.count(WAITED);
        let got = life.wait_for(patience, |limit| match limit {
            Some(limit) => timeout(limit, || self.mutex.lock().unwrap()).ok(),
            None => Some(self.mutex.lock().unwrap()),
        });
        let mut model = lock(&self.model);
        model.check_time();
        let is_first = model.waiting.front() == Some(&number);
        match got {
            Some(value) => {
                assert!(model.inside.is_none(), "{number} is let in, too: {model:?}");
                assert!(is_first, "{number} overtakes: {model:?}");
                model.waiting.pop_front();
                model.handed = false;
                model.inside = Some(number);
                Some(Alone { subject: self, value })
            }
            None => {
                assert!(!is_first || !model.handed, "{number} gave up what was handed to it: {model:?}");
                model.waiting.retain(|other| *other != number);
                model.check_time();
                None
            }
        }
    }
}

impl Subject for Exclusive {
    fn new(_: &mut Rng) -> Self {
        Self { mutex: Mutex::new(0), model: StdMutex::default(), sections: AtomicU64::new(0) }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let patience = (life.rng.below(4) > 0).then(|| life.patience());
        if let Some(mut inside) = self.enter(life, patience) {
            let before = *inside.value;
            let interrupted = catch_cancel(|| life.linger()).is_err();
            *inside.value = before + 1;
            self.sections.fetch_add(1, SeqCst);
            assert!(!interrupted || self.mutex.try_lock().is_err());
        }
    }

    fn end(&self) {
        let model = lock(&self.model);
        assert!(model.inside.is_none() && model.waiting.is_empty(), "{model:?}");
        assert_eq!(*self.mutex.lock().unwrap(), self.sections.load(SeqCst), "no increment is lost");
    }
}

/// The model of the event: a set lets all pass that wait at that moment, whatever comes after.
#[derive(Debug, Default)]
struct Flag {
    is_set: bool,
    waiting: BTreeSet<usize>,
    passing: BTreeSet<usize>,
}

struct Flagged {
    event: Event,
    model: StdMutex<Flag>,
}

impl Subject for Flagged {
    fn new(_: &mut Rng) -> Self {
        Self { event: Event::new(), model: StdMutex::default() }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let number = life.number;
        let mut flag = lock(&self.model);
        assert_eq!(self.event.is_set(), flag.is_set);
        match life.rng.below(8) {
            0 | 1 => {
                flag.is_set = true;
                let all = mem::take(&mut flag.waiting);
                flag.passing.extend(all);
                return self.event.set();
            }
            2..5 => {
                flag.is_set = false;
                return self.event.clear();
            }
            _ => {}
        }
        let at_once = flag.is_set;
        if !at_once {
            flag.waiting.insert(number);
            life.world.count(WAITED);
        }
        drop(flag);
        // Never for ever: there may be nobody left to set it.
        let patience = match life.rng.below(3) {
            0 => Patience::Around(life.rng.short()),
            _ => Patience::Own(life.rng.short() * 3),
        };
        let got = life.wait_for(patience, |limit| match limit {
            Some(limit) => self.event.wait_timeout(limit).then_some(()),
            None => {
                self.event.wait();
                Some(())
            }
        });
        let mut flag = lock(&self.model);
        let passes = flag.passing.remove(&number) || at_once;
        assert_eq!(got.is_some(), passes, "{number} is to pass, or not: {flag:?}");
        flag.waiting.remove(&number);
    }

    fn end(&self) {
        let flag = lock(&self.model);
        assert!(flag.waiting.is_empty() && flag.passing.is_empty(), "{flag:?}");
    }
}

/// What a panic says. `None`: it is a cancel.
fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
}

/// What a run of a seed is compared by.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    hash: u64,
    counts: [usize; 3],
    spent: Duration,
}

fn run<S: Subject>(seed: u64) -> Trace {
    Runtime::builder().virtual_clock(true).seed(seed).run(|| {
        let start = Instant::now();
        let world = Arc::new(World {
            subject: S::new(&mut Rng(seed)),
            trace: AtomicU64::new(0),
            counts: [const { AtomicUsize::new(0) }; 3],
            cancellers: StdMutex::default(),
            failure: StdMutex::default(),
        });
        let handles: Vec<_> = (0..LIVES)
            .map(|number| {
                let world = Arc::clone(&world);
                spawn(move || {
                    let rng = Rng(seed ^ (number as u64 + 1) << 32);
                    let life = Life { world: &world, number, rng };
                    let ended = panic::catch_unwind(panic::AssertUnwindSafe(|| life.live()));
                    if let Err(payload) = ended {
                        if let Some(message) = message(&*payload) {
                            lock(&world.failure).get_or_insert_with(|| message.to_owned());
                        }
                        panic::resume_unwind(payload);
                    }
                })
            })
            .collect();
        world.cancellers.lock().unwrap().extend(handles.iter().map(|handle| handle.canceller()));
        // A cancel that met one at its very end, or before it ran, is fine.
        drop(sward::join_all(handles));
        if let Some(failure) = lock(&world.failure).take() {
            panic!("{failure}");
        }
        world.subject.end();
        let counts = world.counts.each_ref().map(|count| count.load(SeqCst));
        Trace { hash: world.trace.load(SeqCst), counts, spent: start.elapsed() }
    })
}

/// Runs a seed twice, each with a watchdog. Returns how many waited, were let in, gave up.
fn check<S: Subject>(name: &str, seed: u64) -> [usize; 3] {
    let fails = |what: &str| -> ! {
        panic!(
            "seed {seed} {what}; to run it again: SWARD_RANDOM_SEED={seed} cargo test --test sync_random {name}"
        )
    };
    let runs = [(); 2].map(|()| {
        panic::catch_unwind(|| within(limit(), move || run::<S>(seed)))
            .unwrap_or_else(|payload| fails(message(&*payload).unwrap_or("panics")))
    });
    if runs[0] != runs[1] {
        fails(&format!("has two traces: {runs:?}"));
    }
    runs[0].counts
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn check_many<S: Subject>(name: &str) {
    if let Some(seed) = number("SWARD_RANDOM_SEED") {
        check::<S>(name, seed);
        return;
    }
    let start = RealInstant::now();
    let (limit, first) = match number("SWARD_RANDOM_SECONDS") {
        Some(seconds) => (Duration::from_secs(seconds), RandomState::new().hash_one(0)),
        None => (Duration::from_secs(1), 1),
    };
    let (mut worlds, mut sums) = (0, [0; 3]);
    while worlds < 3 || start.elapsed() < limit {
        let counts = check::<S>(name, first.wrapping_add(worlds));
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        worlds += 1;
    }
    println!("{worlds} worlds from seed {first}, each twice: {sums:?} waited, were let in, gave up");
    assert!(sums.iter().all(|sum| *sum as u64 > worlds * 10), "it is a world at all: {sums:?}");
}

#[test]
fn a_mutex_lets_one_in_at_a_time_and_those_who_wait_in_their_order() {
    check_many::<Exclusive>("mutex");
}

#[test]
fn a_rwlock_lets_in_as_its_line_says() {
    check_many::<Shared>("rwlock");
}

#[test]
fn a_semaphore_conserves_its_permits_and_serves_in_order() {
    check_many::<Permits>("semaphore");
}

#[test]
fn an_event_lets_pass_who_waits_when_it_is_set() {
    check_many::<Flagged>("event");
}
