//! Plain OS threads use all of it as green threads do; and `blocking`, which leaves the worker for one.

mod support;

use std::{
    cell::Cell,
    collections::HashSet,
    panic,
    rc::Rc,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use support::{OsThread, in_run, message_of_panic, runtime, watched};
use sward::thread;

#[test]
fn an_os_thread_spawns_and_joins_on_the_default_runtime() {
    watched(|| {
        let handles: Vec<_> = (0..1000_u64).map(|i| sward::spawn(move || i * i)).collect();
        assert_eq!(sward::join_all(handles).into_iter().map(Result::unwrap).sum::<u64>(), 332_833_500);
        let error = sward::spawn(|| panic!("over there")).join().unwrap_err();
        assert_eq!(error.downcast_ref::<&str>(), Some(&"over there"));
    });
}

#[test]
fn an_os_thread_waits_for_what_sleeps() {
    watched(|| {
        let handle = sward::spawn(|| {
            thread::sleep(Duration::from_millis(5));
            1
        });
        assert_eq!(handle.join().unwrap(), 1);
    });
}

#[test]
fn many_os_threads_use_one_runtime_at_once() {
    watched(|| {
        let runtime = runtime(2);
        let total = AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    for i in 0..500 {
                        let (inside, outside) = (runtime.run(|| i), runtime.spawn(move || i));
                        assert_eq!((inside, outside.join().unwrap()), (i, i));
                        total.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        assert_eq!(total.load(SeqCst), 4000);
    });
}

#[test]
fn a_green_thread_unparks_an_os_thread_and_the_other_way_round() {
    watched(|| {
        let os = thread::current();
        let turns = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&turns);
        let green = sward::spawn(move || {
            for turn in 0..1000 {
                while theirs.load(SeqCst) != 2 * turn + 1 {
                    thread::park();
                }
                theirs.fetch_add(1, SeqCst);
                os.unpark();
            }
        });
        for turn in 0..1000 {
            turns.fetch_add(1, SeqCst);
            green.thread().unpark();
            while turns.load(SeqCst) != 2 * turn + 2 {
                thread::park();
            }
        }
        green.join().unwrap();
    });
}

#[test]
fn an_os_thread_that_was_unparked_before_does_not_park() {
    watched(|| {
        thread::current().unpark();
        thread::park();
    });
}

#[test]
fn an_os_threads_park_ends_at_its_timeout() {
    watched(|| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(3) {
            thread::park_timeout(Duration::from_millis(3));
        }
    });
}

#[test]
fn an_os_threads_token_of_std_is_untouched() {
    watched(|| {
        let joins_and_parks = || {
            sward::spawn(|| thread::sleep(Duration::from_millis(1))).join().unwrap();
            sward::scope(|s| {
                s.spawn(thread::yield_now);
            });
            thread::current().unpark();
            thread::park();
            thread::sleep(Duration::from_millis(1));
            runtime(1).run(thread::yield_now);
        };
        // It gives none: std's park waits for its time.
        joins_and_parks();
        let start = Instant::now();
        std::thread::park_timeout(Duration::from_millis(20));
        // A spurious return of std's is allowed, and has never been seen on Linux.
        assert!(start.elapsed() >= Duration::from_millis(20), "std's token was given: {:?}", start.elapsed());
        // It takes none: std's park returns at once.
        std::thread::current().unpark();
        joins_and_parks();
        std::thread::park();
    });
}

#[test]
fn stds_unpark_does_not_end_a_park_of_sward() {
    watched(|| {
        let start = Instant::now();
        std::thread::current().unpark();
        thread::park_timeout(Duration::from_millis(20));
        assert!(start.elapsed() >= Duration::from_millis(20), "{:?}", start.elapsed());
    });
}

#[test]
fn an_os_thread_has_its_stds_name_and_an_id_of_its_own() {
    watched(|| {
        let named = std::thread::Builder::new().name("plain".into());
        let (name, id, again) = named
            .spawn(|| {
                (thread::current().name().map(str::to_owned), thread::current().id(), thread::current().id())
            })
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(name.as_deref(), Some("plain"));
        assert_eq!(id, again);
        assert_ne!(id, thread::current().id());
    });
}

#[test]
fn an_os_thread_that_has_ended_can_still_be_unparked() {
    watched(|| {
        let gone = std::thread::spawn(thread::current).join().unwrap();
        gone.unpark();
        gone.unpark();
    });
}

#[test]
fn an_os_thread_yields_sleeps_and_scopes() {
    watched(|| {
        thread::yield_now();
        thread::sleep(Duration::ZERO);
        thread::sleep(Duration::from_micros(10));
        thread::sleep_until(sward::time::Instant::now());
        let mut value = 1;
        sward::scope(|s| {
            s.spawn(|| value += 1);
        });
        assert_eq!(value, 2);
        assert!(!thread::panicking());
    });
}

#[test]
fn a_destructor_of_a_thread_local_may_still_use_sward() {
    struct Last(Arc<AtomicUsize>);
    impl Drop for Last {
        fn drop(&mut self) {
            thread::yield_now();
            thread::current().unpark();
            thread::sleep(Duration::from_micros(10));
            self.0.fetch_add(sward::spawn(|| 1).join().unwrap(), SeqCst);
        }
    }
    thread_local!(static LAST: Cell<Option<Last>> = const { Cell::new(None) });
    watched(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&count);
        std::thread::spawn(move || {
            LAST.set(Some(Last(theirs)));
            assert!(!thread::current().id().as_u64().to_string().is_empty());
        })
        .join()
        .unwrap();
        assert_eq!(count.load(SeqCst), 1);
    });
}

#[test]
fn a_blocking_call_runs_elsewhere_while_the_others_go_on() {
    in_run(|| {
        let (worker, passed) = (std::thread::current().id(), Arc::new(AtomicBool::new(false)));
        let theirs = Arc::clone(&passed);
        sward::spawn(move || theirs.store(true, SeqCst));
        let there = sward::blocking(|| {
            // It ends only if the other green thread runs meanwhile.
            while !passed.load(SeqCst) {
                std::thread::yield_now();
            }
            std::thread::current().id()
        });
        assert_ne!(there, worker);
    });
}

#[test]
fn a_blocking_call_borrows_and_returns() {
    in_run(|| {
        let mut text = String::from("a");
        let length = sward::blocking(|| {
            text.push('b');
            text.len()
        });
        assert_eq!((length, text.as_str()), (2, "ab"));
    });
}

#[test]
fn a_panic_of_a_blocking_call_comes_out_with_its_payload() {
    in_run(|| {
        assert_eq!(message_of_panic(|| sward::blocking(|| panic!("on the pool"))), "on the pool");
        let payload =
            panic::catch_unwind(|| sward::blocking(|| panic::resume_unwind(Box::new(7_u8)))).unwrap_err();
        assert_eq!(*payload.downcast::<u8>().unwrap(), 7);
        assert_eq!(sward::blocking(|| 1), 1);
    });
}

#[test]
fn a_blocking_call_on_an_os_thread_runs_right_there() {
    let here = std::thread::current().id();
    assert_eq!(sward::blocking(|| std::thread::current().id()), here);
    assert_eq!(message_of_panic(|| sward::blocking(|| panic!("here"))), "here");
}

#[test]
fn a_blocking_call_inside_a_blocking_call_runs_right_there() {
    in_run(|| {
        let (outer, inner) = sward::blocking(|| {
            (std::thread::current().id(), sward::blocking(|| std::thread::current().id()))
        });
        assert_eq!(outer, inner);
    });
}

#[test]
fn a_thousand_blocking_calls_at_once_all_end() {
    watched(|| {
        const AT_ONCE: usize = 100;
        let threads = Arc::new((Mutex::new(HashSet::new()), Condvar::new()));
        let runtime = runtime(2);
        let handles: Vec<_> = (0..1000_usize)
            .map(|i| {
                let threads = Arc::clone(&threads);
                runtime.spawn(move || {
                    sward::blocking(|| {
                        let (threads, more) = &*threads;
                        let mut threads = threads.lock().unwrap();
                        threads.insert(std::thread::current().id());
                        more.notify_all();
                        drop(more.wait_while(threads, |threads| threads.len() < AT_ONCE).unwrap());
                        i
                    })
                })
            })
            .collect();
        for (i, result) in sward::join_all(handles).into_iter().enumerate() {
            assert_eq!(result.unwrap(), i);
        }
        let threads = threads.0.lock().unwrap().len();
        assert!((AT_ONCE..=512).contains(&threads), "{threads} threads");
    });
}

#[test]
fn a_blocking_call_keeps_what_is_not_send_on_the_stack_of_its_caller() {
    in_run(|| {
        let mine = Rc::new(1);
        let sum = sward::blocking(|| 2) + *mine;
        assert_eq!(sum, 3);
    });
}

#[test]
fn a_run_waits_for_a_blocking_call_of_what_it_cancels() {
    watched(|| {
        let ended = AtomicBool::new(false);
        let flag = &ended;
        // Scoped, so that it may borrow although `run` ends it.
        std::thread::scope(|s| {
            let go = Arc::new(AtomicBool::new(false));
            let begun = Arc::new(AtomicBool::new(false));
            let (their_go, their_begun) = (Arc::clone(&go), Arc::clone(&begun));
            let worker = OsThread::current();
            s.spawn(move || {
                while !begun.load(SeqCst) {
                    std::thread::yield_now();
                }
                // It has nothing left to do but to wait.
                worker.until_idle();
                go.store(true, SeqCst);
            });
            let done = Arc::new(AtomicBool::new(false));
            let theirs = Arc::clone(&done);
            sward::run(|| {
                let seen = Arc::clone(&their_begun);
                sward::spawn(move || {
                    sward::blocking(|| {
                        their_begun.store(true, SeqCst);
                        while !their_go.load(SeqCst) {
                            std::thread::yield_now();
                        }
                        theirs.store(true, SeqCst);
                    });
                });
                while !seen.load(SeqCst) {
                    thread::yield_now();
                }
            });
            flag.store(done.load(SeqCst), SeqCst);
        });
        assert!(ended.load(SeqCst), "run returned before the call had ended");
    });
}
