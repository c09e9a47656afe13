//! [`LazyLock`].

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex as StdMutex, Once as StdOnce},
};

use sward::{
    catch_cancel, sleep,
    sync::LazyLock,
    thread::{self, ThreadId},
    time::Instant,
    timeout, yield_now,
};

use crate::world::{GAVE_UP, LET_IN, Life, Rng, Subject, WAITED, lock, message};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Untouched,
    /// The first that came makes it.
    Running(ThreadId),
    Made(u64),
    Poisoned,
}

/// The model: the closure is called once, by the first that comes, and what becomes of it is final.
#[derive(Debug, Default)]
struct Making {
    state: State,
    /// Of the end.
    since: Option<Instant>,
}

impl Making {
    fn end(&mut self, state: State) {
        (self.state, self.since) = (state, Some(Instant::now()));
    }

    fn made(&self) -> Option<u64> {
        match self.state {
            State::Made(value) => Some(value),
            _ => None,
        }
    }
}

type Model = Arc<StdMutex<Making>>;

struct Cell {
    lazy: LazyLock<u64, Box<dyn FnOnce() -> u64 + Send>>,
    model: Model,
}

/// One after the other, since the end of each is final.
pub(crate) struct Lazy(StdMutex<Arc<Cell>>);

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
    message == "LazyLock instance has previously been poisoned"
}

/// The closure is under way. Poisons in the model, unless it is forgotten.
struct UnderWay<'a>(&'a Model);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        lock(self.0).end(State::Poisoned);
    }
}

impl Cell {
    fn new(rng: &mut Rng) -> Arc<Self> {
        let model = Model::default();
        // Whoever calls it, it does the same.
        let pauses: Vec<_> = (0..rng.below(5)).map(|_| (rng.below(2) == 0).then(|| rng.short())).collect();
        let (value, panics, theirs) = (rng.next(), rng.below(4) == 0, Arc::clone(&model));
        let make = move || {
            assert_eq!(lock(&theirs).state, State::Running(thread::current().id()), "the first makes it");
            let under_way = UnderWay(&theirs);
            for pause in pauses {
                pause.map_or_else(yield_now, sleep);
            }
            if panics {
                panic::resume_unwind(Box::new(Planned));
            }
            std::mem::forget(under_way);
            lock(&theirs).end(State::Made(value));
            value
        };
        Arc::new(Self { lazy: LazyLock::new(Box::new(make)), model })
    }

    /// The last who has it sees in it what all saw.
    fn check_alone(mut self) {
        let made = lock(&self.model).made();
        assert_eq!(LazyLock::get_mut(&mut self.lazy).copied(), made);
        let forced = panic::catch_unwind(AssertUnwindSafe(|| *LazyLock::force_mut(&mut self.lazy)));
        match forced {
            Ok(value) => assert_eq!(Some(value), made),
            Err(payload) => assert!(made.is_none() && message(&*payload).is_some_and(is_refusal)),
        }
    }
}

impl Subject for Lazy {
    fn new(rng: &mut Rng) -> Self {
        silence_refusals();
        Self(StdMutex::new(Cell::new(rng)))
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let cell = Arc::clone(&lock(&self.0));
        let (number, start) = (life.number, Instant::now());
        let mut making = lock(&cell.model);
        assert_eq!(LazyLock::get(&cell.lazy).copied(), making.made(), "{number} looks: {making:?}");
        if making.since.is_some() && life.rng.below(5) == 0 {
            drop(making);
            *lock(&self.0) = Cell::new(&mut life.rng);
            if let Some(cell) = Arc::into_inner(cell) {
                cell.check_alone();
            }
            return;
        }
        let makes = making.state == State::Untouched;
        match making.state {
            State::Untouched => making.state = State::Running(thread::current().id()),
            State::Running(_) => life.world.count(WAITED),
            State::Made(_) | State::Poisoned => {}
        }
        drop(making);
        let patience = (life.rng.below(2) == 0).then(|| life.rng.short());
        let got = panic::catch_unwind(AssertUnwindSafe(|| {
            let got = catch_cancel(|| match patience {
                Some(limit) => timeout(limit, || *LazyLock::force(&cell.lazy)).ok(),
                None => Some(*cell.lazy),
            });
            got.ok().flatten()
        }));
        let making = lock(&cell.model);
        let at_once = making.since.map(|since| since.max(start)) == Some(Instant::now());
        let is_poisoned = making.state == State::Poisoned;
        match got {
            Ok(Some(value)) => {
                life.world.count(LET_IN);
                assert!(making.made() == Some(value) && at_once, "{number} gets {value}: {making:?}");
            }
            Ok(None) => {
                life.world.count(GAVE_UP);
                // Who gives up in the closure has poisoned it; who gives up in line would still be there.
                let is_right = if makes { is_poisoned } else { matches!(making.state, State::Running(_)) };
                assert!(is_right, "{number} gives up: {making:?}");
            }
            Err(payload) if payload.is::<Planned>() => assert!(makes && is_poisoned && at_once),
            Err(payload) if message(&*payload).is_some_and(is_refusal) => {
                assert!(!makes && is_poisoned && at_once, "{number} is refused: {making:?}");
            }
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    fn end(&self) {
        let cell = lock(&self.0);
        let making = lock(&cell.model);
        assert!(!matches!(making.state, State::Running(_)), "{making:?}");
        assert_eq!(LazyLock::get(&cell.lazy).copied(), making.made());
    }
}
