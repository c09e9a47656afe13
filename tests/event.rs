//! `sward::event::Event`: a flag that many wait for.

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use support::{HOUR, Rng, SECOND, in_run, in_virtual_time, number, runtime, until_parked, watched, within};
use sward::{event::Event, shield, sleep, spawn, time::Instant, timeout, yield_now};

/// Counts wake-ups.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn new() -> Arc<Event> {
    Arc::new(Event::new())
}

fn spawn_waiter(event: &Arc<Event>) -> sward::JoinHandle<()> {
    let event = Arc::clone(event);
    let waiter = spawn(move || event.wait());
    until_parked(&waiter);
    waiter
}

#[test]
fn who_waits_passes_when_it_is_set_and_later_ones_at_once() {
    in_run(|| {
        let event = new();
        assert!(!event.is_set());
        let waiter = spawn_waiter(&event);
        event.set();
        waiter.join().unwrap();
        event.wait();
        event.set();
        assert!(event.is_set() && event.wait_timeout(Duration::ZERO));
        event.clear();
        event.clear();
        assert!(!event.is_set() && !event.wait_timeout(Duration::ZERO));
    });
}

#[test]
fn all_that_wait_pass_in_order_although_it_is_cleared_before_they_run() {
    in_run(|| {
        let (event, order) = (new(), Arc::new(Mutex::new(Vec::new())));
        let waiters: Vec<_> = (0..100)
            .map(|i| {
                let (event, order) = (Arc::clone(&event), Arc::clone(&order));
                spawn(move || {
                    event.wait();
                    order.lock().unwrap().push(i);
                })
            })
            .collect();
        yield_now();
        event.set();
        event.clear();
        sward::join_all(waiters).into_iter().for_each(Result::unwrap);
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
        assert!(!event.is_set());
    });
}

#[test]
fn who_begins_to_wait_after_a_clear_is_not_woken_by_the_set_before() {
    in_run(|| {
        let event = new();
        let old = spawn_waiter(&event);
        event.set();
        event.clear();
        let theirs = Arc::clone(&event);
        let new = spawn(move || theirs.wait());
        old.join().unwrap();
        until_parked(&new);
        event.set();
        new.join().unwrap();
    });
}

#[test]
fn green_threads_of_two_workers_and_os_threads_wait_for_each_other() {
    watched(|| {
        let runtime = runtime(2);
        let (ping, pong) = (new(), new());
        let players: Vec<_> = (0..4)
            .map(|_| {
                let (ping, pong) = (Arc::clone(&ping), Arc::clone(&pong));
                runtime.spawn(move || {
                    ping.wait();
                    pong.set();
                })
            })
            .collect();
        let os: Vec<_> = (0..2)
            .map(|_| {
                let pong = Arc::clone(&pong);
                std::thread::spawn(move || pong.wait())
            })
            .collect();
        ping.set();
        pong.wait();
        players.into_iter().for_each(|player| player.join().unwrap());
        os.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_timeout_ends_a_wait_and_leaves_the_others_in_line() {
    in_virtual_time(|| {
        let (event, start) = (new(), Instant::now());
        let other = spawn_waiter(&event);
        assert!(!event.wait_timeout(SECOND));
        assert_eq!(start.elapsed(), SECOND);
        assert!(timeout(SECOND, || event.wait()).is_err());
        event.set();
        other.join().unwrap();
        assert!(event.wait_timeout(Duration::MAX));
    });
}

#[test]
fn a_set_that_meets_the_timeout_counts() {
    in_virtual_time(|| {
        let event = new();
        let theirs = Arc::clone(&event);
        // Its timer comes first of the two that are due at one moment.
        let setter = spawn(move || {
            sleep(SECOND);
            theirs.set();
        });
        until_parked(&setter);
        let theirs = Arc::clone(&event);
        let waiter = spawn(move || theirs.wait_timeout(SECOND));
        let passed = waiter.join().unwrap();
        setter.join().unwrap();
        assert!(passed || event.is_set());
        assert!(event.wait_timeout(Duration::ZERO));
    });
}

#[test]
fn a_cancelled_waiter_leaves_and_the_others_pass() {
    in_run(|| {
        let event = new();
        let waiters = [(); 3].map(|()| spawn_waiter(&event));
        waiters[1].cancel();
        yield_now();
        event.set();
        let cancelled = waiters.map(|waiter| waiter.join().is_err_and(|error| error.is_cancelled()));
        assert_eq!(cancelled, [false, true, false]);
    });
}

#[test]
fn a_cancel_that_meets_the_set_comes_too_late() {
    in_run(|| {
        for cancel_first in [false, true] {
            let (event, passed) = (new(), Arc::new(AtomicBool::new(false)));
            let (theirs, says) = (Arc::clone(&event), Arc::clone(&passed));
            let waiter = spawn(move || {
                theirs.wait();
                says.store(true, SeqCst);
                yield_now(); // no park: it may go on
                sleep(HOUR);
            });
            until_parked(&waiter);
            if cancel_first {
                waiter.cancel();
            }
            event.set();
            waiter.cancel();
            assert!(waiter.join().unwrap_err().is_cancelled());
            assert!(passed.load(SeqCst), "it was granted before it could leave");
        }
    });
}

#[test]
fn a_shielded_waiter_waits_on() {
    in_run(|| {
        let (event, passed) = (new(), Arc::new(AtomicBool::new(false)));
        let (theirs, says) = (Arc::clone(&event), Arc::clone(&passed));
        let waiter = spawn(move || {
            shield(|| {
                theirs.wait();
                says.store(true, SeqCst);
            });
        });
        until_parked(&waiter);
        waiter.cancel();
        yield_now();
        event.set();
        assert!(waiter.join().unwrap_err().is_cancelled());
        assert!(passed.load(SeqCst));
    });
}

#[test]
fn a_future_waits_in_line_and_leaves_it_when_dropped() {
    watched(|| {
        let (event, bell) = (Event::new(), Arc::new(Bell::default()));
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        let mut first = pin!(event.wait_async());
        let mut second = Box::pin(event.wait_async());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(second);
        event.set();
        event.clear();
        assert_eq!(bell.0.load(SeqCst), 1);
        assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(()));
        let mut never_polled_in_line = pin!(event.wait_async());
        event.set();
        assert!(never_polled_in_line.as_mut().poll(&mut context).is_ready());
    });
}

#[test]
fn a_set_wakes_a_million_in_linear_time() {
    within(Duration::from_secs(50), || {
        let (event, bell) = (Event::new(), Arc::new(Bell::default()));
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        let mut futures: Vec<_> = (0..1_000_000).map(|_| Box::pin(event.wait_async())).collect();
        assert!(futures.iter_mut().all(|future| future.as_mut().poll(&mut context).is_pending()));
        event.set();
        assert_eq!(bell.0.load(SeqCst), 1_000_000);
        event.clear();
        assert!(futures.iter_mut().all(|future| future.as_mut().poll(&mut context).is_ready()));
    });
}

#[test]
fn sets_and_clears_at_random_agree_with_a_model() {
    let seed = number("SWARD_RANDOM_SEED").unwrap_or(1);
    for seed in seed..seed + 20 {
        println!("SWARD_RANDOM_SEED={seed}");
        in_virtual_time(move || random(seed));
    }
}

/// One worker, first in first out: what each wait ends with is known beforehand.
fn random(seed: u64) {
    let mut rng = Rng(seed);
    let event = new();
    let mut is_set = false;
    // Those in line, with the cancelled among them.
    let mut line: Vec<sward::JoinHandle<bool>> = Vec::new();
    for _ in 0..500 {
        match rng.below(8) {
            0 => {
                event.set();
                is_set = true;
                for waiter in line.drain(..) {
                    assert!(waiter.join().unwrap());
                }
            }
            1 | 2 => {
                event.clear();
                is_set = false;
            }
            3 if !line.is_empty() => {
                let gone = line.remove(rng.below(line.len()));
                gone.cancel();
                assert!(gone.join().unwrap_err().is_cancelled());
            }
            4 => assert_eq!(event.wait_timeout(SECOND), is_set),
            _ => {
                let theirs = Arc::clone(&event);
                let waiter = spawn(move || theirs.wait_timeout(HOUR * 1000));
                yield_now();
                if is_set { assert!(waiter.join().unwrap()) } else { line.push(waiter) }
            }
        }
        assert_eq!(event.is_set(), is_set);
        assert!(line.iter().all(|waiter| !waiter.is_finished()));
    }
    event.set();
    assert!(line.into_iter().all(|waiter| waiter.join().unwrap()));
}

/// Counts its wake-ups, and unwinds from each.
#[derive(Default)]
struct BrokenBell(Bell);

impl Wake for BrokenBell {
    fn wake(self: Arc<Self>) {
        self.0.0.fetch_add(1, SeqCst);
        panic!("a waker that panics");
    }
}

#[test]
fn wakers_that_panic_keep_nobody_asleep() {
    in_run(|| {
        let (event, bell) = (new(), Arc::<BrokenBell>::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        // More than are woken under one hold of the lock, and panics in every part of the line.
        let line: Vec<_> = (0..4)
            .map(|_| {
                let mut future = Box::pin(event.wait_async());
                assert!(future.as_mut().poll(&mut context).is_pending());
                (future, [(); 30].map(|()| spawn_waiter(&event)))
            })
            .collect();
        let panicked = catch_unwind(AssertUnwindSafe(|| event.set())).unwrap_err();
        assert_eq!(panicked.downcast_ref(), Some(&"a waker that panics"), "the first of them");
        assert!(event.is_set() && bell.0.0.load(SeqCst) == 4);
        event.clear();
        for (mut future, waiters) in line {
            assert!(future.as_mut().poll(&mut context).is_ready());
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        }
        event.set();
        assert!(event.is_set());
    });
}

#[test]
fn it_is_shown_and_may_be_used_where_a_panic_is_caught() {
    fn all<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe + Default>() {}
    all::<Event>();
    assert_eq!(format!("{:?}", Event::default()), "Event { is_set: false, .. }");
}
