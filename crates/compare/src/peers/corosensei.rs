//! The limit of green threads: a first-in-first-out queue of stacks, and nothing else.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::{Bench, Result};
use crate::figures::Figures;
use crate::probes::Parking;
use crate::sys::Stacks;

pub(super) struct Queue;

impl Bench for Queue {
    fn yields(&self, tasks: usize, rounds: usize) -> Result<Duration> {
        // One round more, which starts it before the clock does.
        let started = |_| {
            let mut coroutine = looping(rounds + 1)?;
            coroutine.resume(());
            Ok(coroutine)
        };
        let mut coroutines: Vec<_> = (0..tasks).map(started).collect::<Result<_>>()?;
        let mut ready: VecDeque<usize> = (0..tasks).collect();
        let start = Instant::now();
        while let Some(next) = ready.pop_front() {
            if let CoroutineResult::Yield(()) = coroutines[next].resume(()) {
                ready.push_back(next);
            }
        }
        Ok(start.elapsed())
    }

    /// The memory alone: nothing is spawned, and the first page of each stack is touched. No guards, either.
    fn parked(&self, count: usize) -> Result<Figures> {
        let mut parking = Parking::start(count)?;
        let stacks = Stacks::map(count)?;
        stacks.touch();
        parking.all_parked()?;
        drop(stacks);
        Ok(parking.all_joined())
    }

    /// Two stacks, resumed in turns: a round trip is four switches.
    fn ping_pong(&self, _workers: usize, rounds: usize) -> Result<Duration> {
        self.yields(2, rounds)
    }
}

/// A coroutine that yields `rounds` times.
fn looping(rounds: usize) -> Result<Coroutine<(), (), ()>> {
    let body = move |yielder: &Yielder<(), ()>, ()| {
        for _ in 0..rounds {
            yielder.suspend(());
        }
    };
    Ok(Coroutine::with_stack(DefaultStack::new(64 * 1024)?, body))
}
