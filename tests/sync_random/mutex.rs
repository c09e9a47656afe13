//! [`Mutex`], which may be taken by whoever comes.

use std::{
    collections::VecDeque,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use sward::{
    catch_cancel,
    sync::{Mutex, MutexGuard},
    time::Instant,
    timeout,
};

use crate::world::{Life, Patience, Rng, Subject, WAITED, lock};

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

pub(crate) struct Exclusive {
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
