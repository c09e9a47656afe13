//! `shutdown`: what it waits for, and for how long.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::end::spawn_one_of_each;
use crate::support::{Drops, OsThread, runtime, watched};
use sward::{Runtime, thread};

#[test]
fn a_shutdown_of_an_idle_runtime_succeeds_at_once() {
    watched(|| {
        // Whether its workers can end in no time at all is the machine's affair.
        let _either = runtime(2).shutdown(Duration::ZERO);
        runtime(2).shutdown(Duration::from_secs(30)).unwrap();
    });
}

#[test]
fn a_shutdown_unwinds_what_parks() {
    watched(|| {
        let (runtime, drops) = (runtime(2), Drops::new());
        let spawned = runtime.run(|| spawn_one_of_each(&drops));
        runtime.shutdown(Duration::from_secs(30)).unwrap();
        assert_eq!(drops.count(), spawned);
    });
}

#[test]
fn a_shutdown_for_ever_waits_for_what_does_not_park() {
    watched(|| {
        let runtime = runtime(1);
        let (spins, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let spinner = spin(&runtime, &spins, &stop);
        let closer = OsThread::current();
        let helper = std::thread::spawn(move || {
            closer.until_idle();
            stop.store(true, SeqCst);
        });
        runtime.shutdown(Duration::MAX).unwrap();
        assert!(spinner.is_finished());
        helper.join().unwrap();
    });
}

#[test]
fn a_shutdown_that_meets_its_deadline_says_so_and_the_rest_ends_by_itself() {
    watched(|| {
        let runtime = runtime(1);
        let (spins, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let spinner = spin(&runtime, &spins, &stop);
        let error = runtime.shutdown(Duration::from_millis(5)).unwrap_err();
        assert!(error.to_string().contains("1 or more green threads"), "{error}");
        assert!(!spinner.is_finished());
        stop.store(true, SeqCst);
        spinner.join().unwrap();
    });
}

/// A green thread that runs without a park until `stop`.
fn spin(runtime: &Runtime, spins: &Arc<AtomicBool>, stop: &Arc<AtomicBool>) -> sward::JoinHandle<()> {
    let (their_spins, stop) = (Arc::clone(spins), Arc::clone(stop));
    let handle = runtime.spawn(move || {
        their_spins.store(true, SeqCst);
        while !stop.load(SeqCst) {
            std::thread::yield_now();
        }
    });
    while !spins.load(SeqCst) {
        thread::yield_now();
    }
    handle
}

#[test]
fn a_shutdown_by_an_own_green_thread_ends_at_its_deadline() {
    watched(|| {
        let runtime = runtime(1);
        let own = Arc::new(Mutex::new(None::<Runtime>));
        let theirs = Arc::clone(&own);
        let handle = runtime.spawn(move || {
            let runtime = loop {
                match theirs.lock().unwrap().take() {
                    Some(runtime) => break runtime,
                    None => thread::yield_now(),
                }
            };
            // It cannot wait for itself.
            runtime.shutdown(Duration::from_millis(5)).unwrap_err().to_string()
        });
        *own.lock().unwrap() = Some(runtime);
        let error = handle.join().unwrap();
        assert!(error.contains("1 or more green threads"), "{error}");
    });
}

#[test]
fn a_cancelled_green_thread_that_shuts_another_runtime_down_does_not_stop_its_worker() {
    watched(|| {
        let other = runtime(1);
        let (spins, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let spinner = spin(&other, &spins, &stop);
        sward::run(|| {
            let closer = sward::spawn(move || other.shutdown(Duration::MAX).is_ok());
            thread::yield_now();
            closer.cancel();
            thread::yield_now();
            // Reached while the closer still waits.
            stop.store(true, SeqCst);
            let _ = closer.join();
        });
        spinner.join().unwrap();
    });
}
