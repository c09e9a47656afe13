//! [`Barrier`].

use std::{collections::BTreeSet, mem, sync::Mutex as StdMutex};

use sward::sync::Barrier;

use crate::world::{Life, Rng, Subject, WAITED, lock};

/// The model of the barrier: those who have arrived and not left, and those for whom it has opened.
#[derive(Debug, Default)]
struct Round {
    arrived: BTreeSet<usize>,
    passing: BTreeSet<usize>,
    opened: usize,
    leaders: usize,
}

pub(crate) struct Meeting {
    barrier: Barrier,
    needed: usize,
    model: StdMutex<Round>,
}

impl Subject for Meeting {
    fn new(rng: &mut Rng) -> Self {
        let needed = 2 + rng.below(5) as usize;
        Self { barrier: Barrier::new(needed), needed, model: StdMutex::default() }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let number = life.number;
        let mut round = lock(&self.model);
        let leads = round.arrived.len() + 1 == self.needed;
        if leads {
            round.opened += 1;
            let all = mem::take(&mut round.arrived);
            round.passing.extend(all);
        } else {
            round.arrived.insert(number);
            life.world.count(WAITED);
        }
        drop(round);
        let patience = life.some_patience();
        let got = life.wait_for(patience, |limit| match limit {
            Some(limit) => sward::timeout(limit, || self.barrier.wait()).ok(),
            None => Some(self.barrier.wait()),
        });
        let mut round = lock(&self.model);
        let passes = round.passing.remove(&number) || leads;
        assert_eq!(got.is_some(), passes, "{number} passes, or not: {round:?}");
        assert_eq!(got.is_some_and(|part| part.is_leader()), leads, "{number} leads, or not: {round:?}");
        round.leaders += usize::from(leads);
        round.arrived.remove(&number);
    }

    fn end(&self) {
        let round = lock(&self.model);
        assert!(round.arrived.is_empty() && round.passing.is_empty(), "{round:?}");
        assert_eq!(round.leaders, round.opened, "one leader a round");
    }
}
