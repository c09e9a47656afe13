//! `sward::queue`: order, places, closing, tasks, panics; among OS threads and workers.

mod support;

use std::{
    cmp::{Ordering, Reverse},
    panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{
    MS, OnDrop, in_run, in_virtual_time, message_of_panic,
    queues::{getter, putter, shared},
    runtime, until_parked, watched,
};
use sward::{
    queue::{
        GetError, GetTimeoutError, LifoQueue, PriorityQueue, PutError, PutTimeoutError, Queue, TryGetError,
        TryPutError,
    },
    sleep, spawn, spawn_local, yield_now,
};

#[test]
fn each_kind_has_its_order() {
    let (fifo, lifo, smallest) = (Queue::new(None), LifoQueue::new(None), PriorityQueue::new(None));
    for item in [2, 3, 1] {
        fifo.put(item).unwrap();
        lifo.put(item).unwrap();
        smallest.put(item).unwrap();
    }
    fifo.close();
    lifo.close();
    smallest.close();
    assert!(fifo.iter().eq([2, 3, 1]));
    assert!(lifo.iter().eq([1, 3, 2]));
    assert!(smallest.iter().eq([1, 2, 3]));
}

/// Of the order of its first field alone.
#[derive(Clone, Copy, Debug)]
struct Keyed(u32, usize);

impl Ord for Keyed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Keyed {}

#[test]
fn of_equal_priorities_the_first_that_came_is_the_first_out() {
    let queue: PriorityQueue<_> = (0..100).map(|i| Keyed(i as u32 % 3, i)).collect();
    let got = queue.close_now();
    assert!(got.is_sorted_by_key(|keyed| (keyed.0, keyed.1)), "{got:?}");
    assert_eq!(got.len(), 100);
    let queue: PriorityQueue<_> = [1, 3, 2].map(Reverse).into_iter().collect();
    assert_eq!(queue.close_now(), [3, 2, 1].map(Reverse));
}

#[test]
fn a_put_parks_while_the_queue_is_full() {
    in_run(|| {
        let queue = shared(Some(2), [1, 2]);
        assert!(queue.is_full() && queue.len() == 2 && queue.maxsize() == Some(2));
        let third = putter(&queue, 3);
        assert_eq!(queue.get(), Ok(1));
        third.join().unwrap().unwrap();
        queue.close();
        assert!(queue.iter().eq([2, 3]));
    });
}

#[test]
fn try_put_and_try_get_never_wait() {
    let queue = Queue::new(Some(1));
    assert_eq!(queue.try_get(), Err::<i32, _>(TryGetError::Empty));
    queue.try_put(1).unwrap();
    assert_eq!(queue.try_put(2), Err(TryPutError::Full(2)));
    assert_eq!(queue.try_get(), Ok(1));
    queue.try_put(3).unwrap();
    queue.close();
    assert_eq!(queue.try_put(4), Err(TryPutError::Closed(4)));
    assert_eq!((queue.try_get(), queue.try_get()), (Ok(3), Err(TryGetError::Closed)));
}

#[test]
fn close_ends_those_who_wait_and_leaves_what_is_there() {
    in_run(|| {
        let (empty, full) = (shared::<i32>(None, []), shared(Some(1), [1]));
        let (get, put) = (getter(&empty), putter(&full, 2));
        empty.close();
        full.close();
        full.close();
        assert_eq!(get.join().unwrap(), Err(GetError));
        assert_eq!(put.join().unwrap(), Err(PutError(2)));
        assert_eq!(full.put(3), Err(PutError(3)));
        assert!(full.is_closed());
        assert_eq!((full.get(), full.get()), (Ok(1), Err(GetError)));
    });
}

#[test]
fn a_get_that_was_called_has_its_item_though_the_queue_is_closed() {
    in_run(|| {
        let queue = shared(None, []);
        let (first, second) = (getter(&queue), getter(&queue));
        queue.put(1).unwrap();
        queue.close();
        assert_eq!(queue.get(), Err(GetError), "what is left is promised");
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (Ok(1), Err(GetError)));
    });
}

#[test]
fn a_put_that_was_called_fails_if_the_queue_is_closed() {
    in_run(|| {
        let queue = shared(Some(1), [1]);
        let put = putter(&queue, 2);
        assert_eq!(queue.get(), Ok(1));
        queue.close();
        assert_eq!(put.join().unwrap(), Err(PutError(2)));
        assert_eq!(queue.get(), Err(GetError));
    });
}

#[test]
fn close_now_returns_what_is_left_and_unblocks_a_join() {
    in_run(|| {
        let queue = shared(None, 0..3);
        let theirs = Arc::clone(&queue);
        let join = spawn(move || theirs.join());
        until_parked(&join);
        assert_eq!(queue.get(), Ok(0));
        assert_eq!(queue.close_now(), [1, 2]);
        assert_eq!(queue.close_now(), []);
        assert_eq!(queue.get(), Err(GetError));
        yield_now();
        assert!(!join.is_finished(), "one is still worked on");
        queue.task_done();
        join.join().unwrap();
    });
}

#[test]
fn close_now_takes_also_what_was_promised() {
    in_run(|| {
        let queue = shared(None, []);
        let get = getter(&queue);
        queue.put(1).unwrap();
        assert_eq!(queue.close_now(), [1]);
        assert!(queue.is_empty());
        assert_eq!(get.join().unwrap(), Err(GetError));
        queue.join();
    });
}

#[test]
fn join_waits_for_each_task_to_be_done() {
    in_virtual_time(|| {
        let queue = shared(None, 0..3);
        let theirs = Arc::clone(&queue);
        spawn(move || {
            for _ in &*theirs {
                sleep(MS);
                theirs.task_done();
            }
        });
        assert!(!queue.join_timeout(Duration::ZERO) && !queue.join_timeout(2 * MS));
        let start = sward::time::Instant::now();
        assert!(queue.join_timeout(2 * MS));
        assert_eq!(start.elapsed(), MS);
        queue.join();
    });
}

#[test]
fn a_join_that_waited_ends_though_there_are_new_tasks() {
    in_run(|| {
        let queue = shared(None, [1]);
        let theirs = Arc::clone(&queue);
        let join = spawn(move || theirs.join());
        until_parked(&join);
        queue.task_done();
        queue.put(2).unwrap();
        join.join().unwrap();
        assert!(!queue.join_timeout(Duration::ZERO));
    });
}

#[test]
fn task_done_more_often_than_put_panics_and_breaks_nothing() {
    let queue = LifoQueue::new(None);
    queue.put(1).unwrap();
    queue.task_done();
    let message = message_of_panic(|| queue.task_done());
    assert_eq!(message, "task_done() was called more often than there were puts into the LifoQueue");
    assert_eq!(queue.get(), Ok(1));
}

#[test]
fn a_queue_without_a_place_cannot_be_made() {
    assert!(message_of_panic(|| Queue::<()>::new(Some(0))).contains("needs a place"));
}

#[test]
fn a_drop_that_unwinds_may_put_and_get() {
    in_run(|| {
        let queue = shared(Some(1), [1]);
        let theirs = Arc::clone(&queue);
        let put = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.put(2)
        });
        let job = spawn_local(move || {
            let _get_both = OnDrop(|| assert_eq!((theirs.get(), theirs.get()), (Ok(1), Ok(2))));
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(job.join().is_err());
        put.join().unwrap().unwrap();
    });
}

#[test]
fn workers_and_os_threads_share_a_queue() {
    watched(|| {
        let (queue, sum) = (Queue::new(Some(3)), AtomicUsize::new(0));
        let consume = || {
            for item in &queue {
                sum.fetch_add(item, SeqCst);
                queue.task_done();
            }
        };
        let produce = || (1..=500).for_each(|item| queue.put(item).unwrap());
        std::thread::scope(|os| {
            let ends = [os.spawn(consume), os.spawn(consume)];
            runtime(2).run(|| {
                sward::scope(|s| {
                    (0..3).for_each(|_| drop(s.spawn(consume)));
                    let producers: Vec<_> = (0..3).map(|_| s.spawn(produce)).collect();
                    produce();
                    producers.into_iter().for_each(|producer| producer.join().unwrap());
                    queue.join();
                    assert_eq!(sum.load(SeqCst), 4 * 500 * 501 / 2);
                    queue.close();
                });
            });
            ends.into_iter().for_each(|end| end.join().unwrap());
        });
        assert_eq!(queue.get(), Err(GetError));
    });
}

/// Does what it is told when it is compared.
struct Busy<F>(u32, F);

impl<F: Fn()> Ord for Busy<F> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.1)();
        self.0.cmp(&other.0)
    }
}

impl<F: Fn()> PartialOrd for Busy<F> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<F: Fn()> PartialEq for Busy<F> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<F: Fn()> Eq for Busy<F> {}

#[test]
fn an_order_that_panics_does_not_break_the_queue() {
    in_run(|| {
        let armed = Arc::new(AtomicBool::new(false));
        let touchy = |number| {
            let armed = Arc::clone(&armed);
            Busy(number, move || assert!(!armed.load(SeqCst), "do not compare"))
        };
        let queue = Arc::new(PriorityQueue::new(Some(4)));
        (1..4).for_each(|number| queue.put(touchy(number)).unwrap());
        armed.store(true, SeqCst);
        assert_eq!(message_of_panic(|| queue.put(touchy(4))), "do not compare");
        assert!(queue.is_full(), "a put has put");
        let theirs = Arc::clone(&queue);
        let last = touchy(5);
        let put = spawn(move || theirs.put(last));
        until_parked(&put);
        assert_eq!(message_of_panic(|| queue.get().map(drop)), "do not compare");
        armed.store(false, SeqCst);
        put.join().unwrap().unwrap();
        assert!(queue.is_full(), "the place of what was lost is another's");
        let left: Vec<_> = (0..4).map(|_| queue.get().unwrap().0).collect();
        assert_eq!(left.len(), 4);
        assert!(!queue.join_timeout(Duration::ZERO));
        (0..4).for_each(|_| queue.task_done());
        queue.join();
    });
}

#[test]
fn an_order_may_park_and_others_wait_for_it() {
    in_run(|| {
        let queue = PriorityQueue::new(None);
        sward::scope(|s| {
            for number in 0..20 {
                let queue = &queue;
                s.spawn(move || queue.put(Busy(number * 7 % 20, yield_now)).unwrap());
            }
        });
        assert!(queue.close_now().into_iter().map(|busy| busy.0).eq(0..20));
    });
}

#[test]
fn an_order_that_uses_its_queue_is_told_so() {
    static QUEUE: PriorityQueue<Busy<fn()>> = PriorityQueue::new(None);
    let look: fn() = || assert!(!QUEUE.is_full());
    QUEUE.put(Busy(1, look)).unwrap();
    let message = message_of_panic(|| QUEUE.put(Busy(2, look)));
    assert!(message.starts_with("deadlock"), "{message}");
    assert_eq!(QUEUE.len(), 2);
}

#[test]
fn the_traits_are_there() {
    fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe + Default + std::fmt::Debug>() {}
    shared::<Queue<Box<dyn FnMut() + Send>>>();
    shared::<LifoQueue<std::cell::Cell<u8>>>();
    shared::<PriorityQueue<u8>>();
    static QUEUE: Queue<u8> = Queue::new(Some(7));
    QUEUE.put(1).unwrap();
    let text = "Queue { maxsize: Some(7), len: 1, unfinished: 1, is_closed: false, .. }";
    assert_eq!(format!("{QUEUE:?}"), text);
    assert!(format!("{:?}", QUEUE.iter().clone()).starts_with("Iter(Queue {"));
    let errors: [(Box<dyn std::error::Error>, &str, &str); 6] = [
        (Box::new(PutError(1)), "PutError(..)", "putting into a closed queue"),
        (Box::new(TryPutError::Full(1)), "Full(..)", "putting into a full queue"),
        (Box::new(PutTimeoutError::Timeout(1)), "Timeout(..)", "timed out waiting to put into a queue"),
        (Box::new(GetError), "GetError", "getting from an empty and closed queue"),
        (Box::new(TryGetError::Empty), "Empty", "getting from an empty queue"),
        (Box::new(GetTimeoutError::Timeout), "Timeout", "timed out waiting for an item of a queue"),
    ];
    for (error, debug, display) in errors {
        assert_eq!((format!("{error:?}"), error.to_string()), (debug.to_owned(), display.to_owned()));
    }
    let failed = catch_unwind(AssertUnwindSafe(|| Queue::<u8>::new(Some(0))));
    assert!(failed.is_err());
}
