//! [`Notify`].

use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    sync::Mutex as StdMutex,
    time::Duration,
};

use sward::sync::Notify;

use crate::world::{Life, Rng, Subject, WAITED, lock};

/// The model of the notification: one permit at the most, or a line.
#[derive(Debug, Default)]
struct Bell {
    permit: bool,
    waiting: VecDeque<usize>,
    notified: BTreeSet<usize>,
}

pub(crate) struct Notified {
    notify: Notify,
    model: StdMutex<Bell>,
}

impl Subject for Notified {
    fn new(_: &mut Rng) -> Self {
        Self { notify: Notify::new(), model: StdMutex::default() }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let number = life.number;
        let mut bell = lock(&self.model);
        match life.rng.below(12) {
            0..3 => {
                match bell.waiting.pop_front() {
                    Some(first) => drop(bell.notified.insert(first)),
                    None => bell.permit = true,
                }
                return self.notify.notify_one();
            }
            3 => {
                let all = mem::take(&mut bell.waiting);
                bell.notified.extend(all);
                return self.notify.notify_waiters();
            }
            _ => {}
        }
        let patience = life.some_patience();
        let at_once = mem::take(&mut bell.permit);
        if !at_once && !patience.is_none() {
            bell.waiting.push_back(number);
            life.world.count(WAITED);
        }
        drop(bell);
        let got = life.wait_for(patience, |limit| match limit {
            Some(limit) => self.notify.wait_timeout(limit).then_some(()),
            None => {
                self.notify.wait();
                Some(())
            }
        });
        let mut bell = lock(&self.model);
        let is_due = bell.notified.remove(&number) || at_once;
        assert_eq!(got.is_some(), is_due, "{number} is notified, or not: {bell:?}");
        bell.waiting.retain(|other| *other != number);
    }

    fn end(&self) {
        let bell = lock(&self.model);
        assert!(bell.waiting.is_empty() && bell.notified.is_empty(), "{bell:?}");
        assert_eq!(self.notify.wait_timeout(Duration::ZERO), bell.permit, "a permit is kept");
        assert!(!self.notify.wait_timeout(Duration::ZERO), "two are one");
    }
}
