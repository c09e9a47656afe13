//! `Once`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use super::{
    sync::{Once, OnceState},
    thread,
    tools::{elsewhere, until},
};
use crate::seen::{Seen, caught};

pub(crate) fn it_runs_once() -> Vec<String> {
    let mut seen = Seen::new();
    let once = Once::new();
    let mut runs = 0;
    seen.note("before", once.is_completed());
    for _ in 0..3 {
        once.call_once(|| runs += 1);
    }
    once.call_once_force(|_| runs += 10);
    seen.note("runs", runs);
    seen.note("after", once.is_completed());
    once.wait();
    once.wait_force();
    seen.texts("text", &once);
    seen.texts("fresh", &Once::new());
    seen.end()
}

pub(crate) fn all_wait_until_it_has_run() -> Vec<String> {
    let mut seen = Seen::new();
    let (once, runs, value) = (Once::new(), AtomicUsize::new(0), AtomicUsize::new(0));
    let values = thread::scope(|s| {
        let handles: Vec<_> = (0..6)
            .map(|_| {
                s.spawn(|| {
                    once.call_once(|| {
                        runs.fetch_add(1, SeqCst);
                        (0..10).for_each(|_| thread::yield_now());
                        value.store(7, SeqCst);
                    });
                    value.load(SeqCst)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    seen.note("values", values);
    seen.note("runs", runs.load(SeqCst));
    seen.end()
}

pub(crate) fn it_is_not_completed_while_it_runs() -> Vec<String> {
    let mut seen = Seen::new();
    let once = Once::new();
    once.call_once(|| seen.note("inside", (once.is_completed(), elsewhere(|| once.is_completed()))));
    let (once, begun, go) = (Once::new(), AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|s| {
        let runs = s.spawn(|| {
            once.call_once(|| {
                begun.store(true, SeqCst);
                until(|| go.load(SeqCst));
            });
        });
        until(|| begun.load(SeqCst));
        let waits = s.spawn(|| {
            once.call_once(|| panic!("another runs it"));
            once.is_completed()
        });
        let forces = s.spawn(|| {
            once.call_once_force(|_| panic!("another runs it"));
            once.is_completed()
        });
        (0..20).for_each(|_| thread::yield_now());
        seen.note("elsewhere", (once.is_completed(), waits.is_finished(), forces.is_finished()));
        seen.texts("running", &once);
        go.store(true, SeqCst);
        seen.note("ended", runs.join().is_ok());
        seen.note("waited", (waits.join().unwrap(), forces.join().unwrap()));
    });
    seen.end()
}

pub(crate) fn a_panic_poisons() -> Vec<String> {
    let mut seen = Seen::new();
    let once = Once::new();
    seen.note("the first", caught(|| once.call_once(|| panic!("in the closure"))));
    seen.note("completed", once.is_completed());
    seen.texts("text", &once);
    let mut runs = 0;
    seen.note("the second", caught(|| once.call_once(|| runs += 1)));
    seen.note("elsewhere", elsewhere(|| once.call_once(|| ())));
    seen.note("wait", caught(|| once.wait()));
    seen.note("a forced panic", caught(|| once.call_once_force(|_| panic!("once more"))));
    seen.note("completed", once.is_completed());
    once.call_once_force(|state| {
        seen.note("poisoned", state.is_poisoned());
        seen.texts("state", state);
        runs += 10;
    });
    seen.note("completed", once.is_completed());
    once.call_once(|| runs += 100);
    once.wait();
    once.wait_force();
    seen.note("runs", runs);
    let fresh = Once::new();
    fresh.call_once_force(|state| seen.texts("fresh state", state));
    seen.end()
}

pub(crate) fn those_who_wait_learn_of_it() -> Vec<String> {
    let mut seen = Seen::new();
    let (once, begun, go) = (Once::new(), AtomicBool::new(false), AtomicBool::new(false));
    let (coming, ran) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        let panics = s.spawn(|| {
            once.call_once(|| {
                begun.store(true, SeqCst);
                until(|| go.load(SeqCst));
                panic!("while others wait");
            });
        });
        until(|| begun.load(SeqCst));
        let waits = s.spawn(|| {
            coming.fetch_add(1, SeqCst);
            // In time it waits for the panic, and too late it finds the poison.
            once.call_once(|| ran.store(1, SeqCst));
        });
        until(|| coming.load(SeqCst) == 1);
        (0..10).for_each(|_| thread::yield_now());
        go.store(true, SeqCst);
        seen.note("ended", (panics.join().is_err(), waits.join().is_err()));
        seen.note("ran", ran.load(SeqCst));
        let forces =
            s.spawn(|| once.call_once_force(|state| ran.store(2 + usize::from(state.is_poisoned()), SeqCst)));
        seen.note("forced", (forces.join().is_ok(), ran.load(SeqCst), once.is_completed()));
    });
    seen.end()
}

pub(crate) fn waits_end_with_the_run() -> Vec<String> {
    let mut seen = Seen::new();
    let (once, coming, value) = (Once::new(), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        let waiters: Vec<_> = (0..4)
            .map(|i| {
                let (once, coming, value) = (&once, &coming, &value);
                s.spawn(move || {
                    coming.fetch_add(1, SeqCst);
                    if i % 2 == 0 {
                        once.wait()
                    } else {
                        once.wait_force()
                    }
                    value.load(SeqCst)
                })
            })
            .collect();
        until(|| coming.load(SeqCst) == 4);
        (0..10).for_each(|_| thread::yield_now());
        seen.note("not yet", waiters.iter().any(|waiter| waiter.is_finished()));
        once.call_once(|| value.store(3, SeqCst));
        seen.note("saw", waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect::<Vec<_>>());
    });
    seen.end()
}

pub(crate) fn wait_force_outlives_a_panic() -> Vec<String> {
    let mut seen = Seen::new();
    let (once, coming) = (Once::new(), AtomicBool::new(false));
    let _ = caught(|| once.call_once(|| panic!("poison")));
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            coming.store(true, SeqCst);
            once.wait_force();
            once.is_completed()
        });
        until(|| coming.load(SeqCst));
        (0..10).for_each(|_| thread::yield_now());
        seen.note("it waits on", waiter.is_finished());
        let _ = caught(|| once.call_once_force(|_| panic!("poison again")));
        (0..10).for_each(|_| thread::yield_now());
        seen.note("it waits on", waiter.is_finished());
        once.call_once_force(|_| ());
        seen.note("completed", waiter.join().unwrap());
    });
    seen.end()
}

pub(crate) fn one_within_another() -> Vec<String> {
    let mut seen = Seen::new();
    let (outer, inner) = (Once::new(), Once::new());
    let mut order = Vec::new();
    outer.call_once(|| {
        inner.call_once(|| order.push("inner"));
        inner.call_once(|| order.push("never"));
        order.push("outer");
    });
    seen.note("order", order);
    // A poison that is left behind by a closure that catches its own panic is none.
    let once = Once::new();
    once.call_once(|| drop(caught(|| panic!("caught inside"))));
    seen.note("completed", once.is_completed());
    seen.end()
}

pub(crate) fn statics_and_traits() -> Vec<String> {
    static ONCES: [Once; 2] = [const { Once::new() }; 2];
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let mut seen = Seen::new();
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                ONCES[0].call_once(|| {
                    RUNS.fetch_add(1, SeqCst);
                })
            });
        }
    });
    seen.note("runs", RUNS.load(SeqCst));
    seen.note("completed", ONCES.each_ref().map(Once::is_completed));
    traits!(seen, Once, OnceState, &'static Once);
    seen.end()
}
