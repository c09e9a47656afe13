//! `sward::sync::Notify`: a permit for one, or a call to all that wait.

mod support;

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Waker},
    time::Duration,
};

use support::{HOUR, Rng, SECOND, in_run, in_virtual_time, number, runtime, until_parked, watched};
use sward::{shield, sleep, spawn, sync::Notify, time::Instant, timeout, yield_now};

fn new() -> Arc<Notify> {
    Arc::new(Notify::new())
}

fn spawn_waiter(notify: &Arc<Notify>) -> sward::JoinHandle<()> {
    let notify = Arc::clone(notify);
    let waiter = spawn(move || notify.wait());
    until_parked(&waiter);
    waiter
}

fn takes_a_permit(notify: &Notify) -> bool {
    notify.wait_timeout(Duration::ZERO)
}

#[test]
fn one_permit_is_kept_and_no_more() {
    in_run(|| {
        let notify = new();
        assert!(!takes_a_permit(&notify));
        notify.notify_one();
        notify.notify_one();
        notify.wait();
        assert!(!takes_a_permit(&notify));
        notify.notify_waiters();
        assert!(!takes_a_permit(&notify), "a call leaves none");
        notify.notify_one();
        notify.notify_waiters();
        assert!(takes_a_permit(&notify), "nor does it take one");
    });
}

#[test]
fn who_waits_is_notified_first_come_first_served() {
    in_run(|| {
        let (notify, order) = (new(), Arc::new(Mutex::new(Vec::new())));
        let waiters: Vec<_> = (0..50)
            .map(|i| {
                let (notify, order) = (Arc::clone(&notify), Arc::clone(&order));
                spawn(move || {
                    notify.wait();
                    order.lock().unwrap().push(i);
                })
            })
            .collect();
        yield_now();
        for i in 0..10 {
            notify.notify_one();
            yield_now();
            assert_eq!(order.lock().unwrap().len(), i + 1);
        }
        notify.notify_waiters();
        sward::join_all(waiters).into_iter().for_each(Result::unwrap);
        assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
        assert!(!takes_a_permit(&notify));
    });
}

#[test]
fn nobody_passes_by_one_that_was_notified_and_has_not_run_yet() {
    in_run(|| {
        let notify = new();
        let waiter = spawn_waiter(&notify);
        notify.notify_one();
        assert!(!takes_a_permit(&notify), "it is the waiter's");
        waiter.join().unwrap();
    });
}

#[test]
fn two_workers_and_os_threads_lose_no_notification() {
    const EACH: usize = 300;
    watched(|| {
        let runtime = runtime(2);
        let (notify, tickets) = (new(), Arc::new(AtomicUsize::new(0)));
        // A waiter takes a ticket for each look; notifications that merge are covered by the look.
        let take_all = |notify: Arc<Notify>, tickets: Arc<AtomicUsize>| {
            move || {
                let mut taken = 0;
                while taken < EACH {
                    match tickets.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)) {
                        Ok(left) => {
                            taken += 1;
                            // There may be more than one permit stands for.
                            if left > 1 {
                                notify.notify_one();
                            }
                        }
                        Err(_) => notify.wait(),
                    }
                }
                notify.notify_one();
            }
        };
        let green = [(); 3].map(|()| runtime.spawn(take_all(Arc::clone(&notify), Arc::clone(&tickets))));
        let os = std::thread::spawn(take_all(Arc::clone(&notify), Arc::clone(&tickets)));
        for i in 0..4 * EACH {
            tickets.fetch_add(1, SeqCst);
            notify.notify_one();
            if i % 7 == 0 {
                std::thread::yield_now();
            }
        }
        green.into_iter().for_each(|waiter| waiter.join().unwrap());
        os.join().unwrap();
        assert_eq!(tickets.load(SeqCst), 0);
    });
}

#[test]
fn a_timeout_ends_a_wait_and_the_next_in_line_is_notified() {
    in_virtual_time(|| {
        let (notify, start) = (new(), Instant::now());
        assert!(!notify.wait_timeout(SECOND));
        assert!(timeout(SECOND, || notify.wait()).is_err());
        assert_eq!(start.elapsed(), SECOND * 2);
        let theirs = Arc::clone(&notify);
        let first = spawn(move || theirs.wait_timeout(SECOND));
        let second = spawn_waiter(&notify);
        assert!(!first.join().unwrap());
        notify.notify_one();
        second.join().unwrap();
    });
}

#[test]
fn a_notification_that_meets_the_timeout_is_the_waiters_or_is_left() {
    in_virtual_time(|| {
        for notifier_first in [false, true] {
            let notify = new();
            let theirs = Arc::clone(&notify);
            let wait = move || theirs.wait_timeout(SECOND);
            let theirs = Arc::clone(&notify);
            let tell = move || {
                sleep(SECOND);
                theirs.notify_one();
            };
            let (waiter, notifier) = if notifier_first {
                let notifier = spawn(tell);
                (spawn(wait), notifier)
            } else {
                (spawn(wait), spawn(tell))
            };
            let notified = waiter.join().unwrap();
            notifier.join().unwrap();
            assert_eq!(takes_a_permit(&notify), !notified);
        }
    });
}

#[test]
fn a_cancelled_waiter_leaves_its_place_to_the_next() {
    in_run(|| {
        let notify = new();
        let (first, second) = (spawn_waiter(&notify), spawn_waiter(&notify));
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        notify.notify_one();
        second.join().unwrap();
        assert!(!takes_a_permit(&notify));
    });
}

#[test]
fn a_waiter_that_is_notified_and_cancelled_at_once_is_done() {
    in_run(|| {
        for cancel_first in [false, true] {
            let notify = new();
            let (first, second) = (spawn_waiter(&notify), spawn_waiter(&notify));
            if cancel_first {
                first.cancel();
            }
            notify.notify_one();
            first.cancel();
            first.join().expect("it returned from its wait, and met no park after it");
            assert!(!second.is_finished());
            notify.notify_one();
            second.join().unwrap();
        }
    });
}

#[test]
fn a_shielded_waiter_waits_on() {
    in_run(|| {
        let notify = new();
        let theirs = Arc::clone(&notify);
        let waiter = spawn(move || shield(|| theirs.wait()));
        until_parked(&waiter);
        waiter.cancel();
        yield_now();
        notify.notify_one();
        assert!(waiter.join().unwrap_err().is_cancelled());
        assert!(!takes_a_permit(&notify), "it had the notification");
    });
}

#[test]
fn a_dropped_future_passes_a_notification_on() {
    in_run(|| {
        let notify = new();
        let mut context = Context::from_waker(Waker::noop());
        let mut future = Box::pin(notify.notified());
        assert!(future.as_mut().poll(&mut context).is_pending());
        let second = spawn_waiter(&notify);
        notify.notify_one();
        drop(future);
        second.join().unwrap();
        // With nobody in line it becomes a permit; one of a call does not.
        let mut future = Box::pin(notify.notified());
        assert!(future.as_mut().poll(&mut context).is_pending());
        notify.notify_one();
        drop(future);
        assert!(takes_a_permit(&notify));
        let mut future = Box::pin(notify.notified());
        assert!(future.as_mut().poll(&mut context).is_pending());
        notify.notify_waiters();
        drop(future);
        assert!(!takes_a_permit(&notify));
    });
}

#[test]
fn a_future_hears_a_call_from_when_it_was_made() {
    watched(|| {
        let notify = Notify::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut early = pin!(notify.notified());
        notify.notify_waiters();
        let mut late = pin!(notify.notified());
        assert!(early.as_mut().poll(&mut context).is_ready());
        assert!(late.as_mut().poll(&mut context).is_pending());
        notify.notify_one();
        assert!(late.as_mut().poll(&mut context).is_ready());
    });
}

#[test]
fn notifications_at_random_agree_with_a_model() {
    let seed = number("SWARD_RANDOM_SEED").unwrap_or(1);
    for seed in seed..seed + 20 {
        println!("SWARD_RANDOM_SEED={seed}");
        in_virtual_time(move || random(seed));
    }
}

/// One worker, first in first out: who is notified is known beforehand.
fn random(seed: u64) {
    let mut rng = Rng(seed);
    let notify = new();
    let mut permit = false;
    let mut line: Vec<sward::JoinHandle<bool>> = Vec::new();
    for _ in 0..500 {
        match rng.below(8) {
            0 | 1 => {
                notify.notify_one();
                if line.is_empty() { permit = true } else { assert!(line.remove(0).join().unwrap()) }
            }
            2 => {
                notify.notify_waiters();
                assert!(line.drain(..).all(|waiter| waiter.join().unwrap()));
            }
            3 if !line.is_empty() => {
                let gone = line.remove(rng.below(line.len()));
                gone.cancel();
                assert!(gone.join().unwrap_err().is_cancelled());
            }
            4 if line.is_empty() => {
                assert_eq!(notify.wait_timeout(SECOND), std::mem::take(&mut permit));
            }
            _ => {
                let theirs = Arc::clone(&notify);
                let waiter = spawn(move || theirs.wait_timeout(HOUR * 1000));
                yield_now();
                if std::mem::take(&mut permit) { assert!(waiter.join().unwrap()) } else { line.push(waiter) }
            }
        }
        assert!(line.iter().all(|waiter| !waiter.is_finished()));
    }
    notify.notify_waiters();
    assert!(line.into_iter().all(|waiter| waiter.join().unwrap()));
    assert_eq!(takes_a_permit(&notify), permit);
}

#[test]
fn it_is_shown_and_may_be_used_where_a_panic_is_caught() {
    fn all<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe + Default>() {}
    all::<Notify>();
    assert_eq!(format!("{:?}", Notify::default()), "Notify { .. }");
}
