//! [`ReentrantMutex`].

use std::{
    cell::Cell,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use sward::{catch_cancel, sync::ReentrantMutex};

use crate::{
    mutex::{Barging, enter},
    world::{Life, Patience, Rng, Subject, lock},
};

/// To others it is as a mutex, whose model this has, and it is let go with the last of the owner's guards.
pub(crate) struct Nested {
    mutex: ReentrantMutex<Cell<u64>>,
    model: StdMutex<Barging>,
    sections: AtomicU64,
}

impl Subject for Nested {
    fn new(_: &mut Rng) -> Self {
        Self { mutex: ReentrantMutex::default(), model: StdMutex::default(), sections: AtomicU64::new(0) }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        // A limit of zero is a try.
        let patience = (life.rng.below(4) > 0).then(|| life.patience()).filter(|limit| !limit.is_none());
        let take = |limit| match limit {
            Some(limit) => self.mutex.lock_timeout(limit),
            None => Some(self.mutex.lock()),
        };
        let first = enter(
            life,
            &self.model,
            patience,
            || self.mutex.try_lock().map(|guard| vec![guard]),
            |limit| take(limit).map(|guard| vec![guard]),
        );
        let Some(mut inside) = first else { return };
        let guards = &mut inside.guard;
        let before = guards[0].get();
        let ended = catch_cancel(|| {
            for _ in 0..life.rng.below(6) {
                if guards.len() > 1 && life.rng.below(3) == 0 {
                    // In any order.
                    drop(guards.swap_remove(life.rng.below(guards.len() as u64) as usize));
                } else {
                    let again = match life.patience() {
                        Patience::Endless => Some(self.mutex.lock()),
                        Patience::Around(_) => self.mutex.try_lock(),
                        Patience::Own(_) => self.mutex.lock_timeout(Duration::ZERO),
                    };
                    guards.push(again.expect("its owner gets it at once"));
                }
                assert_eq!(lock(&self.model).inside, Some(life.number), "nobody comes between");
                life.linger();
            }
        });
        let last = guards.pop().expect("one is left");
        guards.clear();
        assert_eq!(last.get(), before, "somebody else was inside");
        last.set(before + 1);
        self.sections.fetch_add(1, SeqCst);
        assert_eq!(lock(&self.model).inside, Some(life.number), "cancelled or not: {ended:?}");
        guards.push(last);
    }

    fn end(&self) {
        let model = lock(&self.model);
        assert!(model.inside.is_none() && model.waiting.is_empty(), "{model:?}");
        let value = self.mutex.try_lock().expect("it is free");
        assert_eq!(value.get(), self.sections.load(SeqCst), "no increment is lost");
    }
}
