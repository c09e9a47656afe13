//! Cancelled pollers, green threads, OS threads and tasks together; barriers and wait groups.

use std::cell::Cell;

use super::*;

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
