//! [`WaitGroup`].

use std::{
    mem,
    sync::{Arc, Mutex as StdMutex},
    time::Duration,
};

use sward::{sync::WaitGroup, time::Instant};

use crate::world::{Life, Patience, Rng, Subject, WAITED, lock};

/// The model of a group: how many clones there are that nobody waits with, and since when there is none.
#[derive(Debug, Default)]
struct Parties {
    number: usize,
    done: Option<Instant>,
}

impl Parties {
    fn leave(&mut self) {
        self.number -= 1;
        if self.number == 0 {
            self.done = Some(Instant::now());
        }
    }
}

type Model = Arc<StdMutex<Parties>>;

/// A clone. Dropped, it leaves, in the model and in truth.
struct Party {
    model: Model,
    group: Option<WaitGroup>,
}

impl Party {
    fn new(group: WaitGroup, model: Model) -> Self {
        lock(&model).number += 1;
        Self { model, group: Some(group) }
    }

    fn another(&self) -> Self {
        let group = self.group.as_ref().expect("it has not left");
        Self::new(group.clone(), Arc::clone(&self.model))
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if self.group.is_some() {
            // What the group wakes runs later.
            lock(&self.model).leave();
        }
    }
}

/// One group after the other: those who come join it, until somebody drops the clone that is here.
pub(crate) struct Grouped(StdMutex<Option<Party>>);

impl Grouped {
    fn wait(life: &Life<'_, Self>, mut party: Party, patience: Patience) {
        let (number, model) = (life.number, Arc::clone(&party.model));
        let group = party.group.take().expect("it has not left");
        let start = Instant::now();
        let mut parties = lock(&model);
        parties.leave();
        if parties.number > 0 {
            life.world.count(WAITED);
        }
        drop(parties);
        let mut given_back = None;
        let got = life.wait_for(patience, |limit| match limit {
            Some(limit) => group.wait_timeout(limit).map_err(|group| given_back = Some(group)).ok(),
            None => {
                group.wait();
                Some(())
            }
        });
        let mut parties = lock(&model);
        let done = parties.done.map(|done| done.max(start));
        if got.is_some() {
            assert_eq!(done, Some(Instant::now()), "{number} is let go at another time: {parties:?}");
        } else if given_back.is_some() || !patience.is_none() {
            // With a limit of zero a cancel comes after the last look.
            assert_eq!(done, None, "{number} is not let go: {parties:?}");
        }
        if let Some(group) = given_back {
            let Patience::Own(limit) = patience else { panic!("{number} has no limit of its own") };
            assert_eq!(Instant::now(), start + limit, "{number} has its time");
            parties.number += 1;
            drop(parties);
            drop(Party { model, group: Some(group) });
        }
    }
}

impl Subject for Grouped {
    fn new(_: &mut Rng) -> Self {
        Self(StdMutex::default())
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let mut current = lock(&self.0);
        if life.rng.below(6) == 0 {
            return drop(current.take());
        }
        let first = current.get_or_insert_with(|| Party::new(WaitGroup::new(), Model::default()));
        let party = first.another();
        drop(current);
        if life.rng.below(2) == 0 {
            life.linger();
        }
        if life.rng.below(4) > 0 {
            let patience = life.some_patience();
            Self::wait(life, party, patience);
        }
    }

    fn end(&self) {
        let Some(mut last) = mem::take(&mut *lock(&self.0)) else { return };
        assert_eq!(lock(&last.model).number, 1, "all others have gone");
        let group = last.group.take().expect("it is there");
        assert!(group.wait_timeout(Duration::ZERO).is_ok(), "it was alone");
    }
}
