//! [`Event`].

use std::{collections::BTreeSet, mem, sync::Mutex as StdMutex};

use sward::event::Event;

use crate::world::{Life, Rng, Subject, WAITED, lock};

/// The model of the event: a set lets all pass that wait at that moment, whatever comes after.
#[derive(Debug, Default)]
struct Flag {
    is_set: bool,
    waiting: BTreeSet<usize>,
    passing: BTreeSet<usize>,
}

pub(crate) struct Flagged {
    event: Event,
    model: StdMutex<Flag>,
}

impl Subject for Flagged {
    fn new(_: &mut Rng) -> Self {
        Self { event: Event::new(), model: StdMutex::default() }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let number = life.number;
        let mut flag = lock(&self.model);
        assert_eq!(self.event.is_set(), flag.is_set);
        match life.rng.below(8) {
            0 | 1 => {
                flag.is_set = true;
                let all = mem::take(&mut flag.waiting);
                flag.passing.extend(all);
                return self.event.set();
            }
            2..5 => {
                flag.is_set = false;
                return self.event.clear();
            }
            _ => {}
        }
        let at_once = flag.is_set;
        let patience = life.some_patience();
        if !at_once && !patience.is_none() {
            flag.waiting.insert(number);
            life.world.count(WAITED);
        }
        drop(flag);
        let got = life.wait_for(patience, |limit| match limit {
            Some(limit) => self.event.wait_timeout(limit).then_some(()),
            None => {
                self.event.wait();
                Some(())
            }
        });
        let mut flag = lock(&self.model);
        let passes = flag.passing.remove(&number) || at_once;
        assert_eq!(got.is_some(), passes, "{number} is to pass, or not: {flag:?}");
        flag.waiting.remove(&number);
    }

    fn end(&self) {
        let flag = lock(&self.model);
        assert!(flag.waiting.is_empty() && flag.passing.is_empty(), "{flag:?}");
    }
}
