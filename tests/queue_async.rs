//! Queues, barriers and wait groups that are awaited: what a future that is dropped leaves behind, and who else goes on.

#![allow(unsafe_code)]

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread as os,
};

use support::{Drops, in_run, message_of_panic, runtime, until_parked, watched};
use sward::{
    queue::{GetError, LifoQueue, PriorityQueue, PutError, Queue, TryGetError, TryPutError},
    spawn,
    sync::{Barrier, WaitGroup},
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator, which is asked for each; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Unpark(os::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A small executor, for an OS thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(os::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => os::park(),
        }
    }
}

struct UnparkGreen(sward::thread::Thread);

impl Wake for UnparkGreen {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The same for a green thread.
fn block_on_green<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(UnparkGreen(sward::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => sward::thread::park(),
        }
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A future that stands in line.
fn waiting<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll(future.as_mut()).is_pending());
    future
}

fn full<const N: usize>(items: [i32; N]) -> Queue<i32> {
    let queue = Queue::new(Some(N));
    items.into_iter().for_each(|item| queue.try_put(item).unwrap());
    queue
}

#[test]
fn what_needs_no_waiting_is_ready_at_once() {
    let queue = Queue::new(Some(2));
    assert_eq!(poll(pin!(queue.put_async(1))), Poll::Ready(Ok(())));
    assert_eq!(poll(pin!(queue.get_async())), Poll::Ready(Ok(1)));
    queue.task_done();
    assert!(poll(pin!(queue.join_async())).is_ready());
    queue.close();
    assert_eq!(poll(pin!(queue.put_async(2))), Poll::Ready(Err(PutError(2))));
    assert_eq!(poll(pin!(queue.get_async())), Poll::Ready(Err(GetError)));
}

#[test]
fn each_queue_gives_in_its_order() {
    let (lifo, priority) = (LifoQueue::new(None), PriorityQueue::new(None));
    block_on(async {
        for item in [2, 1, 3] {
            lifo.put_async(item).await.unwrap();
            priority.put_async(item).await.unwrap();
        }
        for (last, smallest) in [(3, 1), (1, 2), (2, 3)] {
            assert_eq!((lifo.get_async().await, priority.get_async().await), (Ok(last), Ok(smallest)));
            lifo.task_done();
            priority.task_done();
        }
        lifo.join_async().await;
        priority.join_async().await;
    });
}

#[test]
fn nothing_is_done_before_the_first_poll() {
    let (queue, drops) = (Queue::new(Some(1)), Drops::new());
    drop(queue.put_async(drops.guard()));
    assert_eq!((queue.len(), drops.count()), (0, 1));
    drop(queue.get_async());
    queue.put(drops.guard()).unwrap();
    assert_eq!(queue.len(), 1);
}

#[test]
fn those_in_line_are_served_in_their_order_whatever_they_are() {
    in_run(|| {
        let queue = Arc::new(Queue::new(None));
        let mut first = waiting(queue.get_async());
        let theirs = Arc::clone(&queue);
        let second = spawn(move || theirs.get());
        until_parked(&second);
        let mut third = waiting(queue.get_async());
        (1..=3).for_each(|item| queue.put(item).unwrap());
        assert_eq!((queue.len(), queue.try_get()), (0, Err(TryGetError::Empty)), "all are promised");
        assert_eq!(poll(first.as_mut()), Poll::Ready(Ok(1)));
        assert_eq!(second.join().unwrap(), Ok(2));
        assert_eq!(poll(third.as_mut()), Poll::Ready(Ok(3)));
    });
}

#[test]
fn a_get_that_is_dropped_in_line_is_not_called() {
    let queue = Queue::new(None);
    let (dropped, mut next) = (waiting(queue.get_async()), waiting(queue.get_async()));
    drop(dropped);
    queue.put(1).unwrap();
    assert_eq!(poll(next.as_mut()), Poll::Ready(Ok(1)));
}

#[test]
fn a_get_that_is_dropped_with_its_promise_gives_it_to_the_next() {
    let queue = Queue::new(None);
    let (called, mut next) = (waiting(queue.get_async()), waiting(queue.get_async()));
    queue.put(1).unwrap();
    assert!(poll(next.as_mut()).is_pending(), "it is the other's");
    drop(called);
    assert_eq!((queue.len(), queue.try_get()), (0, Err(TryGetError::Empty)));
    assert_eq!(poll(next.as_mut()), Poll::Ready(Ok(1)));
}

#[test]
fn a_get_that_is_dropped_with_its_promise_frees_the_item_if_nobody_waits() {
    // Each finds it in another way.
    let finds: [fn(&Queue<i32>) -> bool; 6] = [
        |queue| queue.try_get() == Ok(1),
        |queue| queue.get() == Ok(1),
        |queue| queue.len() == 1 && !queue.is_empty(),
        |queue| poll(pin!(queue.get_async())) == Poll::Ready(Ok(1)),
        |queue| format!("{queue:?}").contains("len: 1"),
        |queue| {
            queue.close();
            queue.iter().eq([1])
        },
    ];
    for (way, finds) in finds.into_iter().enumerate() {
        let queue = Queue::new(None);
        let called = waiting(queue.get_async());
        queue.put(1).unwrap();
        drop(called);
        assert!(finds(&queue), "way {way}");
    }
}

#[test]
fn a_put_that_is_dropped_takes_its_item_along() {
    let (queue, drops) = (Queue::new(Some(1)), Drops::new());
    queue.put(drops.guard()).unwrap();
    let (in_line, called) =
        (waiting(queue.put_async(drops.guard())), waiting(queue.put_async(drops.guard())));
    drop(in_line);
    assert_eq!(drops.count(), 1);
    drop(queue.get().unwrap()); // it has a place now
    drop(called);
    assert_eq!((drops.count(), queue.len(), queue.is_full()), (3, 0, false));
}

#[test]
fn a_put_that_is_dropped_with_its_promise_gives_the_place_to_the_next() {
    let queue = full([1]);
    let (called, mut next) = (waiting(queue.put_async(2)), waiting(queue.put_async(3)));
    assert_eq!(queue.get(), Ok(1));
    drop(called);
    assert_eq!((queue.is_full(), queue.try_put(4)), (true, Err(TryPutError::Full(4))));
    assert_eq!(poll(next.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(queue.get(), Ok(3));
}

#[test]
fn a_put_that_is_dropped_with_its_promise_frees_the_place_if_nobody_waits() {
    let puts: [fn(&Queue<i32>) -> bool; 4] = [
        |queue| queue.try_put(3).is_ok(),
        |queue| queue.put(3).is_ok(),
        |queue| !queue.is_full() && queue.put(3).is_ok(),
        |queue| poll(pin!(queue.put_async(3))).is_ready(),
    ];
    for (way, puts) in puts.into_iter().enumerate() {
        let queue = full([1]);
        let called = waiting(queue.put_async(2));
        assert_eq!(queue.get(), Ok(1));
        drop(called);
        assert!(puts(&queue), "way {way}");
        assert_eq!(queue.get(), Ok(3));
    }
}

#[test]
fn a_close_lets_go_whoever_waits() {
    for now in [false, true] {
        let queue = Queue::<i32>::new(None);
        let (mut first, second) = (waiting(queue.get_async()), waiting(queue.get_async()));
        drop(second);
        if now {
            drop(queue.close_now())
        } else {
            queue.close()
        }
        assert_eq!(poll(first.as_mut()), Poll::Ready(Err(GetError)));
        let queue = full([1]);
        let (mut first, second) = (waiting(queue.put_async(2)), waiting(queue.put_async(3)));
        if now {
            drop(queue.close_now())
        } else {
            queue.close()
        }
        drop(second);
        assert_eq!(poll(first.as_mut()), Poll::Ready(Err(PutError(2))));
        assert_eq!(queue.len(), usize::from(!now));
    }
}

#[test]
fn a_promise_outlives_a_close_and_no_item_does_a_close_now() {
    for dropped in [false, true] {
        let queue = Queue::new(None);
        let mut called = waiting(queue.get_async());
        queue.put(1).unwrap();
        queue.close();
        if dropped {
            drop(called);
            assert_eq!(queue.get(), Ok(1), "it is left to others");
        } else {
            assert_eq!(poll(called.as_mut()), Poll::Ready(Ok(1)));
        }
        assert_eq!(queue.get(), Err(GetError));
        let queue = Queue::new(None);
        let mut called = waiting(queue.get_async());
        queue.put(1).unwrap();
        assert_eq!(queue.close_now(), [1]);
        if !dropped {
            assert_eq!(poll(called.as_mut()), Poll::Ready(Err(GetError)));
        }
        drop(called);
        assert_eq!((queue.len(), queue.get()), (0, Err(GetError)));
    }
}

#[test]
fn a_put_that_has_a_place_is_too_late_after_a_close() {
    let queue = full([1]);
    let mut called = waiting(queue.put_async(2));
    assert_eq!(queue.get(), Ok(1));
    queue.close();
    assert_eq!(poll(called.as_mut()), Poll::Ready(Err(PutError(2))));
    assert_eq!(queue.get(), Err(GetError));
}

#[test]
fn a_join_ends_for_those_who_wait_when_all_is_done_also_if_there_is_more_by_then() {
    let queue = Queue::new(None);
    queue.put(1).unwrap();
    let (mut join, dropped) = (waiting(queue.join_async()), waiting(queue.join_async()));
    drop(dropped);
    queue.get().unwrap();
    queue.task_done();
    queue.put(2).unwrap();
    let mut later = waiting(queue.join_async());
    assert!(poll(join.as_mut()).is_ready());
    assert!(poll(later.as_mut()).is_pending());
    queue.close_now();
    assert!(poll(later.as_mut()).is_ready());
}

/// Calls `f` when it wakes.
struct Calls<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

#[test]
fn a_waker_may_use_the_queue() {
    watched(|| {
        let queue = Arc::new(Queue::<i32>::new(Some(1)));
        let woken = Arc::new(AtomicUsize::new(0));
        let (theirs, count) = (Arc::clone(&queue), Arc::clone(&woken));
        let waker = Waker::from(Arc::new(Calls(move || {
            assert!(theirs.len() <= 1 && theirs.try_put(9).is_err());
            count.fetch_add(1, SeqCst);
        })));
        let mut context = Context::from_waker(&waker);
        let (mut get, mut put) = (pin!(queue.get_async()), pin!(queue.put_async(2)));
        assert!(get.as_mut().poll(&mut context).is_pending());
        queue.put(1).unwrap();
        assert!(put.as_mut().poll(&mut context).is_pending());
        let mut join = pin!(queue.join_async());
        assert!(join.as_mut().poll(&mut context).is_pending());
        assert_eq!(get.as_mut().poll(&mut context), Poll::Ready(Ok(1)));
        assert_eq!(put.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        let mut late = pin!(queue.put_async(3));
        assert!(late.as_mut().poll(&mut context).is_pending());
        queue.close();
        queue.task_done();
        drop(queue.close_now());
        assert!(join.as_mut().poll(&mut context).is_ready());
        assert_eq!(late.as_mut().poll(&mut context), Poll::Ready(Err(PutError(3))));
        assert_eq!(woken.load(SeqCst), 4);
    });
}

fn panicking() -> Waker {
    Waker::from(Arc::new(Calls(|| panic!("this waker wakes nobody"))))
}

/// So many that they are woken in several batches.
const MANY: usize = 100;

#[test]
fn a_waker_that_panics_keeps_nobody_asleep() {
    in_run(|| {
        let ends: [fn(&Queue<i32>); 3] = [Queue::close, |queue| drop(queue.close_now()), Queue::task_done];
        for ends in ends {
            let queue = Arc::new(full([0]));
            let (mut put, mut join) = (pin!(queue.put_async(1)), pin!(queue.join_async()));
            let waker = panicking();
            let mut context = Context::from_waker(&waker);
            assert!(put.as_mut().poll(&mut context).is_pending());
            assert!(join.as_mut().poll(&mut context).is_pending());
            let parked: Vec<_> = (0..MANY)
                .map(|i| {
                    let queue = Arc::clone(&queue);
                    let waits = spawn(move || {
                        if i % 2 == 0 {
                            queue.join()
                        } else {
                            queue.put(2).unwrap_err();
                        }
                    });
                    until_parked(&waits);
                    waits
                })
                .collect();
            assert!(catch_unwind(AssertUnwindSafe(|| ends(&queue))).is_err());
            // The others of the two lines.
            let _ = catch_unwind(AssertUnwindSafe(|| queue.close_now()));
            let _ = catch_unwind(AssertUnwindSafe(|| queue.task_done()));
            parked.into_iter().for_each(|parked| parked.join().unwrap());
        }
    });
}

#[test]
fn a_waker_that_panics_loses_no_call() {
    in_run(|| {
        // A get and a put are called at once: by a put whose place is taken by the next.
        let queue = Arc::new(Queue::new(Some(2)));
        let (waker, mut get) = (panicking(), Box::pin(queue.get_async()));
        assert!(get.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let message = message_of_panic(|| queue.put(1));
        assert_eq!(message, "this waker wakes nobody");
        let theirs = Arc::clone(&queue);
        let next = spawn(move || theirs.get());
        until_parked(&next);
        drop(get); // its promise goes on
        assert_eq!(next.join().unwrap(), Ok(1));
        assert!(queue.is_empty());
    });
}

#[test]
fn to_wait_allocates_nothing() {
    let queue = full([0]);
    let during = |f: &dyn Fn()| {
        let before = ALLOCATIONS.get();
        f();
        ALLOCATIONS.get() - before
    };
    let waits = || {
        let (mut put, mut join) = (pin!(queue.put_async(1)), pin!(queue.join_async()));
        assert!(poll(put.as_mut()).is_pending() && poll(join.as_mut()).is_pending());
        queue.get().unwrap();
        queue.task_done();
        assert!(poll(put.as_mut()).is_ready() && poll(join.as_mut()).is_ready());
    };
    waits();
    assert_eq!(during(&waits), 0);
}

#[test]
fn a_green_thread_that_is_cancelled_polls_without_harm() {
    in_run(|| {
        let queue = Arc::new(Queue::new(None));
        let theirs = Arc::clone(&queue);
        let polls = spawn(move || {
            let mut get = Box::pin(theirs.get_async());
            assert!(poll(get.as_mut()).is_pending());
            sward::catch_cancel(sward::thread::park).unwrap_err();
            // It is called by now; the cancel has been taken, and another is there.
            sward::shield(sward::yield_now);
            poll(get.as_mut())
        });
        until_parked(&polls);
        polls.cancel();
        queue.put(1).unwrap();
        assert_eq!(polls.join().unwrap(), Poll::Ready(Ok(1)));

        // One that unwinds drops its future, and may not park then.
        let theirs = Arc::clone(&queue);
        let dropped = spawn(move || block_on_green(theirs.get_async()));
        until_parked(&dropped);
        dropped.cancel();
        queue.put(2).unwrap();
        let got = dropped.join();
        let next = queue.try_get();
        assert!(matches!((got, next), (Ok(Ok(2)), Err(_)) | (Err(_), Ok(2))));
    });
}

/// A priority queue whose order parks: who polls meanwhile finds the lock taken.
#[derive(PartialEq, Eq)]
struct Slow(i32);

impl PartialOrd for Slow {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Slow {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        sward::yield_now();
        self.0.cmp(&other.0)
    }
}

#[test]
fn a_poll_waits_for_the_lock_also_when_it_is_cancelled() {
    in_run(|| {
        let queue = Arc::new(PriorityQueue::new(None));
        queue.put(Slow(2)).unwrap();
        let theirs = Arc::clone(&queue);
        let puts = spawn(move || theirs.put(Slow(1)).unwrap());
        let theirs = Arc::clone(&queue);
        let polls = spawn(move || match poll(pin!(theirs.get_async())) {
            Poll::Ready(got) => got.unwrap().0,
            Poll::Pending => panic!("there is one"),
        });
        sward::yield_now(); // the one is in its order, and the other waits for it
        polls.cancel();
        puts.join().unwrap();
        assert_eq!(polls.join().unwrap(), 1);
    });
}

/// Gets until it is closed, by futures of which every third is dropped, in line or with its promise.
async fn get_all(queue: &Queue<usize>, got: &AtomicUsize) {
    for round in 0.. {
        if round % 3 == 0 {
            let mut dropped = Box::pin(queue.get_async());
            match poll(dropped.as_mut()) {
                Poll::Ready(Ok(item)) => {
                    got.fetch_add(item, SeqCst);
                    queue.task_done();
                }
                Poll::Ready(Err(_)) => return,
                Poll::Pending => {}
            }
        }
        let Ok(item) = queue.get_async().await else { return };
        got.fetch_add(item, SeqCst);
        queue.task_done();
    }
}

#[test]
fn many_of_all_kinds_lose_nothing() {
    watched(|| {
        for maxsize in [None, Some(1), Some(3)] {
            let (runtime, queue) = (runtime(2), Arc::new(Queue::new(maxsize)));
            let got = Arc::new(AtomicUsize::new(0));
            let getting: Vec<_> = (0..9)
                .map(|i| {
                    let (queue, got) = (Arc::clone(&queue), Arc::clone(&got));
                    let green = move || match i % 3 {
                        0 => block_on_green(get_all(&queue, &got)),
                        1 => block_on(get_all(&queue, &got)),
                        _ => queue.iter().for_each(|item| {
                            got.fetch_add(item, SeqCst);
                            queue.task_done();
                        }),
                    };
                    if i % 3 == 1 { Err(os::spawn(green)) } else { Ok(runtime.spawn(green)) }
                })
                .collect();
            let putting: Vec<_> = (0..4)
                .map(|i| {
                    let queue = Arc::clone(&queue);
                    let put = async move {
                        for item in 1..=100 {
                            queue.put_async(item).await.unwrap();
                            // Dropped, in line or with its place; or it was put and is taken into account.
                            let mut nothing = Box::pin(queue.put_async(0));
                            let _ = poll(nothing.as_mut());
                        }
                    };
                    if i % 2 == 0 {
                        Err(os::spawn(|| block_on(put)))
                    } else {
                        Ok(runtime.spawn(|| block_on_green(put)))
                    }
                })
                .collect();
            let join = |handle| match handle {
                Ok(green) => sward::JoinHandle::join(green).unwrap(),
                Err(os) => os::JoinHandle::join(os).unwrap(),
            };
            putting.into_iter().for_each(join);
            block_on(queue.join_async());
            assert_eq!(got.load(SeqCst), 4 * 5050);
            queue.close();
            getting.into_iter().for_each(join);
            assert!(queue.close_now().is_empty());
        }
    });
}

#[test]
fn a_barrier_is_met_by_futures_and_threads_and_not_by_those_that_are_dropped() {
    in_run(|| {
        let barrier = Arc::new(Barrier::new(3));
        let mut first = waiting(barrier.wait_async());
        drop(waiting(barrier.wait_async()));
        let theirs = Arc::clone(&barrier);
        let second = spawn(move || theirs.wait().is_leader());
        until_parked(&second);
        let Poll::Ready(last) = poll(pin!(barrier.wait_async())) else { panic!("all have come") };
        let Poll::Ready(followed) = poll(first.as_mut()) else { panic!("it has opened") };
        assert_eq!((last.is_leader(), followed.is_leader(), second.join().unwrap()), (true, false, false));
        // One that has passed has passed, if it is dropped now.
        let passed = [waiting(barrier.wait_async()), waiting(barrier.wait_async())];
        barrier.wait();
        drop(passed);
        let mut again = waiting(barrier.wait_async());
        assert!(poll(again.as_mut()).is_pending());
    });
}

#[test]
fn a_wait_group_is_awaited() {
    let (group, party) = (WaitGroup::new(), WaitGroup::new());
    assert!(poll(pin!(party.wait_async())).is_ready(), "it was alone");
    let (party, other) = (group.clone(), group.clone());
    drop(other.wait_async()); // gone, though never polled
    let mut waits = waiting(group.wait_async());
    let theirs = os::spawn(move || block_on(party.wait_async()));
    theirs.join().unwrap();
    assert!(poll(waits.as_mut()).is_ready());
}

#[test]
fn the_futures_can_be_sent() {
    fn is_send<T: Send>(_: T) {}
    let queue = Queue::new(None);
    is_send(queue.put_async(Cell::new(1)));
    is_send(queue.get_async());
    is_send(queue.join_async());
    let (lifo, priority) = (LifoQueue::<Cell<i32>>::new(None), PriorityQueue::<i32>::new(None));
    is_send((lifo.put_async(Cell::new(1)), lifo.get_async(), lifo.join_async()));
    is_send((priority.put_async(1), priority.get_async(), priority.join_async()));
    is_send((Barrier::new(1).wait_async(), WaitGroup::new().wait_async()));
}
