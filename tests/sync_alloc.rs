//! To wait allocates nothing, nor does to spawn what fits where another was, and what was held in a channel or a queue gives
//! its memory back. A test binary of its own, because its allocator counts.

mod support;

use support::{Counting, allocations, in_run, live_bytes};
use sward::{
    channel::{bounded, select, unbounded},
    event::Event,
    queue::{LifoQueue, PriorityQueue, Queue},
    spawn, spawn_local,
    sync::{Arc, Barrier, Condvar, Mutex, Notify, RwLock, Semaphore},
    yield_now,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations 100 waits make: `wait` parks until `wake`, which another green thread calls, returns it. What is made
/// once (a green thread's own, the queue of the worker) was made before.
#[track_caller]
fn waits_for_nothing(wait: impl Fn() + 'static, wake: impl Fn()) {
    const WAITS: usize = 100;
    let waiter = spawn_local(move || {
        for _ in 0..2 * WAITS {
            wait();
        }
    });
    let rounds = || {
        for _ in 0..WAITS {
            yield_now(); // it waits now
            wake();
        }
    };
    rounds();
    let before = allocations();
    rounds();
    let made = allocations() - before;
    waiter.join().unwrap();
    assert_eq!(made, 0, "allocations");
}

#[test]
fn to_wait_allocates_nothing() {
    in_run(|| {
        let turn = Arc::new(Semaphore::new(0));
        let theirs = Arc::clone(&turn);
        waits_for_nothing(move || theirs.acquire().forget(), || turn.add_permits(1));

        let notify = Arc::new(Notify::new());
        let theirs = Arc::clone(&notify);
        waits_for_nothing(move || theirs.wait(), || notify.notify_one());

        let event = Arc::new(Event::new());
        let theirs = Arc::clone(&event);
        let wait = move || {
            theirs.wait();
            theirs.clear();
        };
        waits_for_nothing(wait, || event.set());

        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let theirs = Arc::clone(&pair);
        waits_for_nothing(move || drop(theirs.1.wait(theirs.0.lock().unwrap())), || pair.1.notify_one());

        let (sender, receiver) = bounded(1);
        waits_for_nothing(move || receiver.recv().unwrap(), || sender.send(()).unwrap());

        let (sender, receiver) = bounded(1);
        let (_other, never) = bounded::<()>(1);
        let wait = move || {
            select! {
                recv(receiver) -> message => message.unwrap(),
                recv(never) -> _ => unreachable!("nobody sends"),
            }
        };
        waits_for_nothing(wait, || sender.send(()).unwrap());

        let (sender, receiver) = bounded(0);
        waits_for_nothing(move || sender.send(()).unwrap(), || receiver.recv().unwrap());

        let barrier = Arc::new(Barrier::new(2));
        let theirs = Arc::clone(&barrier);
        waits_for_nothing(move || _ = theirs.wait(), || _ = barrier.wait());
    });
}

#[test]
fn to_wait_for_a_lock_allocates_nothing() {
    in_run(|| {
        let mutex = Arc::new(Mutex::new(()));
        let (theirs, asked) = (Arc::clone(&mutex), Arc::new(Semaphore::new(0)));
        let ask = Arc::clone(&asked);
        let wait = move || {
            ask.acquire().forget();
            drop(theirs.lock());
        };
        let wake = || {
            let held = mutex.lock();
            asked.add_permits(1);
            yield_now(); // it waits for the lock now
            drop(held);
        };
        waits_for_nothing(wait, wake);

        let lock = Arc::new(RwLock::new(()));
        let (theirs, ask) = (Arc::clone(&lock), Arc::clone(&asked));
        let wait = move || {
            ask.acquire().forget();
            drop(theirs.read());
        };
        let wake = || {
            let held = lock.write();
            asked.add_permits(1);
            yield_now();
            drop(held);
        };
        waits_for_nothing(wait, wake);
    });
}

/// A batch of spawns and joins, and how many allocations it makes.
fn batch<const SIZE: usize>() -> usize {
    let before = allocations();
    // The handles' own place is one.
    let handles: Vec<_> = (0..100).map(|index| spawn(move || [index; SIZE])).collect();
    yield_now(); // they have ended now: who joins does not wait
    assert!(handles.into_iter().enumerate().all(|(index, handle)| handle.join().unwrap() == [index; SIZE]));
    allocations() - before
}

#[test]
#[cfg_attr(feature = "sanitizer", ignore = "nothing is kept then, for the sanitizer to see")]
fn what_is_spawned_where_others_were_allocates_nothing() {
    in_run(|| {
        batch::<1>();
        assert_eq!(batch::<1>(), 1);
        // Of another size they are made anew, and so are those that are too large to be kept, each time.
        assert_eq!(batch::<8>(), 101);
        assert_eq!([batch::<8>(), batch::<1>()], [1, 1]);
        assert_eq!([batch::<100>(), batch::<100>()], [101, 101]);
    });
}

/// How many bytes more are allocated after 100,000 items were put in and taken out again.
fn kept(put: impl Fn(usize), take: impl Fn()) -> isize {
    const ITEMS: usize = 100_000;
    let before = live_bytes();
    (0..ITEMS).for_each(put);
    let all = ITEMS * size_of::<usize>();
    assert!(live_bytes() - before >= all.cast_signed(), "what is held is not counted");
    (0..ITEMS).for_each(|_| take());
    live_bytes() - before
}

#[test]
fn what_was_held_once_is_given_back() {
    const FEW: isize = 20_000;
    in_run(|| {
        let (sender, receiver) = unbounded();
        let channel = kept(|item| sender.send(item).unwrap(), || _ = receiver.recv().unwrap());
        let (sender, receiver) = bounded(200_000);
        let bounded = kept(|item| sender.send(item).unwrap(), || _ = receiver.recv().unwrap());
        let queue = Queue::new(None);
        let fifo = kept(|item| queue.put(item).unwrap(), || _ = queue.get().unwrap());
        let queue = LifoQueue::new(None);
        let lifo = kept(|item| queue.put(item).unwrap(), || _ = queue.get().unwrap());
        let queue = PriorityQueue::new(None);
        let priority = kept(|item| queue.put(item).unwrap(), || _ = queue.get().unwrap());
        let kept = [channel, bounded, fifo, lifo, priority];
        assert!(kept.iter().all(|&bytes| bytes < FEW), "{kept:?}");
    });
}
