//! Who runs when.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::support::{in_run, watched};
use sward::thread::{self};

#[test]
fn yields_go_round_first_in_first_out() {
    in_run(|| {
        let order = Arc::new(Mutex::new(String::new()));
        let handles: Vec<_> = "abc"
            .chars()
            .map(|name| {
                let order = Arc::clone(&order);
                sward::spawn(move || {
                    for _ in 0..3 {
                        order.lock().unwrap().push(name);
                        thread::yield_now();
                    }
                })
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
        assert_eq!(*order.lock().unwrap(), "abcabcabc");
    });
}

#[test]
fn a_yield_lets_what_was_just_spawned_run_in_the_order_of_the_spawns() {
    in_run(|| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let shared = Arc::new(Mutex::new(Vec::new()));
        for i in 0..4 {
            if i % 2 == 0 {
                let (order, shared) = (Rc::clone(&order), Arc::clone(&shared));
                sward::spawn_local(move || {
                    order.borrow_mut().push(i);
                    shared.lock().unwrap().push(i);
                });
            } else {
                let shared = Arc::clone(&shared);
                sward::spawn(move || shared.lock().unwrap().push(i));
            }
        }
        thread::yield_now();
        assert_eq!(*order.borrow(), [0, 2]);
        assert_eq!(*shared.lock().unwrap(), [0, 1, 2, 3]);
    });
}

#[test]
fn a_spawner_that_yields_in_a_loop_does_not_starve_what_it_spawns() {
    in_run(|| {
        let ran = Arc::new(AtomicUsize::new(0));
        for round in 0..1000 {
            assert_eq!(ran.load(Relaxed), round, "each yield ran all that was spawned before it");
            let ran = Arc::clone(&ran);
            sward::spawn(move || ran.fetch_add(1, Relaxed));
            thread::yield_now();
        }
    });
}

#[test]
fn what_wakes_up_stands_behind_what_was_ready() {
    in_run(|| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let push = |name| {
            let order = Arc::clone(&order);
            move || order.lock().unwrap().push(name)
        };
        let (woken, spawned) = (push("woken"), push("spawned"));
        let parked = sward::spawn(move || {
            thread::park();
            woken();
        });
        thread::yield_now();
        sward::spawn(spawned);
        parked.thread().unpark();
        thread::yield_now();
        assert_eq!(*order.lock().unwrap(), ["spawned", "woken"]);
    });
}

/// The order in which twenty green threads take their turns.
fn trace(seed: Option<u64>) -> Vec<usize> {
    let mut builder = sward::Runtime::builder();
    if let Some(seed) = seed {
        builder = builder.seed(seed);
    }
    builder.run(|| {
        let trace = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..20)
            .map(|i| {
                let trace = Arc::clone(&trace);
                sward::spawn(move || {
                    for _ in 0..10 {
                        trace.lock().unwrap().push(i);
                        thread::yield_now();
                    }
                })
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
        trace.lock().unwrap().clone()
    })
}

#[test]
fn the_same_seed_gives_the_same_order() {
    watched(|| {
        for seed in [0, 1, u64::MAX] {
            assert_eq!(trace(Some(seed)), trace(Some(seed)), "seed {seed}");
        }
    });
}

#[test]
fn different_seeds_give_different_orders() {
    watched(|| {
        let mut traces: Vec<_> = (0..10).map(|seed| trace(Some(seed))).chain([trace(None)]).collect();
        traces.sort();
        traces.dedup();
        assert_eq!(traces.len(), 11);
    });
}
