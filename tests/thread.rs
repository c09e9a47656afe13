//! `sward::thread`: spawning, names, parking, and who runs when.

mod support;

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
        mpsc,
    },
    time::Duration,
};

use support::{in_run, in_virtual_time, message_of_panic, runtime, watched};
use sward::thread::{self, Builder};

#[test]
fn a_builder_names_its_green_thread() {
    in_run(|| {
        let handle = Builder::new().name("parser".into()).spawn(thread::current).unwrap();
        assert_eq!(handle.name(), Some("parser"));
        assert_eq!(handle.thread().name(), Some("parser"));
        let id = handle.id();
        let seen_inside = handle.join().unwrap();
        assert_eq!((seen_inside.name(), seen_inside.id()), (Some("parser"), id));
    });
}

#[test]
fn a_name_may_hold_any_character() {
    in_run(|| {
        let handle = Builder::new().name("zero\0byte, née".into()).spawn(thread::current).unwrap();
        assert_eq!(handle.join().unwrap().name(), Some("zero\0byte, née"));
    });
}

#[test]
fn a_green_thread_has_no_name_unless_it_was_given_one() {
    in_run(|| {
        assert_eq!(sward::spawn(|| thread::current().name().map(str::to_owned)).join().unwrap(), None);
        assert_eq!(thread::current().name(), Some("main"));
    });
}

#[test]
fn a_stack_size_of_zero_or_one_is_the_smallest_that_works() {
    in_run(|| {
        for size in [0, 1] {
            let handle = Builder::new().stack_size(size).spawn(move || size + 1).unwrap();
            assert_eq!(handle.join().unwrap(), size + 1);
            let handle = Builder::new().stack_size(size).spawn_local(thread::yield_now).unwrap();
            handle.join().unwrap();
        }
    });
}

#[test]
fn a_huge_stack_size_is_refused_with_both_sizes_named() {
    in_run(|| {
        let asked = usize::MAX;
        let spawned = Builder::new().stack_size(asked).spawn(|| ()).map(drop);
        let local = Builder::new().stack_size(asked).spawn_local(|| ()).map(drop);
        let scoped = sward::scope(|s| Builder::new().stack_size(asked).spawn_scoped(s, || ()).map(drop));
        for error in [spawned, local, scoped].map(Result::unwrap_err) {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let text = error.to_string();
            assert!(
                text.contains(&asked.to_string()) && text.contains(&(1_usize << 30).to_string()),
                "{text}"
            );
        }
    });
}

#[test]
fn a_runtime_refuses_a_huge_stack_size_and_settings_that_cannot_be() {
    let refused = |builder: sward::runtime::RuntimeBuilder| builder.build().map(drop).unwrap_err();
    let builder = sward::Runtime::builder;
    for (error, word) in [
        (refused(builder().stack_size(usize::MAX)), usize::MAX.to_string().as_str()),
        (refused(builder().workers(0)), "workers(0)"),
        (refused(builder().max_green_threads(0)), "max_green_threads(0)"),
        (refused(builder().workers(2).virtual_clock(true)), "virtual clock"),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn ids_are_unique_over_green_and_os_threads() {
    watched(|| {
        let mut ids: Vec<_> = sward::join_all((0..2000).map(|_| sward::spawn(|| thread::current().id())))
            .into_iter()
            .map(Result::unwrap)
            .collect();
        ids.push(thread::current().id());
        ids.push(std::thread::spawn(|| thread::current().id()).join().unwrap());
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 2002);
    });
}

#[test]
fn current_is_the_same_thread_each_time() {
    in_run(|| {
        let before = thread::current().id();
        thread::yield_now();
        assert_eq!(thread::current().id(), before);
        assert_ne!(sward::spawn(|| thread::current().id()).join().unwrap(), before);
    });
}

#[test]
fn an_unpark_before_the_park_is_not_lost() {
    in_run(|| {
        thread::current().unpark();
        thread::park();
    });
}

#[test]
fn an_unpark_of_a_pending_green_thread_is_not_lost() {
    in_run(|| {
        let handle = sward::spawn(thread::park);
        handle.thread().unpark();
        handle.join().unwrap();
    });
}

#[test]
fn an_unpark_wakes_what_is_parked() {
    in_run(|| {
        let handle = sward::spawn(thread::park);
        while handle.status() != sward::Status::Parked {
            thread::yield_now();
        }
        handle.thread().unpark();
        handle.join().unwrap();
    });
}

#[test]
fn two_unparks_before_a_park_are_one() {
    in_virtual_time(|| {
        thread::current().unpark();
        thread::current().unpark();
        thread::park();
        let start = sward::time::Instant::now();
        thread::park_timeout(Duration::from_secs(5));
        assert_eq!(start.elapsed(), Duration::from_secs(5), "the second token was no token");
    });
}

#[test]
fn a_park_with_a_timeout_ends_at_the_timeout() {
    in_virtual_time(|| {
        let start = sward::time::Instant::now();
        thread::park_timeout(Duration::from_secs(3600));
        assert_eq!(start.elapsed(), Duration::from_secs(3600));
    });
}

#[test]
fn a_park_with_a_timeout_ends_at_the_unpark() {
    in_virtual_time(|| {
        let main = thread::current();
        sward::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            main.unpark();
        });
        let start = sward::time::Instant::now();
        thread::park_timeout(Duration::from_secs(3600));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    });
}

#[test]
fn an_unpark_does_not_end_a_sleep_and_keeps_for_the_next_park() {
    in_virtual_time(|| {
        let main = thread::current();
        sward::spawn(move || main.unpark());
        let start = sward::time::Instant::now();
        thread::sleep(Duration::from_secs(1));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        thread::park_timeout(Duration::from_secs(1));
        assert_eq!(start.elapsed(), Duration::from_secs(1), "the token was there");
    });
}

#[test]
fn an_unpark_does_not_end_a_join_and_keeps_for_the_next_park() {
    in_virtual_time(|| {
        let main = thread::current();
        let handle = sward::spawn(move || {
            main.unpark();
            thread::sleep(Duration::from_secs(1));
        });
        handle.join().unwrap();
        let start = sward::time::Instant::now();
        thread::park();
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn an_unpark_of_what_has_ended_does_nothing() {
    in_run(|| {
        let handle = sward::spawn(thread::current);
        let gone = handle.join().unwrap();
        gone.unpark();
        // Its slot is another's now, who must not get the token.
        let next = sward::spawn(thread::park);
        thread::yield_now();
        gone.unpark();
        thread::yield_now();
        assert_eq!(next.status(), sward::Status::Parked);
        next.thread().unpark();
        next.join().unwrap();
    });
}

#[test]
fn a_hundred_thousand_unparks_wake_a_hundred_thousand_parks_across_workers() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            const ROUNDS: usize = 100_000;
            let turn = Arc::new(AtomicUsize::new(0));
            let theirs = Arc::clone(&turn);
            let main = thread::current();
            let peer = sward::spawn(move || {
                for round in 0..ROUNDS {
                    while theirs.load(SeqCst) != 2 * round + 1 {
                        thread::park();
                    }
                    theirs.store(2 * round + 2, SeqCst);
                    main.unpark();
                }
            });
            for round in 0..ROUNDS {
                turn.store(2 * round + 1, SeqCst);
                peer.thread().unpark();
                while turn.load(SeqCst) != 2 * round + 2 {
                    thread::park();
                }
            }
            peer.join().unwrap();
        });
    });
}

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

#[test]
fn a_local_green_thread_shares_an_rc_with_its_spawner_and_returns_one() {
    in_run(|| {
        let shared = Rc::new(Cell::new(1));
        let theirs = Rc::clone(&shared);
        let back = sward::spawn_local(move || {
            theirs.set(2);
            thread::yield_now();
            theirs
        });
        assert!(Rc::ptr_eq(&back.join().unwrap(), &shared));
        assert_eq!((shared.get(), Rc::strong_count(&shared)), (2, 1));
    });
}

#[test]
fn a_local_green_thread_stays_on_its_os_thread() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            let here = std::thread::current().id();
            let handles: Vec<_> =
                (0..100).map(|_| sward::spawn_local(|| std::thread::current().id())).collect();
            for handle in handles {
                assert_eq!(handle.join().unwrap(), here);
            }
        });
    });
}

#[test]
fn a_started_green_thread_stays_on_its_os_thread() {
    watched(|| {
        let runtime = runtime(2);
        let handles: Vec<_> = (0..100)
            .map(|_| {
                runtime.spawn(|| {
                    let here = std::thread::current().id();
                    (0..100).all(|_| {
                        thread::yield_now();
                        std::thread::current().id() == here
                    })
                })
            })
            .collect();
        assert!(sward::join_all(handles).into_iter().all(Result::unwrap));
    });
}

#[test]
fn a_local_spawn_on_a_plain_os_thread_panics_and_says_what_it_needs() {
    let message = message_of_panic(|| sward::spawn_local(|| ()));
    assert!(message.contains("spawn_local needs a worker"), "{message}");
    let message = message_of_panic(|| Builder::new().spawn_local(|| ()));
    assert!(message.contains("spawn_local needs a worker"), "{message}");
}

#[test]
fn is_green_tells_green_threads_from_os_threads() {
    watched(|| {
        assert!(!sward::is_green());
        assert!(sward::run(sward::is_green));
        assert!(sward::spawn(sward::is_green).join().unwrap());
        assert!(!sward::run(|| sward::blocking(sward::is_green)));
        assert!(sward::run(|| sward::on_big_stack(sward::is_green)));
    });
}

#[test]
fn debug_of_a_handle_tells_id_name_status_and_spawn_site() {
    in_run(|| {
        let handle = Builder::new().name("idler".into()).spawn(thread::park).unwrap();
        let id = handle.id().as_u64();
        let site = format!("at {}:{}", file!(), line!() - 2);
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" pending {site}>"));
        thread::yield_now();
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" parked {site}>"));
        handle.thread().unpark();
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" running {site}>"));
        thread::yield_now();
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" done {site}>"));
    });
}

#[test]
fn a_channel_of_stds_between_green_threads_of_different_workers_delivers_all() {
    watched(|| {
        let runtime = runtime(2);
        let (sender, receiver) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let reader = {
            let stop = Arc::clone(&stop);
            runtime.spawn(move || {
                let mut sum = 0;
                loop {
                    match receiver.try_recv() {
                        Ok(number) => sum += number,
                        Err(mpsc::TryRecvError::Empty) if !stop.load(SeqCst) => thread::yield_now(),
                        Err(_) => return sum + receiver.try_iter().sum::<u64>(),
                    }
                }
            })
        };
        let writers: Vec<_> = (0..10)
            .map(|_| {
                let sender = sender.clone();
                runtime.spawn(move || (1..=100_u64).for_each(|i| sender.send(i).unwrap()))
            })
            .collect();
        sward::join_all(writers).into_iter().for_each(Result::unwrap);
        stop.store(true, SeqCst);
        assert_eq!(reader.join().unwrap(), 50_500);
    });
}
