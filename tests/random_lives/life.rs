//! A life: a random program.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use crate::support::Rng;
use crate::world::{Guard, World};
use sward::{
    Canceller, ReturnWhen, as_completed, catch_cancel, race, scope, shield, sleep, thread, thread::Thread,
    timeout, try_join_all, wait, yield_now,
};

/// What happens in a life, at most.
const STEPS: u64 = 12;

/// How deep lives spawn lives whose end they wait for.
const DEPTH: u32 = 4;

pub(crate) struct Life<'a> {
    pub(crate) world: &'a Arc<World>,
    pub(crate) life: usize,
    pub(crate) depth: u32,
    pub(crate) rng: Rng,
}

impl Life<'_> {
    pub(crate) fn live(mut self) -> Result<u64, u64> {
        for _ in 0..self.rng.below(STEPS) {
            self.step(2);
        }
        match self.rng.below(60) {
            0 => panic::resume_unwind(Box::new(self.life)),
            1..6 => Err(self.life as u64),
            _ => Ok(self.life as u64),
        }
    }

    /// Does one thing. What nests does `nesting` more at most.
    fn step(&mut self, nesting: u32) {
        let _local = Guard::new(self.world, self.life);
        let what = self.rng.below(if nesting > 0 { 22 } else { 11 });
        self.world.note(self.life, '.', what);
        match what {
            0 | 1 => yield_now(),
            2 | 3 => sleep(self.rng.micros(200)),
            // Never for ever: nobody may ever wake it.
            4 => thread::park_timeout(self.rng.micros(200)),
            5 => self.with_any(|(canceller, _)| canceller.cancel()),
            6 | 7 => self.with_any(|(_, thread)| thread.unpark()),
            8 => drop(self.world.beget(&mut self.rng, self.depth + 1)),
            9 => drop(timeout(self.rng.micros(200), thread::park)),
            10 => self.look(),
            11 => {
                let limit = self.rng.micros(200);
                let ended = timeout(limit, || self.steps(nesting));
                self.world.note(self.life, 't', ended.is_ok().into());
            }
            12 => {
                shield(|| self.steps(nesting));
                self.world.note(self.life, 's', 0);
            }
            13 => {
                let caught = catch_cancel(|| self.steps(nesting)).is_err();
                self.world.note(self.life, 'k', caught.into());
            }
            14 => self.scope(),
            _ => self.family(),
        }
    }

    fn steps(&mut self, nesting: u32) {
        (0..=self.rng.below(3)).for_each(|_| self.step(nesting - 1));
    }

    fn with_any(&mut self, f: impl FnOnce((Canceller, Thread))) {
        if let Some(somebody) = self.world.any(&mut self.rng) {
            f(somebody);
        }
    }

    fn look(&self) {
        let left =
            sward::deadline().map_or(u64::MAX, |at| at.duration_since(self.world.start).as_nanos() as u64);
        self.world.note(self.life, 'l', left ^ u64::from(sward::cancelled()));
    }

    /// Children that borrow, in a scope.
    fn scope(&mut self) {
        let world = self.world;
        let sum = AtomicU64::new(0);
        let count = self.rng.below(4_u32);
        let naps: Vec<_> = (0..count).map(|_| self.rng.micros(200)).collect();
        let life = self.life;
        scope(|s| {
            for nap in &naps {
                let sum = &sum;
                let handle = s.spawn(move || {
                    let _guard = Guard::new(world, life);
                    sleep(*nap);
                    sum.fetch_add(1, SeqCst);
                });
                if count.is_multiple_of(2) {
                    drop(handle.join());
                }
            }
        });
        self.world.note(life, 'S', sum.load(SeqCst));
    }

    /// Children whose ends are waited for, in one of the ways there are.
    fn family(&mut self) {
        if self.depth >= DEPTH {
            return yield_now();
        }
        let (depth, count) = (self.depth + 1, self.rng.below(6));
        let mut rng = self.rng.clone();
        self.rng.next();
        let way = rng.below(8);
        if way == 0 {
            return self.race(count);
        }
        let children: Vec<_> = (0..count).filter_map(|_| self.world.beget(&mut rng, depth)).collect();
        let nap = rng.micros(200);
        let result = match way {
            1 => children.into_iter().map(|child| child.join().is_ok() as u64).sum(),
            2 => sward::join_all(children).iter().filter(|end| end.is_ok()).count() as u64,
            3 => match try_join_all(children) {
                Ok(values) => values.len() as u64,
                Err(_) => 1 << 32,
            },
            4 => as_completed(children).map(|child| child.join().map_or(7, |_| 1)).sum(),
            5 => {
                let when = [ReturnWhen::All, ReturnWhen::FirstCompleted, ReturnWhen::FirstFailed]
                    [rng.below(3) as usize];
                let (done, pending) = wait(children, when, Some(nap));
                sward::cancel_all(&pending);
                (done.len() * 100 + sward::join_all(pending).len()) as u64
            }
            6 => {
                let mut late = 0;
                for child in children {
                    if let Err(child) = child.join_timeout(nap) {
                        late += 1;
                        child.cancel();
                        drop(child.join());
                    }
                }
                late
            }
            _ => {
                let mut ended = as_completed(children);
                let some = std::iter::from_fn(|| ended.next_timeout(nap)).count();
                some as u64
            }
        };
        self.world.note(self.life, 'f', result);
    }

    fn race(&mut self, count: u64) {
        let depth = self.depth + 1;
        let jobs: Vec<_> =
            (0..count).filter_map(|_| self.world.conceive(depth)).map(|(_, job)| job).collect();
        if !jobs.is_empty() {
            // The first may panic, or be cancelled by a passer-by: this life goes on all the same.
            let first = panic::catch_unwind(panic::AssertUnwindSafe(|| race(jobs)));
            self.world.note(self.life, 'r', first.map_or(u64::MAX, |first| first.unwrap_or_else(|e| e)));
        }
    }
}
