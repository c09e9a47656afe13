//! What all runs have in common: lives that draw what they do from a seed, and how they are run and compared.

use std::{
    any::Any,
    panic,
    sync::{
        Arc, Mutex as StdMutex, MutexGuard as StdGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use sward::{Canceller, Runtime, catch_cancel, shield, sleep, spawn, time::Instant, timeout, yield_now};

use crate::support::{limit, within};

/// How many green threads share one subject.
pub(crate) const LIVES: usize = 12;
/// What each of them does.
pub(crate) const STEPS: usize = 40;

/// SplitMix64. A life draws from its own, so that its program depends on its number alone.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Few different ones, so that some meet.
    pub(crate) fn short(&mut self) -> Duration {
        Duration::from_micros(self.below(8) * 10)
    }
}

pub(crate) const WAITED: usize = 0;
pub(crate) const LET_IN: usize = 1;
pub(crate) const GAVE_UP: usize = 2;

/// What is tried, with its model.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    fn new(rng: &mut Rng) -> Self;
    /// Does one thing. It unwinds if it is cancelled where it does not look at that.
    fn step(&self, life: &mut Life<'_, Self>);
    /// All lives have ended.
    fn end(&self);
}

/// What all lives of a run share.
pub(crate) struct World<S> {
    pub(crate) subject: S,
    trace: AtomicU64,
    /// Of requests, by [`WAITED`] and so on.
    pub(crate) counts: [AtomicUsize; 3],
    cancellers: StdMutex<Vec<Canceller>>,
    /// The first that failed. Others fail for it.
    failure: StdMutex<Option<String>>,
}

pub(crate) struct Life<'a, S> {
    pub(crate) world: &'a World<S>,
    pub(crate) number: usize,
    pub(crate) rng: Rng,
}

/// How long one is ready to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    Endless,
    /// Of a `timeout` around it.
    Around(Duration),
    /// By the method's own argument, if it has one.
    Own(Duration),
}

impl Patience {
    /// A limit of its own of zero: it does not stand in line while others run.
    pub(crate) fn is_none(self) -> bool {
        matches!(self, Patience::Own(Duration::ZERO))
    }
}

impl<S: Subject> World<S> {
    /// Adds to the trace.
    pub(crate) fn note(&self, life: usize, what: u64) {
        let hash = (self.trace.load(SeqCst) ^ what ^ (life as u64) << 32)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
        self.trace.store(hash, SeqCst); // one worker: nobody comes between
    }

    pub(crate) fn count(&self, what: usize) {
        self.counts[what].fetch_add(1, SeqCst);
    }
}

impl<S: Subject> Life<'_, S> {
    pub(crate) fn live(mut self) {
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

    pub(crate) fn pause(&mut self) -> bool {
        let pause = self.rng.short();
        catch_cancel(|| sleep(pause)).is_err()
    }

    pub(crate) fn cancel_somebody(&mut self) {
        let cancellers = self.world.cancellers.lock().unwrap();
        cancellers[self.rng.below(cancellers.len() as u64) as usize].cancel();
    }

    /// What one does while it is inside. A cancel unwinds it.
    pub(crate) fn linger(&mut self) {
        for _ in 0..self.rng.below(4) {
            match self.rng.below(4) {
                0 => sleep(self.rng.short()),
                1 => self.cancel_somebody(),
                _ => yield_now(),
            }
        }
    }

    pub(crate) fn patience(&mut self) -> Patience {
        match self.rng.below(4) {
            0 => Patience::Around(self.rng.short()),
            1 => Patience::Own(self.rng.short()),
            _ => Patience::Endless,
        }
    }

    /// Never for ever: there may be nobody left who would end the wait.
    pub(crate) fn some_patience(&mut self) -> Patience {
        match self.rng.below(2) {
            0 => Patience::Around(self.rng.short() * 2),
            _ => Patience::Own(self.rng.short() * 2),
        }
    }

    /// Waits by `wait`, which is told its own limit. `None`: the time was up, or a cancel came.
    pub(crate) fn wait_for<G>(
        &self,
        patience: Patience,
        wait: impl FnOnce(Option<Duration>) -> Option<G>,
    ) -> Option<G> {
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

pub(crate) fn lock<T>(model: &StdMutex<T>) -> StdGuard<'_, T> {
    // The first failure is the one to see.
    model.lock().unwrap_or_else(|e| e.into_inner())
}

/// What a panic says. `None`: it is a cancel.
pub(crate) fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
}

/// What a run of a seed is compared by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    hash: u64,
    counts: [usize; 3],
    spent: Duration,
}

pub(crate) fn run<S: Subject>(seed: u64) -> Trace {
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
pub(crate) fn check<S: Subject>(name: &str, seed: u64) -> [usize; 3] {
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
