//! Callbacks, handles of a runtime, and joins that are awaited.

mod support;

use std::{
    future::{Future, IntoFuture},
    panic,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
};

use support::{Child, Drops, HOUR, SECOND, block_on, in_virtual_time, limit, runtime, watched};
use sward::{Builder, JoinHandle, Outcome, Status, sleep, spawn, thread, yield_now};

/// What a callback saw.
type Seen = Arc<Mutex<Vec<Status>>>;

fn note(seen: &Seen) -> impl FnOnce(&Outcome) + Send + 'static {
    let seen = Arc::clone(seen);
    move |outcome| seen.lock().unwrap().push(outcome.status)
}

#[test]
fn a_callback_is_called_once_with_the_outcome_of_every_kind_of_end() {
    in_virtual_time(|| {
        let seen = Seen::default();
        let returns = Builder::new().name("fetch".into()).spawn(|| 42).unwrap();
        let (name, id) = (Arc::new(Mutex::new(None)), returns.id());
        let theirs = Arc::clone(&name);
        returns.on_done(move |outcome| *theirs.lock().unwrap() = Some((outcome.name.clone(), outcome.id)));
        let panics = spawn(|| panic::resume_unwind(Box::new(())));
        let cancelled = spawn(|| sleep(HOUR));
        let pending = spawn(|| ());
        returns.on_done(note(&seen));
        panics.on_done(note(&seen));
        cancelled.on_done(note(&seen));
        pending.on_done(note(&seen));
        pending.cancel();
        yield_now();
        cancelled.cancel();
        yield_now();
        let expected = [Status::Done, Status::Panicked, Status::Cancelled, Status::Cancelled];
        assert_eq!(*seen.lock().unwrap(), expected);
        assert_eq!(*name.lock().unwrap(), Some((Some("fetch".to_owned()), id)));
        assert_eq!(returns.join().unwrap(), 42);
        let _: Result<(), _> = panics.join();
        drop((cancelled, pending));
        yield_now();
        assert_eq!(seen.lock().unwrap().len(), 4, "once each");
    });
}

#[test]
fn a_callback_on_what_has_ended_is_called_right_here() {
    in_virtual_time(|| {
        let handle = spawn(|| 42);
        yield_now();
        let seen = Seen::default();
        handle.on_done(note(&seen));
        assert_eq!(*seen.lock().unwrap(), [Status::Done], "before `on_done` returned");
        handle.on_done(note(&seen));
        assert_eq!((seen.lock().unwrap().len(), handle.join().unwrap()), (2, 42));
    });
}

#[test]
fn many_callbacks_are_called_in_order_before_the_joiner_runs_on() {
    in_virtual_time(|| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handle = spawn(|| sleep(SECOND));
        for i in 0..1000 {
            let seen = Arc::clone(&seen);
            handle.on_done(move |_| seen.lock().unwrap().push(i));
        }
        handle.join().unwrap();
        assert!(seen.lock().unwrap().iter().copied().eq(0..1000));
    });
}

#[test]
fn a_panic_in_a_callback_is_contained_and_the_others_are_called() {
    let ended = Child::of("a_panic_in_a_callback_is_contained_and_the_others_are_called").run(|| {
        sward::run(|| {
            let called = Arc::new(AtomicUsize::new(0));
            let handle = spawn(|| 42);
            handle.on_done(|_| panic!("in the callback"));
            let theirs = Arc::clone(&called);
            handle.on_done(move |_| {
                theirs.fetch_add(1, SeqCst);
            });
            let theirs = Arc::clone(&called);
            spawn(|| ()).on_done(move |_| {
                theirs.fetch_add(1, SeqCst);
            });
            yield_now();
            handle.on_done(|_| panic!("and in one that is called at once"));
            assert_eq!((handle.status(), called.load(SeqCst)), (Status::Done, 2));
            assert_eq!(handle.join().unwrap(), 42);
            // Of one that never ran, on the scheduler.
            let pending = spawn(|| ());
            pending.on_done(|_| panic!("after a cancel"));
            pending.cancel();
            assert!(pending.join().unwrap_err().is_cancelled());
        });
    });
    ended.is_well();
    ended.says(&["in the callback", "and in one that is called at once", "after a cancel"]);
}

#[test]
fn a_callback_of_a_detached_one_is_called_too() {
    in_virtual_time(|| {
        let seen = Seen::default();
        let handle = spawn(|| sleep(SECOND));
        handle.on_done(note(&seen));
        drop(handle);
        sleep(2 * SECOND);
        assert_eq!(*seen.lock().unwrap(), [Status::Done]);
    });
}

#[test]
fn a_callback_may_spawn_cancel_and_leave_a_callback() {
    in_virtual_time(|| {
        let seen = Seen::default();
        let victim = spawn(|| sleep(HOUR));
        victim.on_done(note(&seen));
        let (canceller, theirs) = (victim.canceller(), Arc::clone(&seen));
        spawn(|| ()).on_done(move |_| {
            canceller.cancel();
            spawn(|| ()).on_done(note(&theirs));
        });
        assert!(victim.join().unwrap_err().is_cancelled());
        yield_now();
        let mut statuses = seen.lock().unwrap().clone();
        statuses.sort_by_key(|status| *status as u8);
        assert_eq!(statuses, [Status::Done, Status::Cancelled]);
    });
}

#[test]
fn a_callback_is_dropped_after_its_call_and_with_a_runtime_that_never_ran_it() {
    let drops = Drops::new();
    let theirs = drops.clone();
    in_virtual_time(move || {
        let handle = spawn(|| ());
        let guard = theirs.guard();
        handle.on_done(move |_| drop(guard));
        handle.join().unwrap();
        assert_eq!(theirs.count(), 1);
        let forever = spawn(thread::park);
        let guard = theirs.guard();
        forever.on_done(move |_| drop(guard));
    });
    assert_eq!(drops.count(), 2, "the run has cancelled it, and so called it");
}

#[test]
fn callbacks_race_with_the_end_and_are_called_once_each() {
    watched(|| {
        let runtime = runtime(1);
        for round in 0..20_000 {
            let calls = Arc::new(AtomicUsize::new(0));
            let handle = runtime.spawn(|| ());
            (0..round % 100).for_each(|_| std::hint::spin_loop());
            for _ in 0..2 {
                let theirs = Arc::clone(&calls);
                handle.on_done(move |_| {
                    theirs.fetch_add(1, SeqCst);
                });
            }
            handle.join().unwrap();
            while calls.load(SeqCst) < 2 {
                std::thread::yield_now();
            }
            assert_eq!(calls.load(SeqCst), 2);
        }
    });
}

#[test]
fn a_runtimes_handle_spawns_into_it_from_any_thread() {
    fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    watched(|| {
        let runtime = runtime(1);
        let handle = runtime.handle();
        is_shared(&handle);
        let threads: Vec<_> = (0..4_u64)
            .map(|i| {
                let handle = handle.clone();
                std::thread::spawn(move || {
                    let sums = (0..100).map(|j| handle.spawn(move || i * 100 + j));
                    sward::join_all(sums).into_iter().map(Result::unwrap).sum::<u64>()
                })
            })
            .collect();
        let sum: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, (0..400).sum());
        let worker = handle.spawn(|| std::thread::current().id()).join().unwrap();
        assert_eq!(runtime.run(|| std::thread::current().id()), worker, "it is this runtime's");
        // From one runtime into another.
        let there = sward::run({
            let handle = handle.clone();
            move || handle.spawn(|| std::thread::current().id()).join().unwrap()
        });
        assert_eq!(there, worker);
        drop(runtime);
        let late = handle.spawn(|| 1);
        let seen = Seen::default();
        late.on_done(note(&seen));
        assert_eq!(*seen.lock().unwrap(), [Status::Cancelled], "told of the end, too");
        assert!(late.join().unwrap_err().is_cancelled());
    });
}

// ---- awaited

#[test]
fn a_join_is_awaited() {
    watched(|| {
        let runtime = runtime(1);
        assert_eq!(block_on(async { runtime.spawn(|| 42).await.unwrap() }), 42);
        for _ in 0..2000 {
            let handle = runtime.spawn(yield_now);
            block_on(handle.into_future()).unwrap();
        }
        let ended = runtime.spawn(|| 1);
        while !ended.is_finished() {
            std::thread::yield_now();
        }
        assert_eq!(block_on(ended.into_future()).unwrap(), 1);
        let panics = runtime.spawn(|| panic::resume_unwind(Box::new(7)));
        assert!(block_on(panics.into_future()).unwrap_err().is::<i32>());
        let cancelled = runtime.spawn(thread::park);
        cancelled.cancel();
        assert!(block_on(cancelled.into_future()).unwrap_err().is_cancelled());
    });
}

#[test]
fn a_join_polled_by_several_wakes_the_last() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    in_virtual_time(|| {
        let wakers: [Arc<Count>; 2] = std::array::from_fn(|_| Arc::new(Count(AtomicUsize::new(0))));
        let mut join = spawn(|| 42).into_future();
        for waker in [&wakers[0], &wakers[1], &wakers[1]] {
            let waker = Waker::from(Arc::clone(waker));
            assert!(Pin::new(&mut join).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        yield_now();
        assert_eq!(wakers.each_ref().map(|waker| waker.0.load(SeqCst)), [0, 1]);
        let waker = Waker::from(Arc::clone(&wakers[0]));
        let Poll::Ready(value) = Pin::new(&mut join).poll(&mut Context::from_waker(&waker)) else { panic!() };
        assert_eq!(value.unwrap(), 42);
    });
}

#[test]
fn a_join_that_is_dropped_lets_it_run_on() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let mut join = spawn(drops.held(|| sleep(SECOND))).into_future();
        assert!(Pin::new(&mut join).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(join);
        assert_eq!(drops.count(), 0);
        sleep(2 * SECOND);
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_waker_that_polls_at_once_does_not_deadlock() {
    // An executor that runs what is woken inside `wake` itself: odd, and allowed.
    struct Inline {
        join: Mutex<Option<sward::thread::Join<i32>>>,
        result: mpsc::Sender<i32>,
        me: Weak<Inline>,
    }
    impl Inline {
        fn poll(&self) {
            let waker = Waker::from(self.me.upgrade().unwrap());
            let mut join = self.join.lock().unwrap();
            if let Poll::Ready(value) =
                Pin::new(join.as_mut().unwrap()).poll(&mut Context::from_waker(&waker))
            {
                self.result.send(value.unwrap()).unwrap();
            }
        }
    }
    impl Wake for Inline {
        fn wake(self: Arc<Self>) {
            self.poll();
        }
    }
    watched(|| {
        let runtime = runtime(1);
        let (result, value) = mpsc::channel();
        let handle: JoinHandle<i32> = runtime.spawn(|| {
            thread::park();
            42
        });
        let waiting = handle.thread().clone();
        let task = Arc::new_cyclic(|me| Inline {
            join: Mutex::new(Some(handle.into_future())),
            result,
            me: Weak::clone(me),
        });
        task.poll();
        waiting.unpark();
        let value = value.recv_timeout(limit() / 2);
        if value.is_err() {
            std::mem::forget(runtime); // its worker is stuck: a drop would wait for it
        }
        assert_eq!(value, Ok(42), "its worker waits for a lock that it holds itself");
    });
}

#[test]
fn a_waker_that_parks_when_it_is_dropped_stops_nobody() {
    struct Parks;
    impl Wake for Parks {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Parks {
        fn drop(&mut self) {
            yield_now();
        }
    }
    watched(|| {
        sward::run(|| {
            let mut join = spawn(|| 42).into_future();
            let waker = Waker::from(Arc::new(Parks));
            assert!(Pin::new(&mut join).poll(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            // The first waker goes now, and while it parks the green thread ends, and wakes the second.
            let Poll::Ready(value) = Pin::new(&mut join).poll(&mut Context::from_waker(Waker::noop())) else {
                panic!()
            };
            assert_eq!(value.unwrap(), 42);
        });
    });
}
