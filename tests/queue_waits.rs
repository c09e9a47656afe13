//! `sward::queue`: who waits, in which order it is served, and what cancels and timeouts leave behind.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use support::{
    Drops, MS, in_run, in_virtual_time,
    queues::{getter, putter, shared},
    until_parked,
};
use sward::{
    queue::{GetTimeoutError, PutTimeoutError, TryGetError, TryPutError},
    shield, sleep, spawn, yield_now,
};

#[test]
fn gets_that_wait_are_served_in_the_order_in_which_they_came() {
    in_run(|| {
        let queue = shared(None, []);
        let getters: Vec<_> = (0..10).map(|_| getter(&queue)).collect();
        (0..10).for_each(|item| queue.put(item).unwrap());
        for (item, getter) in getters.into_iter().enumerate() {
            assert_eq!(getter.join().unwrap(), Ok(item));
        }
    });
}

#[test]
fn puts_that_wait_are_served_in_the_order_in_which_they_came() {
    in_run(|| {
        let queue = shared(Some(1), [0]);
        let putters: Vec<_> = (1..10).map(|item| putter(&queue, item)).collect();
        assert!((0..10).all(|item| queue.get() == Ok(item)));
        putters.into_iter().for_each(|putter| putter.join().unwrap().unwrap());
    });
}

#[test]
fn nobody_overtakes_a_get_that_was_called() {
    in_run(|| {
        let queue = shared(None, []);
        let first = getter(&queue);
        queue.put(1).unwrap();
        assert_eq!((queue.try_get(), queue.len(), queue.is_empty()), (Err(TryGetError::Empty), 0, true));
        queue.put(2).unwrap();
        assert_eq!(queue.len(), 1);
        assert!(queue.try_get().is_ok());
        assert!(first.join().unwrap().is_ok());
    });
}

#[test]
fn nobody_overtakes_a_put_that_was_called() {
    in_run(|| {
        let queue = shared(Some(1), [1]);
        let second = putter(&queue, 2);
        assert_eq!(queue.get(), Ok(1));
        assert!(queue.is_full());
        assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
        second.join().unwrap().unwrap();
        assert_eq!(queue.get(), Ok(2));
    });
}

#[test]
fn waits_end_in_time() {
    in_virtual_time(|| {
        let queue = shared(Some(1), []);
        let start = sward::time::Instant::now();
        assert_eq!(queue.get_timeout(3 * MS), Err(GetTimeoutError::Timeout));
        queue.put(1).unwrap();
        assert_eq!(queue.put_timeout(2, 3 * MS), Err(PutTimeoutError::Timeout(2)));
        assert_eq!(start.elapsed(), 6 * MS);
        assert_eq!(queue.put_timeout(2, Duration::ZERO), Err(PutTimeoutError::Timeout(2)));
        assert_eq!(queue.get_timeout(Duration::ZERO), Ok(1));
        assert_eq!(queue.get_timeout(Duration::ZERO), Err(GetTimeoutError::Timeout));
        queue.put_timeout(3, Duration::ZERO).unwrap();
        queue.close();
        assert_eq!(queue.put_timeout(4, MS), Err(PutTimeoutError::Closed(4)));
        assert_eq!(queue.get_timeout(MS), Ok(3));
        assert_eq!(queue.get_timeout(MS), Err(GetTimeoutError::Closed));
    });
}

#[test]
fn a_timeout_that_meets_a_put_loses_nothing() {
    in_virtual_time(|| {
        for put_first in [false, true] {
            let queue = shared(None, []);
            let theirs = Arc::clone(&queue);
            let get = || spawn(move || theirs.get_timeout(MS));
            let theirs = Arc::clone(&queue);
            let put = || {
                spawn(move || {
                    sleep(MS);
                    theirs.put(7).unwrap();
                })
            };
            let (get, put) = if put_first {
                let put = put();
                until_parked(&put);
                (get(), put)
            } else {
                let get = get();
                until_parked(&get);
                (get, put())
            };
            put.join().unwrap();
            match get.join().unwrap() {
                Ok(item) => assert_eq!((item, queue.try_get()), (7, Err(TryGetError::Empty))),
                Err(_) => assert_eq!(queue.try_get(), Ok(7)),
            }
        }
    });
}

#[test]
fn a_cancelled_get_leaves_the_line_and_takes_nothing() {
    in_run(|| {
        let queue = shared(None, []);
        let [first, second, third] = [(); 3].map(|()| getter(&queue));
        second.cancel();
        yield_now();
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        assert_eq!((first.join().unwrap(), third.join().unwrap()), (Ok(1), Ok(2)));
        assert!(second.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_get_that_was_called_before_it_was_cancelled_has_its_item() {
    in_run(|| {
        let queue = shared(None, []);
        let (theirs, (told, tell)) = (Arc::clone(&queue), mpsc::channel());
        let get = spawn(move || {
            told.send(theirs.get()).unwrap();
            yield_now();
            told.send(theirs.get()).unwrap();
        });
        until_parked(&get);
        queue.put(1).unwrap();
        get.cancel();
        assert!(get.join().unwrap_err().is_cancelled(), "at the next park");
        assert_eq!(tell.iter().collect::<Vec<_>>(), [Ok(1)]);
    });
}

#[test]
fn a_get_that_was_cancelled_before_a_put_leaves_the_item() {
    in_run(|| {
        let queue = shared(None, []);
        let (first, second) = (getter(&queue), getter(&queue));
        first.cancel();
        queue.put(1).unwrap();
        // The cancel took it out of its park, and the put still found it in line: it may have either.
        let got = first.join();
        let left = if matches!(got, Ok(Ok(1))) { 0 } else { 1 };
        assert!(got.is_ok() || got.unwrap_err().is_cancelled());
        queue.put(2).unwrap();
        assert_eq!(second.join().unwrap(), Ok(2 - left));
        assert_eq!(queue.len(), left);
    });
}

#[test]
fn a_cancelled_put_drops_its_item_and_leaves_its_place() {
    in_run(|| {
        let drops = Drops::new();
        let queue = shared(Some(1), [drops.guard()]);
        let (first, second) = (putter(&queue, drops.guard()), putter(&queue, drops.guard()));
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
        drop(queue.get().unwrap());
        second.join().unwrap().unwrap();
        drop(queue);
        assert_eq!(drops.count(), 3);
    });
}

#[test]
fn a_shielded_get_waits_on() {
    in_run(|| {
        let queue = shared(None, []);
        let theirs = Arc::clone(&queue);
        let got = Arc::new(AtomicUsize::new(0));
        let get = spawn({
            let got = Arc::clone(&got);
            move || shield(|| got.store(theirs.get().unwrap(), SeqCst))
        });
        until_parked(&get);
        get.cancel();
        yield_now();
        assert!(!get.is_finished());
        queue.put(5).unwrap();
        assert!(get.join().unwrap_err().is_cancelled());
        assert_eq!(got.load(SeqCst), 5);
    });
}
