//! `sward::sync::Barrier`: who passes, who leads, and what a cancel does to a round; and a model of it beside it.

mod support;

use std::{
    collections::VecDeque,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{Rng, for_seeds, in_run, in_virtual_time, runtime, settle, until_parked, watched};
use sward::{
    JoinHandle, Status, shield, spawn,
    sync::{Barrier, BarrierWaitResult, Mutex},
    timeout, yield_now,
};

/// One that has arrived and waits when this returns.
fn waiter(barrier: &Arc<Barrier>) -> JoinHandle<bool> {
    let theirs = Arc::clone(barrier);
    let waiter = spawn(move || theirs.wait().is_leader());
    until_parked(&waiter);
    waiter
}

/// Meets the others so often; each round all must have come before anyone passes. How often it led.
fn meet(barrier: &Barrier, arrived: &AtomicUsize, threads: usize, rounds: usize) -> usize {
    let mut led = 0;
    for round in 1..=rounds {
        arrived.fetch_add(1, SeqCst);
        led += usize::from(barrier.wait().is_leader());
        assert!(arrived.load(SeqCst) >= round * threads, "somebody has not come yet");
    }
    led
}

#[test]
fn the_last_to_arrive_leads_and_all_pass_in_order() {
    in_run(|| {
        let (barrier, order) = (Arc::new(Barrier::new(100)), Arc::new(Mutex::new(Vec::new())));
        let handles: Vec<_> = (0..99)
            .map(|i| {
                let (barrier, order) = (Arc::clone(&barrier), Arc::clone(&order));
                let handle = spawn(move || {
                    assert!(!barrier.wait().is_leader());
                    order.lock().unwrap().push(i);
                });
                until_parked(&handle);
                handle
            })
            .collect();
        assert!(barrier.wait().is_leader());
        assert!(order.lock().unwrap().is_empty(), "the leader has not parked");
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        assert_eq!(*order.lock().unwrap(), (0..99).collect::<Vec<_>>());
    });
}

#[test]
fn nobody_waits_at_a_barrier_for_one_or_none() {
    in_run(|| {
        for n in [0, 1] {
            let barrier = Barrier::new(n);
            assert!((0..3).all(|_| barrier.wait().is_leader()));
        }
    });
}

#[test]
fn a_barrier_is_used_again_and_again_by_green_threads_of_two_workers() {
    watched(|| {
        let runtime = runtime(2);
        let shared = Arc::new((Barrier::new(5), AtomicUsize::new(0)));
        let handles: Vec<_> = (0..5)
            .map(|_| {
                let shared = Arc::clone(&shared);
                runtime.spawn(move || meet(&shared.0, &shared.1, 5, 500))
            })
            .collect();
        let led: usize = handles.into_iter().map(|handle| handle.join().unwrap()).sum();
        assert_eq!(led, 500, "one leader a round");
    });
}

#[test]
fn plain_os_threads_and_green_threads_meet() {
    watched(|| {
        let shared = Arc::new((Barrier::new(4), AtomicUsize::new(0)));
        let meet = || {
            let shared = Arc::clone(&shared);
            move || meet(&shared.0, &shared.1, 4, 200)
        };
        let green = [spawn(meet()), spawn(meet())];
        let os = std::thread::spawn(meet());
        let mine = meet()();
        let green: usize = green.into_iter().map(|handle| handle.join().unwrap()).sum();
        assert_eq!(mine + green + os.join().unwrap(), 200);
    });
}

#[test]
fn a_cancelled_waiter_does_not_count() {
    in_run(|| {
        let barrier = Arc::new(Barrier::new(3));
        let (cancelled, stays) = (waiter(&barrier), waiter(&barrier));
        cancelled.cancel();
        assert!(cancelled.join().unwrap_err().is_cancelled());
        let in_its_place = waiter(&barrier);
        assert!(barrier.wait().is_leader());
        assert!(!stays.join().unwrap() && !in_its_place.join().unwrap());
    });
}

#[test]
fn who_is_cancelled_when_the_barrier_has_opened_has_passed() {
    in_run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let cancelled = waiter(&barrier);
        assert!(barrier.wait().is_leader());
        cancelled.cancel();
        // The wait returned, and there was no park after it.
        assert!(!cancelled.join().unwrap());
        let next = waiter(&barrier);
        assert!(barrier.wait().is_leader(), "the next round is complete with two");
        next.join().unwrap();
    });
}

#[test]
fn a_timeout_around_a_wait_leaves_the_barrier() {
    in_virtual_time(|| {
        let barrier = Arc::new(Barrier::new(2));
        assert!(timeout(Duration::from_secs(1), || barrier.wait()).is_err());
        let first = waiter(&barrier);
        assert_eq!(first.status(), Status::Parked);
        assert!(barrier.wait().is_leader());
        first.join().unwrap();
    });
}

#[test]
fn a_shielded_wait_counts_although_it_is_cancelled() {
    in_run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = Arc::clone(&barrier);
        let shielded = spawn(move || {
            let leads = shield(|| theirs.wait().is_leader());
            yield_now();
            leads
        });
        until_parked(&shielded);
        shielded.cancel();
        settle();
        assert_eq!(shielded.status(), Status::Parked);
        assert!(barrier.wait().is_leader());
        assert!(shielded.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn it_may_be_dropped_by_whoever_passes_last() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..200 {
            let barrier = Arc::new(Barrier::new(40));
            let handles: Vec<_> = (0..40)
                .map(|_| {
                    let barrier = Arc::clone(&barrier);
                    runtime.spawn(move || barrier.wait().is_leader())
                })
                .collect();
            drop(barrier);
            let led = handles.into_iter().map(|handle| handle.join().unwrap());
            assert_eq!(led.filter(|&leads| leads).count(), 1);
        }
    });
}

#[test]
fn it_has_the_traits_of_stds() {
    fn is<T: Send + Sync + UnwindSafe + RefUnwindSafe + Unpin>() {}
    is::<Barrier>();
    is::<BarrierWaitResult>();
    static BARRIER: Barrier = Barrier::new(1);
    assert_eq!(format!("{BARRIER:?}"), "Barrier { .. }");
    assert_eq!(format!("{:?}", BARRIER.wait()), "BarrierWaitResult { is_leader: true }");
}

/// Arrivals and cancels in an order drawn from a seed, against a count.
fn check(seed: u64) {
    let mut rng = Rng(seed);
    let needed = 1 + rng.below(70);
    let barrier = Arc::new(Barrier::new(needed));
    let mut waiting: VecDeque<JoinHandle<bool>> = VecDeque::new();
    for _ in 0..300 {
        match rng.below(4) {
            0 if !waiting.is_empty() => {
                let cancelled = waiting.remove(rng.below(waiting.len())).expect("in range");
                cancelled.cancel();
                assert!(cancelled.join().unwrap_err().is_cancelled());
            }
            _ if waiting.len() + 1 == needed => {
                assert!(barrier.wait().is_leader());
                // Some are cancelled before they run, and have passed all the same.
                waiting.iter().filter(|_| rng.below(3) == 0).for_each(JoinHandle::cancel);
                assert!(waiting.drain(..).all(|passed| !passed.join().unwrap()));
            }
            _ => waiting.push_back(waiter(&barrier)),
        }
        assert!(waiting.iter().all(|waiting| waiting.status() == Status::Parked));
    }
    waiting.iter().for_each(JoinHandle::cancel);
}

#[test]
fn random_arrivals_and_cancels_are_counted_as_in_a_model() {
    for_seeds(1, |seed| in_virtual_time(move || check(seed)));
}
