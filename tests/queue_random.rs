//! Random programs on the three queues, each against a model that is a sorted list: what is got, in which order, and
//! that nothing is lost or doubled, whoever is cancelled or times out.
//!
//! A seed that fails is printed, and runs again by `SWARD_RANDOM_SEED`. `SWARD_RANDOM_SECONDS=60` runs for a minute with new
//! ones.

mod support;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use support::{Rng, for_seeds, runtime, watched};
use sward::{
    Runtime,
    queue::{GetTimeoutError, LifoQueue, PriorityQueue, PutTimeoutError, Queue, TryGetError, TryPutError},
    sleep, spawn, yield_now,
};

/// A priority, and a number of its own.
type Item = (u64, u64);

/// What the three queues have in common.
trait AnyQueue: Send + Sync + 'static {
    fn new(maxsize: Option<usize>) -> Self;
    fn try_put(&self, item: Item) -> Result<(), TryPutError<Item>>;
    fn put(&self, item: Item);
    fn put_timeout(&self, item: Item, limit: Duration) -> Result<(), PutTimeoutError<Item>>;
    fn try_get(&self) -> Result<Item, TryGetError>;
    fn get(&self) -> Option<Item>;
    fn get_timeout(&self, limit: Duration) -> Result<Item, GetTimeoutError>;
    fn task_done(&self);
    fn join(&self);
    fn close(&self);
    fn close_now(&self) -> Vec<Item>;
    fn len(&self) -> usize;
    /// Which item of a model comes next.
    fn next(model: &[Item]) -> Option<usize>;
}

macro_rules! any_queue {
    ($Queue:ident, $next:expr) => {
        impl AnyQueue for $Queue<Item> {
            fn new(maxsize: Option<usize>) -> Self {
                $Queue::new(maxsize)
            }
            fn try_put(&self, item: Item) -> Result<(), TryPutError<Item>> {
                self.try_put(item)
            }
            fn put(&self, item: Item) {
                self.put(item).expect("it is open");
            }
            fn put_timeout(&self, item: Item, limit: Duration) -> Result<(), PutTimeoutError<Item>> {
                self.put_timeout(item, limit)
            }
            fn try_get(&self) -> Result<Item, TryGetError> {
                self.try_get()
            }
            fn get(&self) -> Option<Item> {
                self.get().ok()
            }
            fn get_timeout(&self, limit: Duration) -> Result<Item, GetTimeoutError> {
                self.get_timeout(limit)
            }
            fn task_done(&self) {
                self.task_done();
            }
            fn join(&self) {
                self.join();
            }
            fn close(&self) {
                self.close();
            }
            fn close_now(&self) -> Vec<Item> {
                self.close_now()
            }
            fn len(&self) -> usize {
                self.len()
            }
            fn next(model: &[Item]) -> Option<usize> {
                let next: fn(&[Item]) -> Option<usize> = $next;
                next(model)
            }
        }
    };
}

any_queue!(Queue, |model| (!model.is_empty()).then_some(0));
any_queue!(LifoQueue, |model| model.len().checked_sub(1));
any_queue!(PriorityQueue, |model| (0..model.len()).min_by_key(|at| model[*at]));

/// One after another: each call has the model's result.
fn alone<Q: AnyQueue>(seed: u64) {
    let mut rng = Rng(seed);
    let places = Some(rng.below(6) as usize).filter(|places| *places != 0);
    let (queue, mut model, mut closed) = (Q::new(places), Vec::<Item>::new(), false);
    for number in 0..200 {
        let full = Some(model.len()) == places;
        match rng.below(9) {
            what @ 0..4 => {
                let item = (rng.below(5), number);
                let (late, is_closed, is_put) = if what < 2 {
                    let put = queue.try_put(item);
                    (put == Err(TryPutError::Full(item)), put == Err(TryPutError::Closed(item)), put.is_ok())
                } else {
                    let put = queue.put_timeout(item, Duration::ZERO);
                    let late = put == Err(PutTimeoutError::Timeout(item));
                    (late, put == Err(PutTimeoutError::Closed(item)), put.is_ok())
                };
                assert_eq!((late, is_closed, is_put), (!closed && full, closed, !closed && !full));
                if is_put {
                    model.push(item);
                }
            }
            what @ 4..8 => {
                let (got, is_closed) = if what < 6 {
                    let got = queue.try_get();
                    (got.ok(), got == Err(TryGetError::Closed))
                } else {
                    let got = queue.get_timeout(Duration::ZERO);
                    (got.ok(), got == Err(GetTimeoutError::Closed))
                };
                assert_eq!(is_closed, closed && model.is_empty());
                assert_eq!(got, Q::next(&model).map(|at| model.remove(at)));
            }
            _ if rng.below(20) == 0 => {
                queue.close();
                closed = true;
            }
            _ => assert_eq!(queue.len(), model.len()),
        }
    }
    let left = queue.close_now();
    assert!(left.into_iter().all(|item| Some(item) == Q::next(&model).map(|at| model.remove(at))));
    assert!(model.is_empty());
}

/// What became of each item.
#[derive(Default)]
struct Fates {
    put: BTreeSet<Item>,
    got: BTreeSet<Item>,
    /// Its put was cancelled: it is in, or it was dropped.
    unknown: BTreeSet<Item>,
}

/// A life of some puts or gets, in each of which it may be cancelled: the item under way is in `under_way` meanwhile.
fn live<Q: AnyQueue>(queue: &Q, fates: &Mutex<Fates>, life: u64, mut rng: Rng) {
    struct UnderWay<'a>(&'a Mutex<Fates>, Item, bool);
    impl Drop for UnderWay<'_> {
        fn drop(&mut self) {
            let mut fates = self.0.lock().unwrap();
            let set = if self.2 { &mut fates.put } else { &mut fates.unknown };
            assert!(set.insert(self.1));
        }
    }
    let got = |item| {
        assert!(fates.lock().unwrap().got.insert(item), "{item:?} was got twice");
        queue.task_done();
    };
    for step in 0..rng.below(30) {
        match rng.below(8) {
            what @ 0..3 => {
                let item = (rng.below(5), life << 32 | step);
                let mut under_way = UnderWay(fates, item, false);
                let is_put = match what {
                    0 => queue.try_put(item).is_ok(),
                    1 => queue.put_timeout(item, rng.micros(50)).is_ok(),
                    _ => {
                        queue.put(item);
                        true
                    }
                };
                under_way.2 = is_put;
                if !is_put {
                    std::mem::forget(under_way);
                }
            }
            3 => queue.try_get().map_or((), got),
            4 => queue.get_timeout(rng.micros(50)).map_or((), got),
            5 => queue.get().map_or((), got),
            6 => yield_now(),
            _ => sleep(rng.micros(50)),
        }
    }
}

/// Many together, some of them cancelled: what was put is got once or left.
fn together<Q: AnyQueue>(seed: u64) {
    let mut rng = Rng(seed);
    let places = Some(rng.below(6) as usize).filter(|places| *places != 0);
    let (queue, fates) = (Arc::new(Q::new(places)), Arc::new(Mutex::new(Fates::default())));
    let lives: Vec<_> = (0..60)
        .map(|life| {
            let (queue, fates, rng) = (Arc::clone(&queue), Arc::clone(&fates), Rng(seed ^ life << 40));
            spawn(move || live(&*queue, &fates, life, rng))
        })
        .collect();
    for life in &lives {
        match rng.below(4) {
            0 => life.cancel(),
            1 => sleep(rng.micros(50)),
            _ => yield_now(),
        }
    }
    // Who waits for ever is helped on: with an item or with a place.
    let mut helped = 0;
    while !lives.iter().all(sward::JoinHandle::is_finished) {
        sleep(Duration::from_micros(200));
        if let Ok(item) = queue.try_get() {
            assert!(fates.lock().unwrap().got.insert(item));
            queue.task_done();
        }
        let item = (9, u64::MAX - helped);
        helped += 1;
        if queue.try_put(item).is_ok() {
            fates.lock().unwrap().put.insert(item);
        }
    }
    for end in sward::join_all(lives) {
        assert!(end.is_ok() || end.unwrap_err().is_cancelled());
    }
    let left = queue.close_now();
    queue.join(); // everything that was got was reported
    let mut fates = fates.lock().unwrap();
    assert!(left.into_iter().all(|item| fates.got.insert(item)), "what is left was not got");
    let lost: Vec<_> = fates.put.difference(&fates.got).collect();
    assert!(lost.is_empty(), "put and never got: {lost:?}");
    let made: Vec<_> =
        fates.got.iter().filter(|item| !fates.put.contains(item) && !fates.unknown.contains(item)).collect();
    assert!(made.is_empty(), "got and never put: {made:?}");
}

fn all(f: impl Fn(fn(u64), fn(u64))) {
    f(alone::<Queue<Item>>, together::<Queue<Item>>);
    f(alone::<LifoQueue<Item>>, together::<LifoQueue<Item>>);
    f(alone::<PriorityQueue<Item>>, together::<PriorityQueue<Item>>);
}

fn check(seed: u64) {
    let run = move || {
        all(|alone, together| {
            alone(seed);
            Runtime::builder().virtual_clock(true).seed(seed).run(|| together(seed));
        });
        let workers = runtime(2);
        all(|_, together| workers.run(|| together(seed)));
    };
    watched(run);
}

#[test]
fn random_programs_lose_nothing_and_keep_the_order() {
    for_seeds(2, check);
}
