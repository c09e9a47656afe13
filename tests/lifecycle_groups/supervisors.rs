//! `Supervisor`: who is restarted, and when it gives up.

use std::{
    error::Error,
    panic,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::support::{Drops, HOUR, SECOND, in_virtual_time, secs, until_parked};
use sward::{
    Supervisor,
    group::{Backoff, Restart, Strategy},
    sleep, spawn, thread,
    time::Instant,
    yield_now,
};

/// Fails so many times, and notes when it began.
fn flaky(fails: usize, begins: &Arc<Mutex<Vec<Duration>>>) -> impl Fn() + Send + Sync + 'static {
    let (begins, start) = (Arc::clone(begins), Instant::now());
    move || {
        begins.lock().unwrap().push(start.elapsed());
        if begins.lock().unwrap().len() <= fails {
            panic::resume_unwind(Box::new("flaky"));
        }
    }
}

fn doubling() -> Backoff {
    Backoff { first: SECOND, factor: 2.0, longest: secs(5) }
}

#[test]
fn a_supervisor_restarts_with_exponential_backoff() {
    in_virtual_time(|| {
        let begins = Arc::default();
        let supervisor =
            Supervisor::new().intensity(10, HOUR).backoff(doubling()).child("flaky", flaky(5, &begins));
        supervisor.run().unwrap();
        assert_eq!(*begins.lock().unwrap(), [0, 1, 3, 7, 12, 17].map(secs));
    });
}

#[test]
fn a_child_comes_from_where_it_was_added_after_a_restart_too() {
    let boom = || panic::resume_unwind(Box::new("boom"));
    in_virtual_time(move || {
        let child = |supervisor: Supervisor| supervisor.child("hopeless", boom);
        let child_with = |supervisor: Supervisor| supervisor.child_with("hopeless", Restart::Permanent, boom);
        for (restarts, supervisor) in [(0, child(Supervisor::new())), (1, child_with(Supervisor::new()))] {
            let error = supervisor.intensity(restarts, HOUR).run().unwrap_err();
            let told = error.source().unwrap().to_string();
            assert!(told.contains(&format!("(spawned at {}:", file!())), "{told}");
        }
    });
}

#[test]
fn a_supervisor_gives_up_when_there_are_too_many_restarts() {
    in_virtual_time(|| {
        let (begins, drops) = (Arc::default(), Drops::new());
        let theirs = drops.clone();
        let error = Supervisor::new()
            .intensity(3, HOUR)
            .child("hopeless", flaky(usize::MAX, &begins))
            .child("steady", move || {
                let _guard = theirs.guard();
                thread::park();
            })
            .run()
            .unwrap_err();
        assert_eq!((begins.lock().unwrap().len(), drops.count()), (4, 1));
        assert!(error.to_string().contains("\"hopeless\""), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    });
}

#[test]
fn one_for_one_leaves_the_others_alone_and_one_for_all_does_not() {
    in_virtual_time(|| {
        for (strategy, begun) in [(Strategy::OneForOne, 1), (Strategy::OneForAll, 3)] {
            let (begins, others) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
            let theirs = Arc::clone(&others);
            Supervisor::new()
                .strategy(strategy)
                .child("flaky", flaky(2, &begins))
                .child("other", move || {
                    theirs.fetch_add(1, SeqCst);
                    sleep(HOUR);
                })
                .run()
                .unwrap();
            assert_eq!((begins.lock().unwrap().len(), others.load(SeqCst)), (3, begun), "{strategy:?}");
        }
    });
}

#[test]
fn what_is_restarted_depends_on_the_kind_of_child() {
    in_virtual_time(|| {
        let counts: [Arc<AtomicUsize>; 3] = Default::default();
        let job = |which: usize, panics: bool| {
            let count = Arc::clone(&counts[which]);
            move || {
                if count.fetch_add(1, SeqCst) == 0 && panics {
                    panic::resume_unwind(Box::new(()));
                }
            }
        };
        let error = Supervisor::new()
            .intensity(4, HOUR)
            .child_with("transient", Restart::Transient, job(0, true))
            .child_with("temporary", Restart::Temporary, job(1, true))
            .child_with("permanent", Restart::Permanent, job(2, false))
            .run()
            .unwrap_err();
        assert!(error.to_string().contains("permanent"));
        assert_eq!(counts.map(|count| count.load(SeqCst)), [2, 1, 4]);
    });
}

#[test]
fn a_cancelled_supervisor_takes_its_children_along() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let supervisor = spawn(move || {
            Supervisor::new()
                .child("steady", move || {
                    let _guard = theirs.guard();
                    thread::park();
                })
                .run()
        });
        until_parked(&supervisor);
        yield_now();
        supervisor.cancel();
        assert!(supervisor.join().unwrap_err().is_cancelled());
        yield_now();
        assert_eq!(drops.count(), 1);
    });
}
