//! Closes, and the end of all tasks.

use super::*;

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
