//! [`Notify`].

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    pin::pin,
    sync::Mutex as StdMutex,
    task::{Context, Waker},
    time::Duration,
};

use sward::{catch_cancel, sync::Notify};

use crate::world::{Life, Rng, Subject, WAITED, lock};

/// The model of the notification: one permit at the most, or a line.
#[derive(Debug, Default)]
struct Bell {
    permit: bool,
    waiting: VecDeque<usize>,
    notified: BTreeMap<usize, By>,
    /// How often all were notified.
    calls: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    One,
    All,
}

impl Bell {
    fn notify_one(&mut self) {
        match self.waiting.pop_front() {
            Some(first) => assert!(self.notified.insert(first, By::One).is_none()),
            None => self.permit = true,
        }
    }

    fn notify_waiters(&mut self) {
        self.calls += 1;
        self.notified.extend(mem::take(&mut self.waiting).into_iter().map(|each| (each, By::All)));
    }
}

pub(crate) struct Notified {
    notify: Notify,
    model: StdMutex<Bell>,
}

impl Notified {
    /// By a future, which hears a call to all from its first moment on, and stands in line from its first poll.
    fn wait_as_task(&self, life: &mut Life<'_, Self>) {
        let number = life.number;
        let since = lock(&self.model).calls;
        let mut future = pin!(self.notify.notified());
        let mut poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        let _ = catch_cancel(|| life.linger());
        let mut bell = lock(&self.model);
        let at_once = bell.calls != since || mem::take(&mut bell.permit);
        assert_eq!(poll(), at_once, "{number} is notified, or not: {bell:?}");
        if at_once {
            return;
        }
        bell.waiting.push_back(number);
        drop(bell);
        let _ = catch_cancel(|| life.linger());
        let mut bell = lock(&self.model);
        let by = bell.notified.remove(&number);
        bell.waiting.retain(|other| *other != number);
        if life.rng.below(2) == 0 {
            assert_eq!(poll(), by.is_some(), "{number} is notified, or not: {bell:?}");
        } else if by == Some(By::One) {
            // Dropped without a look at it, it passes it on.
            bell.notify_one();
        }
    }
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
                bell.notify_one();
                return self.notify.notify_one();
            }
            3 => {
                bell.notify_waiters();
                return self.notify.notify_waiters();
            }
            4 => {
                drop(bell);
                return self.wait_as_task(life);
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
        let is_due = bell.notified.remove(&number).is_some() || at_once;
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
