//! `sward::sync::Condvar` against a sequential model: waits, notifications, cancels and timeouts in an order that is drawn
//! from a seed, under the virtual clock.
//!
//! A seed that fails is printed, and runs again by `SWARD_RANDOM_SEED`; `SWARD_RANDOM_SECONDS=60` goes on for a minute.

mod support;

use std::{sync::Arc, time::Duration};

use support::{Rng, for_seeds, in_virtual_time, until_parked};
use sward::{
    JoinHandle, sleep, spawn,
    sync::{Condvar, Mutex},
    time::Instant,
    yield_now,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Notified,
    TimedOut,
    Cancelled,
}

/// A waiter in the model's line.
struct Waiter {
    id: usize,
    deadline: Option<Instant>,
    handle: JoinHandle<()>,
}

#[derive(Default)]
struct World {
    mutex: Mutex<()>,
    condvar: Condvar,
    /// Who ended, how, in order.
    ended: Mutex<Vec<(usize, End)>>,
}

/// What is expected, and compared after each step.
#[derive(Default)]
struct Model {
    line: Vec<Waiter>,
    ended: Vec<(usize, End)>,
    born: usize,
}

impl Model {
    fn wait(&mut self, world: &Arc<World>, limit: Option<Duration>) {
        let (id, theirs) = (self.born, Arc::clone(world));
        self.born += 1;
        let handle = spawn(move || {
            let guard = theirs.mutex.lock().unwrap();
            let (guard, end) = match limit {
                None => (theirs.condvar.wait(guard).unwrap(), End::Notified),
                Some(limit) => {
                    let (guard, result) = theirs.condvar.wait_timeout(guard, limit).unwrap();
                    (guard, if result.timed_out() { End::TimedOut } else { End::Notified })
                }
            };
            theirs.ended.lock().unwrap().push((id, end));
            drop(guard);
        });
        let deadline = limit.map(|limit| Instant::now() + limit);
        until_parked(&handle);
        self.line.push(Waiter { id, deadline, handle });
    }

    fn end(&mut self, at: usize, end: End) -> JoinHandle<()> {
        let waiter = self.line.remove(at);
        self.ended.push((waiter.id, end));
        waiter.handle
    }

    fn notify(&mut self, world: &World) {
        world.condvar.notify_one();
        if !self.line.is_empty() {
            drop(self.end(0, End::Notified));
        }
    }

    fn notify_all(&mut self, world: &World) {
        world.condvar.notify_all();
        while !self.line.is_empty() {
            drop(self.end(0, End::Notified));
        }
    }

    fn cancel(&mut self, world: &World, at: usize) {
        let handle = self.end(at, End::Cancelled);
        handle.cancel();
        let id = self.ended[self.ended.len() - 1].0;
        assert!(handle.join().unwrap_err().is_cancelled());
        world.ended.lock().unwrap().push((id, End::Cancelled));
    }

    /// Notified and cancelled before it runs: it is notified.
    fn notify_and_cancel(&mut self, world: &World) {
        world.condvar.notify_one();
        let handle = self.end(0, End::Notified);
        handle.cancel();
        handle.join().unwrap();
    }

    /// Notified, and cancelled while it waits for the mutex: the notification goes to the next.
    fn cancel_at_the_mutex(&mut self, world: &World) {
        let guard = world.mutex.lock().unwrap();
        world.condvar.notify_one();
        yield_now();
        self.cancel(world, 0);
        if !self.line.is_empty() {
            drop(self.end(0, End::Notified));
        }
        drop(guard);
    }

    fn let_time_pass(&mut self, time: Duration) {
        sleep(time);
        let now = Instant::now();
        while let Some(deadline) = self.line.iter().filter_map(|waiter| waiter.deadline).min()
            && deadline <= now
        {
            let at = self.line.iter().position(|waiter| waiter.deadline == Some(deadline));
            drop(self.end(at.expect("it was found"), End::TimedOut));
        }
    }
}

fn check(seed: u64) {
    let mut rng = Rng(seed);
    let (world, mut model) = (Arc::new(World::default()), Model::default());
    for _ in 0..400 {
        // Odd limits and even steps of time: no two things come at one moment, unless they are meant to.
        let short = Duration::from_micros(1 + 2 * rng.below(1000) as u64);
        match rng.below(14) {
            0..5 => model.wait(&world, None),
            5..7 if model.line.iter().all(|waiter| waiter.deadline != Some(Instant::now() + short)) => {
                model.wait(&world, Some(short));
            }
            7..9 => model.notify(&world),
            9 if rng.below(4) == 0 => model.notify_all(&world),
            10 if !model.line.is_empty() => model.cancel(&world, rng.below(model.line.len())),
            11 if !model.line.is_empty() => model.notify_and_cancel(&world),
            12 if !model.line.is_empty() => model.cancel_at_the_mutex(&world),
            13 => model.let_time_pass(Duration::from_micros(2 * rng.below(300) as u64)),
            _ => {}
        }
        (0..4).for_each(|_| yield_now());
        assert_eq!(*world.ended.lock().unwrap(), model.ended);
    }
    model.notify_all(&world);
    (0..4).for_each(|_| yield_now());
    assert_eq!(*world.ended.lock().unwrap(), model.ended);
}

#[test]
fn random_waits_end_as_in_a_sequential_model() {
    for_seeds(1, |seed| in_virtual_time(move || check(seed)));
}
