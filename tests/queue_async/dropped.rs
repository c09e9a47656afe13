//! What a future that is dropped leaves behind.

use super::*;

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
