//! Queues, barriers and wait groups that are awaited: what a future that is dropped leaves behind, and who else goes on.

mod dropped;
mod ends;
mod mixed;
#[path = "../support/mod.rs"]
mod support;
mod wakers;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread as os,
};

use support::{
    Counting, Drops, allocations, block_on, in_run, message_of_panic, poll_once as poll, runtime,
    until_parked, watched,
};
use sward::{
    queue::{GetError, LifoQueue, PriorityQueue, PutError, Queue, TryGetError, TryPutError},
    spawn,
    sync::{Barrier, WaitGroup},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
