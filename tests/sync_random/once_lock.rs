//! [`OnceLock`] with all that may write it: closures that wait, panic and are interrupted, and `set`, which waits for them.
//! That it does with closures as [`Once`](sward::sync::Once) is in [`once`](crate::once).

use std::{
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex as StdMutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use sward::{catch_cancel, sync::OnceLock, time::Instant, timeout};

use crate::world::{GAVE_UP, LET_IN, Life, Rng, Subject, WAITED, lock};

/// The model.
#[derive(Debug, Default)]
struct Writing {
    value: Option<u64>,
    /// Whose closure is under way.
    running: Option<usize>,
    /// Those who have come to write it, and have neither ended nor begun.
    callers: BTreeSet<usize>,
    /// Of the last end of a closure.
    since: Option<Instant>,
}

impl Writing {
    fn end(&mut self, value: Option<u64>) {
        (self.value, self.running, self.since) = (value, None, Some(Instant::now()));
    }

    /// No time passes while nobody writes it and somebody is there to: who was woken is ready, and the clock stands still.
    fn check_time(&self) {
        let is_free = self.running.is_none() && !self.callers.is_empty();
        assert!(!is_free || self.since.is_none_or(|at| at == Instant::now()), "nobody writes it: {self:?}");
    }
}

/// Counted while it is alive.
struct Value(u64, Arc<AtomicUsize>);

impl Value {
    fn new(number: u64, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, SeqCst);
        Self(number, Arc::clone(alive))
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.1.fetch_sub(1, SeqCst);
    }
}

#[derive(Default)]
struct Cell {
    lock: OnceLock<Value>,
    model: StdMutex<Writing>,
}

/// One after the other, since what is written is final.
pub(crate) struct Written {
    cell: StdMutex<Arc<Cell>>,
    alive: Arc<AtomicUsize>,
}

/// What one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Init,
    Set,
    Wait,
}

/// How it ended, with what it has seen in the cell.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Value(u64),
    /// It has set its own.
    Set,
    /// Its own was given back.
    Refused(u64),
}

/// What a closure panics with, so that no hook sees it.
struct Planned;

impl Cell {
    /// The closure of `life`, as the model has it.
    fn init(&self, life: &mut Life<'_, Written>, value: u64) -> Value {
        let number = life.number;
        let mut writing = lock(&self.model);
        assert!(writing.callers.remove(&number) && writing.running.is_none(), "{number}, too: {writing:?}");
        assert!(writing.value.is_none(), "{number} writes it again: {writing:?}");
        writing.running = Some(number);
        drop(writing);
        let interrupted = panic::catch_unwind(AssertUnwindSafe(|| life.linger()));
        let panics = life.rng.below(2) == 0;
        let is_made = interrupted.is_ok() && !panics;
        lock(&self.model).end(is_made.then_some(value));
        interrupted.unwrap_or_else(|payload| panic::resume_unwind(payload));
        if panics {
            panic::resume_unwind(Box::new(Planned));
        }
        Value::new(value, &life.world.subject.alive)
    }

    fn call(&self, life: &mut Life<'_, Written>, call: Call, value: u64) -> Got {
        match call {
            Call::Init => Got::Value(self.lock.get_or_init(|| self.init(life, value)).0),
            Call::Wait => Got::Value(self.lock.wait().0),
            Call::Set => match self.lock.set(Value::new(value, &life.world.subject.alive)) {
                Ok(()) => Got::Set,
                Err(back) => Got::Refused(back.0),
            },
        }
    }

    /// The last who has it finds what was written, and empties it.
    fn check_alone(self) {
        let (mut lock, value) = (self.lock, self.model.into_inner().unwrap().value);
        assert_eq!(lock.get_mut().map(|value| value.0), value);
        let taken = lock.take();
        assert_eq!(taken.as_ref().map(|value| value.0), value);
        assert!(lock.get().is_none());
        if let Some(taken) = taken {
            assert!(lock.set(taken).is_ok(), "it is as new");
        }
        assert_eq!(lock.into_inner().map(|value| value.0), value);
    }
}

impl Subject for Written {
    fn new(_: &mut Rng) -> Self {
        Self { cell: StdMutex::default(), alive: Arc::default() }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let cell = Arc::clone(&lock(&self.cell));
        let (number, start) = (life.number, Instant::now());
        let mut writing = lock(&cell.model);
        writing.check_time();
        let value = writing.value;
        assert_eq!(cell.lock.get().map(|value| value.0), value, "{number} looks: {writing:?}");
        if value.is_some() && life.rng.below(4) == 0 {
            drop(writing);
            *lock(&self.cell) = Arc::default();
            if let Some(cell) = Arc::into_inner(cell) {
                cell.check_alone();
            }
            return;
        }
        let call = [Call::Init, Call::Init, Call::Set, Call::Wait][life.rng.below(4) as usize];
        let waits = value.is_none() && (writing.running.is_some() || call == Call::Wait);
        if waits {
            life.world.count(WAITED);
        }
        if call != Call::Wait {
            writing.callers.insert(number);
        }
        drop(writing);
        // Who does not write it may wait in vain.
        let patience = (call == Call::Wait || life.rng.below(2) == 0).then(|| life.rng.short() * 2);
        let mine = life.rng.next();
        let got = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut go = || cell.call(life, call, mine);
            let got = catch_cancel(|| match patience {
                Some(limit) => timeout(limit, go).ok(),
                None => Some(go()),
            });
            got.ok().flatten()
        }));
        let mut writing = lock(&cell.model);
        let came_to_write = writing.callers.remove(&number);
        let at_once = writing.since.map_or(start, |since| since.max(start)) == Instant::now();
        let is_right = match got {
            Ok(Some(Got::Set)) => {
                let was_free = came_to_write && writing.value.is_none() && writing.running.is_none();
                writing.end(Some(mine));
                was_free && at_once
            }
            Ok(Some(Got::Refused(back))) => back == mine && writing.value.is_some() && at_once,
            Ok(Some(Got::Value(value))) => writing.value == Some(value) && at_once,
            // In line it would still be there, and in its closure it has left the cell as it was.
            Ok(None) if call == Call::Wait => writing.value.is_none(),
            Ok(None) => !came_to_write || (waits && writing.running.is_some()),
            Err(ref payload) => payload.is::<Planned>() && call == Call::Init && !came_to_write && at_once,
        };
        match got {
            Err(payload) if !payload.is::<Planned>() => panic::resume_unwind(payload),
            Ok(Some(_)) => life.world.count(LET_IN),
            Ok(None) => life.world.count(GAVE_UP),
            Err(_) => {}
        }
        assert!(is_right, "{number} ends its {call:?} of {mine}, {waits}: {writing:?}");
        writing.check_time();
    }

    fn end(&self) {
        let cell = lock(&self.cell);
        let writing = lock(&cell.model);
        assert!(writing.running.is_none() && writing.callers.is_empty(), "{writing:?}");
        assert_eq!(cell.lock.get().map(|value| value.0), writing.value);
        let alive = self.alive.load(SeqCst);
        assert_eq!(alive, usize::from(writing.value.is_some()), "a value is leaked, or dropped twice");
    }
}
