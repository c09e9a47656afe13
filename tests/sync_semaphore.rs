//! `sward::sync::Semaphore`: permits between green threads, workers, OS threads and futures.

mod support;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use support::{SECOND, in_run, in_virtual_time, message_of_panic, runtime, until_parked, watched};
use sward::{
    JoinHandle, sleep, spawn,
    sync::{Arc, OwnedPermit, Permit, Semaphore, TryAcquireError},
    thread,
    time::Instant,
    timeout, yield_now,
};

/// One that acquires so many permits, notes its name, and gives them back.
fn waiter(
    semaphore: &Arc<Semaphore>,
    n: usize,
    order: &Arc<Mutex<Vec<usize>>>,
    name: usize,
) -> JoinHandle<()> {
    let (semaphore, order) = (Arc::clone(semaphore), Arc::clone(order));
    spawn(move || {
        let _permit = semaphore.acquire_many(n);
        order.lock().unwrap().push(name);
    })
}

/// One that waits for a permit and keeps it for good.
fn parked_waiter(semaphore: &Arc<Semaphore>) -> JoinHandle<OwnedPermit> {
    let theirs = Arc::clone(semaphore);
    let waits = spawn(move || theirs.acquire_owned());
    until_parked(&waits);
    waits
}

/// Enters and leaves many times, and finds no more inside than there are permits.
fn visit_often(semaphore: &Semaphore, inside: &AtomicUsize, size: usize, pause: fn()) {
    for n in (1..=size).cycle().take(200) {
        let _permit = semaphore.acquire_many(n);
        assert!(inside.fetch_add(n, SeqCst) + n <= size);
        pause();
        inside.fetch_sub(n, SeqCst);
    }
}

#[test]
fn permits_are_taken_and_come_back_with_the_drop() {
    static SEMAPHORE: Semaphore = Semaphore::new(3);
    let two = SEMAPHORE.acquire_many(2);
    let one = SEMAPHORE.try_acquire().unwrap();
    assert_eq!((two.num_permits(), one.num_permits(), SEMAPHORE.available_permits()), (2, 1, 0));
    let refused: TryAcquireError = SEMAPHORE.try_acquire().unwrap_err();
    assert_eq!(refused.to_string(), "no permits are available");
    drop(two);
    assert_eq!(SEMAPHORE.available_permits(), 2);
    assert!(SEMAPHORE.try_acquire_many(3).is_err() && SEMAPHORE.try_acquire_many(2).is_ok());
    drop(one);
    assert_eq!(SEMAPHORE.available_permits(), 3);
    assert_eq!(format!("{SEMAPHORE:?}"), "Semaphore { permits: 3, .. }");
}

#[test]
fn no_more_than_the_permits_are_out_between_green_threads_of_one_worker() {
    in_run(|| {
        let (semaphore, inside) = (Arc::new(Semaphore::new(3)), Arc::new(AtomicUsize::new(0)));
        let all = (0..10).map(|_| {
            let (semaphore, inside) = (Arc::clone(&semaphore), Arc::clone(&inside));
            spawn(move || visit_often(&semaphore, &inside, 3, yield_now))
        });
        sward::join_all(all.collect::<Vec<_>>()).into_iter().for_each(Result::unwrap);
        assert_eq!(semaphore.available_permits(), 3);
    });
}

#[test]
fn no_more_than_the_permits_are_out_between_workers_and_os_threads() {
    watched(|| {
        let (semaphore, inside) = (Arc::new(Semaphore::new(3)), Arc::new(AtomicUsize::new(0)));
        let runtime = runtime(2);
        let visitor = |pause: fn()| {
            let (semaphore, inside) = (Arc::clone(&semaphore), Arc::clone(&inside));
            move || visit_often(&semaphore, &inside, 3, pause)
        };
        let green: Vec<_> = (0..6).map(|_| runtime.spawn(visitor(yield_now))).collect();
        let os: Vec<_> = (0..3).map(|_| std::thread::spawn(visitor(std::thread::yield_now))).collect();
        green.into_iter().for_each(|one| one.join().unwrap());
        os.into_iter().for_each(|one| one.join().unwrap());
        assert_eq!(semaphore.available_permits(), 3);
    });
}

#[test]
fn who_came_first_is_served_first() {
    in_run(|| {
        let (semaphore, order) = (Arc::new(Semaphore::new(0)), Arc::default());
        let all: Vec<_> = (0..10).map(|i| waiter(&semaphore, 1, &order, i)).collect();
        all.iter().for_each(until_parked);
        semaphore.add_permits(1);
        sward::join_all(all).into_iter().for_each(Result::unwrap);
        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn one_who_wants_many_is_not_overtaken() {
    in_run(|| {
        let (semaphore, order) = (Arc::new(Semaphore::new(3)), Arc::default());
        let held = semaphore.acquire();
        let all = [(3, 0), (1, 1), (2, 2)].map(|(n, name)| waiter(&semaphore, n, &order, name));
        all.iter().for_each(until_parked);
        assert_eq!(semaphore.available_permits(), 2);
        assert!(semaphore.try_acquire().is_err(), "others are in line");
        assert!(semaphore.try_acquire_owned().is_err());
        drop(held);
        assert!(semaphore.try_acquire().is_err(), "the permits are handed over");
        all.into_iter().for_each(|one| one.join().unwrap());
        assert_eq!((order.lock().unwrap().as_slice(), semaphore.available_permits()), (&[0, 1, 2][..], 3));
    });
}

#[test]
fn no_permits_at_all_are_had_at_once_whoever_is_in_line() {
    in_run(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let waits = parked_waiter(&semaphore);
        assert_eq!(semaphore.acquire_many(0).num_permits(), 0);
        assert!(semaphore.try_acquire_many(0).is_ok());
        semaphore.add_permits(1);
        drop(waits.join());
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn a_hundred_waiters_go_on_after_one_add() {
    in_run(|| {
        let (semaphore, order) = (Arc::new(Semaphore::new(0)), Arc::default());
        let all: Vec<_> = (0..100).map(|i| waiter(&semaphore, 3, &order, i)).collect();
        all.iter().for_each(until_parked);
        semaphore.add_permits(300);
        yield_now();
        assert_eq!(order.lock().unwrap().len(), 100);
        drop(sward::join_all(all));
        assert_eq!(semaphore.available_permits(), 300);
    });
}

#[test]
fn a_cancelled_waiter_leaves_and_those_behind_it_go_on() {
    in_run(|| {
        let (semaphore, order) = (Arc::new(Semaphore::new(2)), Arc::default());
        let held = semaphore.acquire();
        let all = [(2, 0), (1, 1)].map(|(n, name)| waiter(&semaphore, n, &order, name));
        all.iter().for_each(until_parked);
        all[0].cancel();
        let ends = all.map(JoinHandle::join);
        assert!(ends[0].as_ref().unwrap_err().is_cancelled() && ends[1].is_ok());
        drop(held);
        assert_eq!((order.lock().unwrap().as_slice(), semaphore.available_permits()), (&[1][..], 2));
    });
}

#[test]
fn one_that_is_handed_its_permit_and_then_cancelled_has_it() {
    in_run(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.acquire();
        let waits = parked_waiter(&semaphore);
        let next = parked_waiter(&semaphore);
        drop(held);
        waits.cancel();
        let permit = waits.join().expect("it does not park again");
        assert_eq!((permit.num_permits(), semaphore.available_permits(), next.is_finished()), (1, 0, false));
        drop(permit);
        drop(next.join().unwrap());
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn a_cancel_that_came_before_the_permit_wins() {
    in_run(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.acquire();
        let waits = [parked_waiter(&semaphore), parked_waiter(&semaphore)];
        waits[0].cancel();
        yield_now();
        drop(held);
        let [first, second] = waits.map(JoinHandle::join);
        assert!(first.is_err() && second.is_ok());
        drop(second);
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn a_shielded_waiter_waits_on() {
    in_run(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let theirs = Arc::clone(&semaphore);
        let waits = spawn(move || {
            sward::shield(|| {
                theirs.acquire_owned().forget();
                theirs.add_permits(10);
            });
        });
        until_parked(&waits);
        waits.cancel();
        yield_now();
        assert!(!waits.is_finished());
        semaphore.add_permits(1);
        assert!(waits.join().unwrap_err().is_cancelled(), "when the shield is gone");
        assert_eq!(semaphore.available_permits(), 10);
    });
}

#[test]
fn a_wait_ends_with_its_timeout() {
    in_virtual_time(|| {
        let (semaphore, start) = (Arc::new(Semaphore::new(1)), Instant::now());
        let held = semaphore.acquire();
        assert!(semaphore.acquire_timeout(Duration::ZERO).is_err());
        assert_eq!(start.elapsed(), Duration::ZERO);
        let error = semaphore.acquire_timeout(SECOND).unwrap_err();
        assert_eq!((start.elapsed(), error.to_string().as_str()), (SECOND, "timed out waiting for a permit"));
        assert!(semaphore.acquire_many_owned_timeout(1, SECOND).is_err());
        assert!(timeout(SECOND, || drop(semaphore.acquire())).is_err());
        assert_eq!(start.elapsed(), SECOND * 3);
        drop(held);
        assert!(semaphore.acquire_timeout(Duration::ZERO).is_ok());
        assert!(semaphore.acquire_owned_timeout(Duration::MAX).is_ok());
        assert_eq!(semaphore.available_permits(), 1);
    });
    let semaphore = Semaphore::new(0);
    assert!(semaphore.acquire_timeout(Duration::from_millis(1)).is_err(), "on an OS thread, too");
}

#[test]
fn a_timeout_that_meets_the_release_loses_no_permit() {
    for releases_first in [true, false] {
        in_virtual_time(move || {
            let semaphore = Arc::new(Semaphore::new(1));
            let release = || {
                let held = semaphore.acquire_owned();
                let handle = spawn(move || {
                    sleep(SECOND);
                    drop(held);
                });
                if releases_first {
                    until_parked(&handle);
                }
                handle
            };
            let releaser = release();
            let theirs = Arc::clone(&semaphore);
            let waits = spawn(move || theirs.acquire_timeout(SECOND).is_ok());
            if releases_first {
                assert!(waits.join().unwrap(), "it was handed the permit before it ran");
            } else {
                let _either = waits.join().unwrap();
            }
            releaser.join().unwrap();
            assert_eq!(semaphore.available_permits(), 1);
        });
    }
}

#[test]
fn a_panic_gives_the_permits_back() {
    in_run(|| {
        let semaphore = Arc::new(Semaphore::new(2));
        let theirs = Arc::clone(&semaphore);
        let panics = spawn(move || {
            let _permits = theirs.acquire_many(2);
            thread::park();
            resume_unwind(Box::new(()));
        });
        until_parked(&panics);
        let waits = parked_waiter(&semaphore);
        panics.thread().unpark();
        assert!(panics.join().map(|(): ()| ()).is_err());
        drop(waits.join().unwrap());
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn permits_are_split_merged_and_forgotten() {
    let (semaphore, other) = (Arc::new(Semaphore::new(10)), Semaphore::new(1));
    let mut four = semaphore.acquire_many(4);
    let three = four.split(3).unwrap();
    assert_eq!((four.num_permits(), three.num_permits()), (1, 3));
    assert!(four.split(2).is_none() && four.num_permits() == 1);
    drop(three);
    assert_eq!(semaphore.available_permits(), 9);
    four.merge(semaphore.acquire_many(5));
    assert_eq!((four.num_permits(), semaphore.available_permits()), (6, 4));
    assert!(message_of_panic(|| four.merge(other.acquire())).contains("two Semaphores"));
    assert_eq!(other.available_permits(), 1);
    four.split(2).unwrap().forget();
    drop(four);
    assert_eq!(semaphore.available_permits(), 8);
    let mut owned = semaphore.acquire_many_owned(8);
    assert!(Arc::ptr_eq(owned.semaphore(), &semaphore));
    let half = owned.split(4).unwrap();
    assert_eq!(format!("{half:?}"), "OwnedPermit { permits: 4, .. }");
    half.forget();
    drop(owned);
    assert_eq!((semaphore.forget_permits(1), semaphore.forget_permits(9)), (1, 3));
    assert_eq!((semaphore.forget_permits(1), semaphore.available_permits()), (0, 0));
    assert_eq!(Arc::strong_count(&semaphore), 1);
}

#[test]
fn more_than_there_can_be_is_a_panic() {
    const MAX: usize = Semaphore::MAX_PERMITS;
    let semaphore = Semaphore::new(MAX);
    for says in [
        message_of_panic(|| Semaphore::new(MAX + 1)),
        message_of_panic(|| semaphore.add_permits(1)),
        message_of_panic(|| semaphore.add_permits(usize::MAX)),
        message_of_panic(|| semaphore.acquire_many(MAX + 1)),
        message_of_panic(|| semaphore.try_acquire_many(usize::MAX).is_ok()),
    ] {
        assert!(says.contains("MAX_PERMITS"), "{says}");
    }
    assert_eq!(semaphore.acquire_many(MAX).num_permits(), MAX);
    let out = semaphore.acquire();
    semaphore.add_permits(1);
    assert!(message_of_panic(|| drop(out)).contains("MAX_PERMITS"));
}

#[test]
fn permits_may_go_to_other_threads() {
    fn goes<T: Send + Sync>() {}
    goes::<(Semaphore, Permit<'_>, OwnedPermit)>();
    watched(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.acquire_owned();
        let ends = std::thread::spawn(move || drop(permit));
        drop(semaphore.acquire());
        ends.join().unwrap();
    });
}

/// A waker that counts, or panics.
struct Bell {
    rings: AtomicUsize,
    panics: bool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rings.fetch_add(1, SeqCst);
        assert!(!self.panics, "a waker that panics");
    }
}

fn bell(panics: bool) -> (Arc<Bell>, Waker) {
    let bell = Arc::new(Bell { rings: AtomicUsize::new(0), panics });
    (Arc::clone(&bell), Waker::from(bell))
}

#[test]
fn a_future_waits_in_line_and_is_woken() {
    fn goes<T: Send>(future: T) -> T {
        future
    }
    let ((bell, waker), semaphore) = (bell(false), Semaphore::new(1));
    let mut context = Context::from_waker(&waker);
    let held = semaphore.acquire();
    let mut future = pin!(goes(semaphore.acquire_async()));
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert!(semaphore.try_acquire().is_err());
    drop(held);
    assert_eq!((bell.rings.load(SeqCst), semaphore.available_permits()), (1, 0));
    let Poll::Ready(permit) = future.poll(&mut context) else { panic!("it was granted") };
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_future_that_is_dropped_loses_nothing() {
    let ((_, waker), semaphore) = (bell(false), Semaphore::new(2));
    let mut context = Context::from_waker(&waker);
    for granted in [false, true] {
        let held = semaphore.acquire();
        let mut dropped = Box::pin(semaphore.acquire_many_async(2));
        let mut next = Box::pin(semaphore.acquire_async());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
        assert!(next.as_mut().poll(&mut context).is_pending());
        if granted {
            drop(held);
            assert_eq!(semaphore.available_permits(), 0);
            drop(dropped);
        } else {
            drop(dropped);
            drop(held);
        }
        let Poll::Ready(permit) = next.as_mut().poll(&mut context) else { panic!("the next goes on") };
        drop(permit);
        assert_eq!(semaphore.available_permits(), 2);
    }
}

#[test]
fn a_waker_that_panics_takes_no_wake_up_of_others_with_it() {
    in_run(|| {
        let ((_, waker), semaphore) = (bell(true), Arc::new(Semaphore::new(0)));
        let mut future = pin!(semaphore.acquire_async());
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let others = [(); 3].map(|()| parked_waiter(&semaphore));
        assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(4))).is_err());
        others.into_iter().for_each(|one| one.join().unwrap().forget());
    });
}
