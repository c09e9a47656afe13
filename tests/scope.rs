//! `sward::scope`: std's semantics, on green threads.

mod support;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{Drops, in_run, in_virtual_time, message_of_panic, runtime, watched};
use sward::thread::{self, Builder};

#[test]
fn scoped_green_threads_borrow_and_change_what_is_outside() {
    in_run(|| {
        let words = [String::from("green"), String::from("thread")];
        let mut count = 0;
        let total: usize = sward::scope(|s| {
            s.spawn(|| {
                thread::yield_now();
                count += 1;
            });
            let handles: Vec<_> = words.iter().map(|word| s.spawn(move || word.len())).collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).sum()
        });
        assert_eq!((total, count, words.len()), (11, 1, 2));
    });
}

#[test]
fn a_scope_waits_for_what_was_not_joined() {
    in_virtual_time(|| {
        let done = AtomicUsize::new(0);
        sward::scope(|s| {
            for i in 1..=10 {
                let done = &done;
                s.spawn(move || {
                    thread::sleep(Duration::from_secs(i));
                    done.fetch_add(1, SeqCst);
                });
            }
        });
        assert_eq!(done.load(SeqCst), 10);
    });
}

#[test]
fn a_scope_works_on_a_plain_os_thread() {
    watched(|| {
        let mut numbers = vec![0; 100];
        sward::scope(|s| {
            for (i, number) in numbers.iter_mut().enumerate() {
                s.spawn(move || {
                    thread::yield_now();
                    *number = i;
                });
            }
        });
        assert!(numbers.iter().enumerate().all(|(i, &number)| i == number));
    });
}

#[test]
fn scopes_nest_and_children_spawn_into_their_parents_scope() {
    watched(|| {
        let runtime = runtime(2);
        let sum = AtomicUsize::new(0);
        runtime.run(|| {
            sward::scope(|outer| {
                for _ in 0..10 {
                    outer.spawn(|| {
                        sward::scope(|inner| {
                            for _ in 0..10 {
                                inner.spawn(|| sum.fetch_add(1, SeqCst));
                            }
                        });
                        outer.spawn(|| sum.fetch_add(1000, SeqCst));
                    });
                }
            });
        });
        assert_eq!(sum.load(SeqCst), 10_100);
    });
}

#[test]
fn an_unjoined_panic_makes_the_scope_panic_after_all_have_ended() {
    in_run(|| {
        let (data, ended) = (vec![1, 2, 3], AtomicUsize::new(0));
        let message = message_of_panic(|| {
            sward::scope(|s| {
                s.spawn(|| panic!("with {}", data.len()));
                s.spawn(|| {
                    for _ in 0..10 {
                        thread::yield_now();
                    }
                    ended.fetch_add(data.len(), SeqCst);
                });
            });
        });
        assert_eq!(message, "a scoped green thread panicked");
        assert_eq!(ended.load(SeqCst), 3);
    });
}

#[test]
fn a_joined_panic_is_the_joiners_and_the_scope_goes_on() {
    in_run(|| {
        let value = sward::scope(|s| {
            let error = s.spawn(|| panic!("seen")).join().unwrap_err();
            assert_eq!(error.downcast_ref::<&str>(), Some(&"seen"));
            7
        });
        assert_eq!(value, 7);
    });
}

#[test]
fn a_handle_dropped_after_a_panic_makes_the_scope_panic() {
    in_run(|| {
        let message = message_of_panic(|| {
            sward::scope(|s| {
                let handle = s.spawn(|| panic!("unseen"));
                thread::yield_now();
                assert!(handle.is_finished());
                drop(handle);
            });
        });
        assert_eq!(message, "a scoped green thread panicked");
    });
}

#[test]
fn a_panic_of_the_closure_itself_comes_out_after_all_have_ended() {
    in_run(|| {
        let mut borrowed = vec![0; 10];
        let message = message_of_panic(|| {
            sward::scope(|s| {
                for number in &mut borrowed {
                    s.spawn(|| {
                        thread::yield_now();
                        *number = 1;
                    });
                }
                s.spawn(|| panic!("of a child"));
                panic!("of the closure");
            })
        });
        assert_eq!(message, "of the closure");
        assert_eq!(borrowed, [1; 10]);
    });
}

#[test]
fn a_panic_inside_a_scope_drops_what_the_children_own() {
    watched(|| {
        let (runtime, drops) = (runtime(2), Drops::new());
        runtime.run(|| {
            let caught = panic::catch_unwind(AssertUnwindSafe(|| {
                sward::scope(|s| {
                    for _ in 0..100 {
                        let guard = drops.guard();
                        s.spawn(move || {
                            thread::yield_now();
                            let _guard = guard;
                            panic!("each of them");
                        });
                    }
                    panic!("and this one");
                })
            }));
            assert!(caught.is_err());
            assert_eq!(drops.count(), 100);
        });
    });
}

#[test]
fn a_forgotten_scoped_handle_does_not_keep_the_scope() {
    in_run(|| {
        let text = String::from("borrowed");
        let ran = AtomicUsize::new(0);
        sward::scope(|s| {
            std::mem::forget(s.spawn(|| ran.fetch_add(text.len(), SeqCst)));
        });
        assert_eq!(ran.load(SeqCst), 8);
    });
}

#[test]
fn a_forgotten_scoped_handle_of_a_panic_does_not_keep_the_scope() {
    in_run(|| {
        // Whether the scope panics then is not promised; that it ends is.
        let _ = panic::catch_unwind(|| {
            sward::scope(|s| std::mem::forget(s.spawn(|| panic!("nobody will know"))));
        });
    });
}

#[test]
fn a_named_scoped_green_thread_is_named_in_its_error() {
    in_run(|| {
        sward::scope(|s| {
            let handle = Builder::new().name("child".into()).spawn_scoped(s, || panic!("no")).unwrap();
            assert_eq!(handle.thread().name(), Some("child"));
            let error = handle.join().unwrap_err();
            assert!(error.to_string().contains("\"child\""), "{error}");
        });
    });
}

#[test]
fn a_result_may_borrow_and_is_dropped_with_its_handle() {
    in_run(|| {
        let drops = Drops::new();
        let log = Mutex::new(Vec::new());
        sward::scope(|s| {
            let guard = drops.guard();
            let handle = s.spawn(|| (guard, &log));
            thread::yield_now();
            assert_eq!(drops.count(), 0);
            let (guard, log) = handle.join().unwrap();
            log.lock().unwrap().push(1);
            drop(guard);
            s.spawn(|| drops.guard());
        });
        assert_eq!((drops.count(), log.into_inner().unwrap()), (2, vec![1]));
    });
}

#[test]
fn a_cancel_while_the_closure_waits_cancels_the_children_first() {
    in_run(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let owner = sward::spawn(move || {
            sward::scope(|s| {
                for _ in 0..10 {
                    s.spawn(theirs.held(thread::park));
                }
                thread::park();
            });
        });
        thread::yield_now();
        thread::yield_now();
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 10);
    });
}

#[test]
fn a_cancel_while_the_scope_waits_for_its_children_cancels_them() {
    in_run(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let owner = sward::spawn(move || {
            sward::scope(|s| {
                for _ in 0..10 {
                    s.spawn(theirs.held(thread::park));
                }
            });
        });
        thread::yield_now();
        thread::yield_now();
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 10);
    });
}

#[test]
fn a_cancel_reaches_the_children_of_nested_scopes() {
    watched(|| {
        let (runtime, drops) = (runtime(2), Drops::new());
        let theirs = drops.clone();
        let ready = std::sync::Arc::new(AtomicUsize::new(0));
        let at_work = std::sync::Arc::clone(&ready);
        let owner = runtime.spawn(move || {
            let (theirs, at_work) = (&theirs, &at_work);
            sward::scope(|outer| {
                for _ in 0..5 {
                    outer.spawn(move || {
                        sward::scope(|inner| {
                            for _ in 0..5 {
                                inner.spawn(move || {
                                    let _guard = theirs.guard();
                                    at_work.fetch_add(1, SeqCst);
                                    loop {
                                        thread::park();
                                    }
                                });
                            }
                        });
                    });
                }
                loop {
                    thread::park();
                }
            });
        });
        while ready.load(SeqCst) != 25 {
            thread::yield_now();
        }
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 25);
    });
}

#[test]
fn what_a_child_of_a_cancelled_scope_spawns_is_cancelled_too() {
    in_run(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let owner = sward::spawn(move || {
            let theirs = &theirs;
            sward::scope(|s| {
                s.spawn(move || {
                    let _late = support::OnDrop(move || {
                        s.spawn(theirs.held(thread::park));
                    });
                    thread::park();
                });
                thread::park();
            });
        });
        thread::yield_now();
        thread::yield_now();
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
    });
}
