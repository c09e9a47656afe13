//! Thousands of green threads that spawn, cancel, time out, shield, join and park in an order drawn from a seed, under
//! the virtual clock.
//!
//! Each life is a random program. It is checked that every guard is dropped once, that every life that began ended,
//! that nothing hangs, that live counts return to zero; and that a second run of the seed has the same trace. A seed
//! that fails is printed, and runs again by `SWARD_RANDOM_SEED`. By default a few seconds of the same seeds;
//! `SWARD_RANDOM_SECONDS=60` runs for a minute with new ones.

mod support;

use std::{
    env,
    hash::{BuildHasher, RandomState},
    panic,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant as RealInstant},
};

use support::{limit, within};
use sward::{
    Canceller, JoinHandle, ReturnWhen, Runtime, as_completed, catch_cancel, race, scope, shield, sleep,
    spawn, spawn_after, thread, thread::Thread, time::Instant, timeout, try_join_all, wait, yield_now,
};

/// How many lives a world has, about.
const LIVES: usize = 1500;
/// What happens in a life, at most.
const STEPS: u64 = 12;
/// How deep lives spawn lives whose end they wait for.
const DEPTH: u32 = 4;

/// A world: what all lives of a run share.
struct World {
    seed: u64,
    start: Instant,
    born: AtomicUsize,
    /// Guards alive: made minus dropped. Each guard checks for itself that it is dropped once.
    guards: AtomicI64,
    made: AtomicUsize,
    began: AtomicUsize,
    ended: AtomicUsize,
    callbacks: AtomicUsize,
    called: AtomicUsize,
    trace: AtomicU64,
    events: AtomicUsize,
    /// Whom a life may cancel or wake: a bounded gallery, filled in the order of birth.
    gallery: Mutex<Vec<(Canceller, Thread)>>,
}

/// SplitMix64. A life draws from its own, so that its program depends on its number alone.
#[derive(Clone)]
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

    fn short(&mut self) -> Duration {
        Duration::from_micros(self.below(200))
    }
}

/// What a life owns, checked to be dropped once.
struct Guard {
    world: Arc<World>,
    life: usize,
    dropped: bool,
}

impl Guard {
    fn new(world: &Arc<World>, life: usize) -> Self {
        world.guards.fetch_add(1, SeqCst);
        world.made.fetch_add(1, SeqCst);
        Self { world: Arc::clone(world), life, dropped: false }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::mem::replace(&mut self.dropped, true) {
            eprintln!("life {}: a guard is dropped twice", self.life);
            std::process::abort();
        }
        self.world.guards.fetch_sub(1, SeqCst);
        self.world.note(self.life, 'd', 0);
    }
}

impl World {
    fn new(seed: u64) -> Arc<Self> {
        Arc::new(World {
            seed,
            start: Instant::now(),
            born: AtomicUsize::new(0),
            guards: AtomicI64::new(0),
            made: AtomicUsize::new(0),
            began: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            callbacks: AtomicUsize::new(0),
            called: AtomicUsize::new(0),
            trace: AtomicU64::new(0xcbf2_9ce4_8422_2325),
            events: AtomicUsize::new(0),
            gallery: Mutex::default(),
        })
    }

    /// Adds to the trace: who, what, when.
    fn note(&self, life: usize, what: char, more: u64) {
        self.events.fetch_add(1, SeqCst);
        let when = self.start.elapsed().as_nanos() as u64;
        let words = [life as u64, what as u64, more, when];
        let hash = words.iter().fold(self.trace.load(SeqCst), |hash, word| {
            (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
        });
        self.trace.store(hash, SeqCst); // one worker: nobody comes between
        if env::var_os("SWARD_RANDOM_TRACE").is_some() {
            eprintln!("{when:>9} {life:>5} {what} {more}");
        }
    }

    /// The next life's number and its closure; `None` if there are enough.
    fn conceive(
        self: &Arc<Self>,
        depth: u32,
    ) -> Option<(usize, impl FnOnce() -> Result<u64, u64> + Send + 'static)> {
        if self.born.load(SeqCst) >= LIVES {
            return None;
        }
        let life = self.born.fetch_add(1, SeqCst);
        let (world, captured) = (Arc::clone(self), Guard::new(self, life));
        Some((life, move || {
            let _captured = captured;
            world.began.fetch_add(1, SeqCst);
            let _end = End { world: &world, life };
            Life { world: &world, life, depth, rng: Rng(world.seed ^ (life as u64) << 32) }.live()
        }))
    }

    fn beget(self: &Arc<Self>, rng: &mut Rng, depth: u32) -> Option<JoinHandle<Result<u64, u64>>> {
        let (life, closure) = self.conceive(depth)?;
        let handle = match rng.below(8) {
            0 => spawn_after(rng.short(), closure),
            _ => spawn(closure),
        };
        self.enter_gallery(life, &handle);
        if rng.below(4) == 0 {
            self.callbacks.fetch_add(1, SeqCst);
            let world = Arc::clone(self);
            let guard = Guard::new(self, life);
            handle.on_done(move |outcome| {
                let _guard = guard;
                world.called.fetch_add(1, SeqCst);
                world.note(life, 'c', outcome.status as u64);
            });
        }
        Some(handle)
    }

    fn enter_gallery(&self, life: usize, handle: &JoinHandle<Result<u64, u64>>) {
        let mut gallery = self.gallery.lock().unwrap();
        let picture = (handle.canceller(), handle.thread().clone());
        if gallery.len() < 64 {
            gallery.push(picture);
        } else {
            gallery[life % 64] = picture;
        }
    }

    fn any(&self, rng: &mut Rng) -> Option<(Canceller, Thread)> {
        let gallery = self.gallery.lock().unwrap();
        (!gallery.is_empty()).then(|| gallery[rng.below(gallery.len() as u64) as usize].clone())
    }
}

/// Counts a life that began as ended, however it does.
struct End<'a> {
    world: &'a World,
    life: usize,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.world.ended.fetch_add(1, SeqCst);
        self.world.note(self.life, 'e', std::thread::panicking().into());
    }
}

struct Life<'a> {
    world: &'a Arc<World>,
    life: usize,
    depth: u32,
    rng: Rng,
}

impl Life<'_> {
    fn live(mut self) -> Result<u64, u64> {
        for _ in 0..self.rng.below(STEPS) {
            self.step(2);
        }
        match self.rng.below(60) {
            0 => panic::resume_unwind(Box::new(self.life)),
            1..6 => Err(self.life as u64),
            _ => Ok(self.life as u64),
        }
    }

    /// Does one thing. What nests does `nesting` more at most.
    fn step(&mut self, nesting: u32) {
        let _local = Guard::new(self.world, self.life);
        let what = self.rng.below(if nesting > 0 { 22 } else { 11 });
        self.world.note(self.life, '.', what);
        match what {
            0 | 1 => yield_now(),
            2 | 3 => sleep(self.rng.short()),
            // Never for ever: nobody may ever wake it.
            4 => thread::park_timeout(self.rng.short()),
            5 => self.with_any(|(canceller, _)| canceller.cancel()),
            6 | 7 => self.with_any(|(_, thread)| thread.unpark()),
            8 => drop(self.world.beget(&mut self.rng, self.depth + 1)),
            9 => drop(timeout(self.rng.short(), thread::park)),
            10 => self.look(),
            11 => {
                let limit = self.rng.short();
                let ended = timeout(limit, || self.steps(nesting));
                self.world.note(self.life, 't', ended.is_ok().into());
            }
            12 => {
                shield(|| self.steps(nesting));
                self.world.note(self.life, 's', 0);
            }
            13 => {
                let caught = catch_cancel(|| self.steps(nesting)).is_err();
                self.world.note(self.life, 'k', caught.into());
            }
            14 => self.scope(),
            _ => self.family(),
        }
    }

    fn steps(&mut self, nesting: u32) {
        (0..=self.rng.below(3)).for_each(|_| self.step(nesting - 1));
    }

    fn with_any(&mut self, f: impl FnOnce((Canceller, Thread))) {
        if let Some(somebody) = self.world.any(&mut self.rng) {
            f(somebody);
        }
    }

    fn look(&self) {
        let left =
            sward::deadline().map_or(u64::MAX, |at| at.duration_since(self.world.start).as_nanos() as u64);
        self.world.note(self.life, 'l', left ^ u64::from(sward::cancelled()));
    }

    /// Children that borrow, in a scope.
    fn scope(&mut self) {
        let world = self.world;
        let sum = AtomicU64::new(0);
        let count = self.rng.below(4);
        let naps: Vec<_> = (0..count).map(|_| self.rng.short()).collect();
        let life = self.life;
        scope(|s| {
            for nap in &naps {
                let sum = &sum;
                let handle = s.spawn(move || {
                    let _guard = Guard::new(world, life);
                    sleep(*nap);
                    sum.fetch_add(1, SeqCst);
                });
                if count.is_multiple_of(2) {
                    drop(handle.join());
                }
            }
        });
        self.world.note(life, 'S', sum.load(SeqCst));
    }

    /// Children whose ends are waited for, in one of the ways there are.
    fn family(&mut self) {
        if self.depth >= DEPTH {
            return yield_now();
        }
        let (depth, count) = (self.depth + 1, self.rng.below(6));
        let mut rng = self.rng.clone();
        self.rng.next();
        let way = rng.below(8);
        if way == 0 {
            return self.race(count);
        }
        let children: Vec<_> = (0..count).filter_map(|_| self.world.beget(&mut rng, depth)).collect();
        let nap = rng.short();
        let result = match way {
            1 => children.into_iter().map(|child| child.join().is_ok() as u64).sum(),
            2 => sward::join_all(children).iter().filter(|end| end.is_ok()).count() as u64,
            3 => match try_join_all(children) {
                Ok(values) => values.len() as u64,
                Err(_) => 1 << 32,
            },
            4 => as_completed(children).map(|child| child.join().map_or(7, |_| 1)).sum(),
            5 => {
                let when = [ReturnWhen::All, ReturnWhen::FirstCompleted, ReturnWhen::FirstFailed]
                    [rng.below(3) as usize];
                let (done, pending) = wait(children, when, Some(nap));
                sward::cancel_all(&pending);
                (done.len() * 100 + sward::join_all(pending).len()) as u64
            }
            6 => {
                let mut late = 0;
                for child in children {
                    if let Err(child) = child.join_timeout(nap) {
                        late += 1;
                        child.cancel();
                        drop(child.join());
                    }
                }
                late
            }
            _ => {
                let mut ended = as_completed(children);
                let some = std::iter::from_fn(|| ended.next_timeout(nap)).count();
                some as u64
            }
        };
        self.world.note(self.life, 'f', result);
    }

    fn race(&mut self, count: u64) {
        let depth = self.depth + 1;
        let jobs: Vec<_> =
            (0..count).filter_map(|_| self.world.conceive(depth)).map(|(_, job)| job).collect();
        if !jobs.is_empty() {
            // The first may panic, or be cancelled by a passer-by: this life goes on all the same.
            let first = panic::catch_unwind(panic::AssertUnwindSafe(|| race(jobs)));
            self.world.note(self.life, 'r', first.map_or(u64::MAX, |first| first.unwrap_or_else(|e| e)));
        }
    }
}

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
    let runtime = Runtime::builder().virtual_clock(true).seed(seed).build().unwrap();
    if idle_before {
        std::thread::sleep(Duration::from_millis(2));
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
                    2 => drop(handle.join_timeout(rng.short())),
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
    let patience = RealInstant::now() + Duration::from_secs(5);
    // The main one itself has told its end before its worker counts it out.
    while alive() > 0 && RealInstant::now() < patience {
        std::thread::yield_now();
    }
    assert_eq!(alive(), 0, "live counts return to zero");
    runtime.shutdown(Duration::from_secs(5)).expect("nobody is left");
    // The gallery's references go, and with them what only they kept.
    world.gallery.lock().unwrap().clear();
    let count = |counter: &AtomicUsize| counter.load(SeqCst);
    assert_eq!(count(&world.began), count(&world.ended), "every life that began has ended");
    assert_eq!(world.guards.load(SeqCst), 0, "of {} guards every one was dropped", count(&world.made));
    assert_eq!(count(&world.called), count(&world.callbacks), "every callback was called once");
    assert!(count(&world.born) >= LIVES && count(&world.began) > LIVES / 4, "it is a world at all");
    Trace { hash: world.trace.load(SeqCst), events: count(&world.events), born: count(&world.born), spent }
}

/// Runs a seed twice, each with a watchdog.
fn check(seed: u64) -> usize {
    let fails = |what: &str| -> ! {
        panic!("seed {seed} {what}; to run it again: SWARD_RANDOM_SEED={seed} cargo test --test random_lives")
    };
    let runs = [false, true].map(|idle_before| {
        let run = panic::catch_unwind(|| within(limit(), move || run(seed, idle_before)));
        run.unwrap_or_else(|payload| {
            let message = payload.downcast_ref::<String>().map(String::as_str);
            fails(message.or_else(|| payload.downcast_ref().copied()).unwrap_or("panics"))
        })
    });
    if runs[0] != runs[1] {
        fails(&format!("has two traces: {runs:?}"));
    }
    runs[0].events
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn random_lives_end_well_and_a_seed_has_one_trace() {
    if let Some(seed) = number("SWARD_RANDOM_SEED") {
        check(seed);
        return;
    }
    let start = RealInstant::now();
    let (seconds, first) = match number("SWARD_RANDOM_SECONDS") {
        Some(seconds) => (seconds, RandomState::new().hash_one(0)),
        None => (3, 1),
    };
    let (mut worlds, mut events) = (0, 0);
    while worlds == 0 || start.elapsed() < Duration::from_secs(seconds) {
        events += check(first.wrapping_add(worlds));
        worlds += 1;
    }
    println!("{worlds} worlds from seed {first}, each twice: {events} events in {:?}", start.elapsed());
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
