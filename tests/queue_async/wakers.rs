//! Wakers that use the queue, that panic, and what it costs to wait.

use super::*;

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
        let before = allocations();
        f();
        allocations() - before
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
