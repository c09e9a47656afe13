//! [`Mutex`], which may be taken by whoever comes.

use std::{
    collections::VecDeque,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use sward::{catch_cancel, sync::Mutex, time::Instant, timeout};

use crate::world::{Life, Patience, Rng, Subject, WAITED, lock};

/// The model of the mutex. It may be taken by whoever comes when it is free; those who had to wait get it in the order in
/// which they came.
#[derive(Debug, Default)]
pub(crate) struct Barging {
    pub(crate) inside: Option<usize>,
    pub(crate) waiting: VecDeque<usize>,
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

pub(crate) struct Exclusive {
    mutex: Mutex<u64>,
    model: StdMutex<Barging>,
    sections: AtomicU64,
}

/// The one that is inside. Dropped, it leaves, in the model and in truth.
pub(crate) struct Alone<'a, G> {
    model: &'a StdMutex<Barging>,
    pub(crate) guard: G,
}

impl<G> Drop for Alone<'_, G> {
    fn drop(&mut self) {
        let mut model = lock(self.model);
        model.inside = None;
        // Nothing panics here, where it may be unwinding.
        model.idle = (!model.waiting.is_empty()).then(Instant::now);
    }
}

/// Tries, and with some patience waits: `try_take` and `take` are to end as the model says.
pub(crate) fn enter<'a, S: Subject, G>(
    life: &Life<'_, S>,
    model: &'a StdMutex<Barging>,
    patience: Option<Patience>,
    try_take: impl FnOnce() -> Option<G>,
    take: impl FnOnce(Option<Duration>) -> Option<G>,
) -> Option<Alone<'a, G>> {
    let number = life.number;
    let got = try_take();
    let mut line = lock(model);
    line.check_time();
    if let Some(guard) = got {
        assert!(line.inside.is_none() && !line.handed, "{number} barges in: {line:?}");
        line.inside = Some(number);
        return Some(Alone { model, guard });
    }
    if line.inside.is_none() {
        assert!(!line.waiting.is_empty(), "it is free, and {number} does not get it");
        line.handovers += usize::from(!line.handed);
        line.handed = true;
    }
    let patience = patience?;
    line.waiting.push_back(number);
    drop(line);
    life.world.count(WAITED);
    let got = life.wait_for(patience, take);
    let mut line = lock(model);
    line.check_time();
    let is_first = line.waiting.front() == Some(&number);
    match got {
        Some(guard) => {
            assert!(line.inside.is_none(), "{number} is let in, too: {line:?}");
            assert!(is_first, "{number} overtakes: {line:?}");
            line.waiting.pop_front();
            line.handed = false;
            line.inside = Some(number);
            Some(Alone { model, guard })
        }
        None => {
            assert!(!is_first || !line.handed, "{number} gave up what was handed to it: {line:?}");
            line.waiting.retain(|other| *other != number);
            line.check_time();
            None
        }
    }
}

impl Subject for Exclusive {
    fn new(_: &mut Rng) -> Self {
        Self { mutex: Mutex::new(0), model: StdMutex::default(), sections: AtomicU64::new(0) }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let patience = (life.rng.below(4) > 0).then(|| life.patience());
        let take = |limit| match limit {
            Some(limit) => timeout(limit, || self.mutex.lock().unwrap()).ok(),
            None => Some(self.mutex.lock().unwrap()),
        };
        if let Some(mut inside) = enter(life, &self.model, patience, || self.mutex.try_lock().ok(), take) {
            let before = *inside.guard;
            let interrupted = catch_cancel(|| life.linger()).is_err();
            *inside.guard = before + 1;
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
