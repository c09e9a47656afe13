//! [`Once`] and [`OnceLock`].

use std::{
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex as StdMutex, Once as StdOnce},
};

use sward::{
    catch_cancel,
    sync::{Once, OnceLock},
    time::Instant,
    timeout,
};

use crate::world::{GAVE_UP, LET_IN, Life, Rng, Subject, WAITED, lock, message};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Poisoned,
    /// By this one.
    Done(usize),
}

/// The model of both.
#[derive(Debug, Default)]
struct Run {
    state: State,
    running: Option<usize>,
    /// Those who have come to run it, and have neither ended nor begun.
    callers: BTreeSet<usize>,
    /// Of the last change of the state.
    since: Option<Instant>,
}

impl Run {
    fn end(&mut self, state: State) {
        (self.running, self.state, self.since) = (None, state, Some(Instant::now()));
    }

    /// No time passes while nobody runs it and somebody is there to: who was woken is ready, and the clock stands still.
    fn check_time(&self) {
        let is_free = self.running.is_none() && !self.callers.is_empty();
        assert!(!is_free || self.since.is_none_or(|at| at == Instant::now()), "nobody runs it: {self:?}");
    }
}

struct Cell {
    once: Once,
    /// It is this that is tried.
    lock: Option<OnceLock<usize>>,
    model: StdMutex<Run>,
}

/// One after the other, since the end of each is final.
pub(crate) struct Initialised(StdMutex<Arc<Cell>>);

/// What a closure panics with, so that no hook sees it.
struct Planned;

/// The refusals are many, and meant.
fn silence_refusals() {
    static HOOK: StdOnce = StdOnce::new();
    HOOK.call_once(|| {
        let other = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.payload_as_str().is_some_and(is_refusal) {
                other(info);
            }
        }));
    });
}

fn is_refusal(message: &str) -> bool {
    message.ends_with("has previously been poisoned")
}

impl Cell {
    fn new(rng: &mut Rng) -> Arc<Self> {
        let lock = (rng.below(2) == 0).then(OnceLock::new);
        Arc::new(Self { once: Once::new(), lock, model: StdMutex::default() })
    }

    fn call(&self, number: usize, force: bool, f: impl FnOnce(Option<bool>)) {
        match &self.lock {
            Some(lock) => {
                let by = *lock.get_or_init(|| {
                    f(None);
                    number
                });
                assert_eq!(State::Done(by), crate::world::lock(&self.model).state);
            }
            None if force => self.once.call_once_force(|state| f(Some(state.is_poisoned()))),
            None => self.once.call_once(|| f(None)),
        }
    }

    fn wait(&self, force: bool) {
        match &self.lock {
            Some(lock) => drop(lock.wait()),
            None if force => self.once.wait_force(),
            None => self.once.wait(),
        }
    }

    fn is_done(&self) -> bool {
        self.lock.as_ref().map_or_else(|| self.once.is_completed(), |lock| lock.get().is_some())
    }

    /// The closure of `life`, as the model has it.
    fn run(&self, life: &mut Life<'_, Initialised>, force: bool, poisoned: Option<bool>) {
        let number = life.number;
        let mut run = lock(&self.model);
        assert!(run.callers.remove(&number) && run.running.is_none(), "{number} runs it, too: {run:?}");
        let was_poisoned = run.state == State::Poisoned;
        assert!(
            !matches!(run.state, State::Done(_)) && (force || !was_poisoned),
            "{number} runs it: {run:?}"
        );
        assert!(poisoned.is_none_or(|poisoned| poisoned == was_poisoned));
        run.running = Some(number);
        drop(run);
        let interrupted = panic::catch_unwind(AssertUnwindSafe(|| life.linger()));
        let mut run = lock(&self.model);
        if let Err(payload) = interrupted {
            run.end(State::Open);
            drop(run);
            panic::resume_unwind(payload);
        }
        if life.rng.below(3) > 0 {
            run.end(if self.lock.is_some() { State::Open } else { State::Poisoned });
            drop(run);
            panic::resume_unwind(Box::new(Planned));
        }
        run.end(State::Done(number));
    }
}

impl Subject for Initialised {
    fn new(rng: &mut Rng) -> Self {
        silence_refusals();
        Self(StdMutex::new(Cell::new(rng)))
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let cell = Arc::clone(&lock(&self.0));
        let (number, start) = (life.number, Instant::now());
        let mut run = lock(&cell.model);
        run.check_time();
        assert_eq!(cell.is_done(), matches!(run.state, State::Done(_)));
        if cell.is_done() && life.rng.below(6) == 0 {
            *lock(&self.0) = Cell::new(&mut life.rng);
            return;
        }
        let (force, calls) = (life.rng.below(3) == 0, life.rng.below(3) > 0);
        if calls {
            run.callers.insert(number);
        }
        if run.running.is_some() || !calls {
            life.world.count(WAITED);
        }
        drop(run);
        // Who does not run it may wait in vain.
        let patience = (!calls || life.rng.below(2) == 0).then(|| life.rng.short() * 2);
        let mut ran = false;
        let got = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut go = || {
                if calls {
                    cell.call(number, force, |poisoned| {
                        ran = true;
                        cell.run(life, force, poisoned);
                    });
                } else {
                    cell.wait(force);
                }
                Some(())
            };
            let got = catch_cancel(|| match patience {
                Some(limit) => timeout(limit, go).ok().flatten(),
                None => go(),
            });
            got.ok().flatten()
        }));
        let mut run = lock(&cell.model);
        run.callers.remove(&number);
        let at_once = run.since.map(|since| since.max(start)) == Some(Instant::now());
        let is_done = matches!(run.state, State::Done(_));
        match got {
            Ok(Some(())) => {
                life.world.count(LET_IN);
                assert!(is_done && at_once, "{number} goes on: {run:?}");
            }
            Ok(None) => {
                life.world.count(GAVE_UP);
                assert!(!is_done, "{number} does not see it: {run:?}");
            }
            Err(payload) if payload.is::<Planned>() => assert!(ran && !is_done),
            Err(payload) if message(&*payload).is_some_and(is_refusal) => {
                let is_poisoned = run.state == State::Poisoned && run.running.is_none();
                assert!(!force && is_poisoned && at_once, "{number} is refused: {run:?}");
            }
            Err(payload) => panic::resume_unwind(payload),
        }
        run.check_time();
    }

    fn end(&self) {
        let cell = lock(&self.0);
        let run = lock(&cell.model);
        assert!(run.running.is_none() && run.callers.is_empty(), "{run:?}");
        assert_eq!(cell.is_done(), matches!(run.state, State::Done(_)));
    }
}
