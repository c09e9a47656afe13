//! Joining: values, panics, and what a `JoinError` says.

mod support;

use std::{
    any::Any,
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use support::{Drops, in_run, in_virtual_time, message_of_panic, runtime, watched};
use sward::{
    JoinError, Status,
    thread::{self, Builder},
};

#[test]
fn a_join_gives_the_value() {
    in_run(|| {
        assert_eq!(sward::spawn(|| String::from("value")).join().unwrap(), "value");
        sward::spawn(|| ()).join().unwrap();
        assert_eq!(sward::spawn(|| [7_u8; 4096]).join().unwrap(), [7; 4096]);
    });
}

#[test]
fn a_join_after_the_end_gives_the_value_too() {
    in_run(|| {
        let handle = sward::spawn(|| 42);
        thread::yield_now();
        assert!(handle.is_finished());
        assert_eq!(handle.join().unwrap(), 42);
    });
}

#[test]
fn a_panic_with_a_literal_is_a_str_as_in_std() {
    in_run(|| {
        let error = sward::spawn(|| panic!("a literal")).join().unwrap_err();
        assert!(error.is::<&'static str>() && !error.is::<String>());
        assert_eq!(error.downcast_ref::<&str>(), Some(&"a literal"));
        assert_eq!(*error.downcast::<&str>().unwrap(), "a literal");
    });
}

#[test]
fn a_panic_with_arguments_is_a_string_as_in_std() {
    in_run(|| {
        let number = std::hint::black_box(7);
        let error = sward::spawn(move || panic!("number {number}")).join().unwrap_err();
        assert_eq!(error.downcast_ref::<String>().unwrap(), "number 7");
        assert_eq!(*error.into_panic().downcast::<String>().unwrap(), "number 7");
    });
}

#[test]
fn a_panic_with_any_value_gives_that_value() {
    in_run(|| {
        #[derive(Debug, PartialEq)]
        struct Own(Vec<u8>);
        let error = sward::spawn(|| panic::panic_any(Own(vec![1, 2]))).join().unwrap_err();
        assert!(error.to_string().ends_with("panicked: Box<dyn Any>"), "{error}");
        assert_eq!(*error.downcast::<Own>().unwrap(), Own(vec![1, 2]));
    });
}

#[test]
fn a_downcast_to_another_type_gives_the_error_back() {
    in_run(|| {
        let error = sward::spawn(|| panic!("kept")).join().unwrap_err();
        let error = error.downcast::<u64>().unwrap_err();
        assert_eq!(error.downcast_ref::<&str>(), Some(&"kept"));
    });
}

#[test]
fn a_join_error_can_be_resumed_as_stds_is() {
    in_run(|| {
        let error = sward::spawn(|| panic!("once more")).join().unwrap_err();
        assert_eq!(message_of_panic(|| panic::resume_unwind(error.into_panic())), "once more");
    });
}

#[test]
fn display_and_debug_of_a_panic_name_the_green_thread_and_its_spawn_site() {
    in_run(|| {
        let handle = Builder::new().name("parser".into()).spawn(|| panic!("line 3")).unwrap();
        let (id, line) = (handle.id().as_u64(), line!() - 1);
        let error: JoinError = handle.join().unwrap_err();
        let text = format!("green thread {id} \"parser\" (spawned at {}:{line}) panicked: line 3", file!());
        assert_eq!(error.to_string(), text);
        assert_eq!(format!("{error:?}"), format!("JoinError({text})"));
    });
}

#[test]
fn display_of_a_panic_without_a_size_has_no_name_to_tell() {
    in_run(|| {
        struct Nothing;
        let handle = Builder::new().name("parser".into()).spawn(|| panic::panic_any(Nothing)).unwrap();
        let error: JoinError = handle.join().unwrap_err();
        assert_eq!(error.to_string(), "green thread panicked: Box<dyn Any>");
    });
}

#[test]
fn display_of_a_cancel_says_so() {
    in_run(|| {
        let handle = Builder::new().name("parser".into()).spawn(thread::park).unwrap();
        handle.cancel();
        let error = handle.join().unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.to_string(), "green thread cancelled");
    });
}

#[test]
fn two_thousand_errors_each_name_their_green_thread() {
    in_run(|| {
        let handles = (0..2000).map(|i| {
            // Without the panic hook: nothing is printed.
            let fail = move || panic::resume_unwind(Box::new(format!("failed in {i}")));
            Builder::new().name(format!("worker {i}")).spawn(fail).unwrap()
        });
        let results: Vec<sward::thread::Result<()>> = sward::join_all(handles.collect::<Vec<_>>());
        for (i, result) in results.into_iter().enumerate() {
            let text = result.unwrap_err().to_string();
            assert!(text.contains(&format!("\"worker {i}\"")), "{text}");
        }
    });
}

#[test]
fn an_error_that_is_no_panic_has_no_payload() {
    in_run(|| {
        let handle = sward::spawn(thread::park);
        handle.cancel();
        let error = handle.join().unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.downcast_ref::<&str>(), None);
        let error = error.downcast::<Box<dyn Any>>().unwrap_err();
        assert!(message_of_panic(|| error.into_panic()).contains("cancelled"));
    });
}

#[test]
fn join_all_gives_every_result_in_the_order_of_the_handles() {
    in_virtual_time(|| {
        let handles = (0..10_u64).map(|i| {
            sward::spawn(move || {
                thread::sleep(Duration::from_secs(10 - i));
                if i == 5 { panic!("five") } else { i }
            })
        });
        let results = sward::join_all(handles);
        for (i, result) in results.into_iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(value, i as u64),
                Err(error) => assert_eq!((i, error.downcast_ref::<&str>()), (5, Some(&"five"))),
            }
        }
    });
}

#[test]
fn join_all_of_none_is_empty() {
    in_run(|| assert!(sward::join_all(Vec::<sward::JoinHandle<()>>::new()).is_empty()));
}

#[test]
fn a_status_follows_the_life_of_a_green_thread() {
    in_run(|| {
        let handle = sward::spawn(|| {
            thread::yield_now();
            thread::park();
        });
        assert_eq!(handle.status(), Status::Pending);
        thread::yield_now();
        assert_eq!(handle.status(), Status::Running);
        thread::yield_now();
        assert_eq!(handle.status(), Status::Parked);
        handle.thread().unpark();
        assert_eq!(handle.status(), Status::Running);
        assert!(!handle.is_finished());
        thread::yield_now();
        assert_eq!(handle.status(), Status::Done);
        assert!(handle.is_finished());
        let panicked = sward::spawn(|| panic!("on purpose"));
        let cancelled = sward::spawn(thread::park);
        cancelled.cancel();
        thread::yield_now();
        assert_eq!((panicked.status(), cancelled.status()), (Status::Panicked, Status::Cancelled));
    });
}

#[test]
fn a_join_of_oneself_is_a_clear_panic() {
    in_run(|| {
        let (sender, receiver) = mpsc::channel();
        let (out, message) = mpsc::channel();
        let handle = Builder::new()
            .name("narcissus".into())
            .spawn(move || {
                let me: sward::JoinHandle<()> = receiver.recv().unwrap();
                out.send(message_of_panic(|| me.join())).unwrap();
            })
            .unwrap();
        sender.send(handle).unwrap();
        thread::yield_now();
        let message = message.recv().unwrap();
        assert!(message.contains("\"narcissus\"") && message.contains("joins its own handle"), "{message}");
    });
}

#[test]
fn a_detached_green_thread_runs_on_and_its_result_is_dropped_once() {
    in_run(|| {
        let drops = Drops::new();
        let guard = drops.guard();
        drop(sward::spawn(move || {
            thread::yield_now();
            guard
        }));
        thread::yield_now();
        assert_eq!(drops.count(), 0);
        thread::yield_now();
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_handle_dropped_after_the_end_drops_the_result_once() {
    in_run(|| {
        let drops = Drops::new();
        let guard = drops.guard();
        let handle = sward::spawn(move || guard);
        thread::yield_now();
        assert_eq!(drops.count(), 0);
        drop(handle);
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_forgotten_handle_harms_nobody() {
    in_run(|| {
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let ran = Arc::clone(&ran);
            std::mem::forget(sward::spawn(move || ran.fetch_add(1, SeqCst)));
        }
        thread::yield_now();
        assert_eq!(ran.load(SeqCst), 100);
    });
}

#[test]
fn a_hundred_thousand_spawns_at_once_all_end() {
    watched(|| {
        let total: u64 = sward::run(|| {
            let handles = (0..100_000_u64).map(|i| {
                sward::spawn(move || {
                    thread::yield_now();
                    i
                })
            });
            sward::join_all(handles).into_iter().map(Result::unwrap).sum()
        });
        assert_eq!(total, 4_999_950_000);
    });
}

#[test]
fn a_hundred_thousand_spawns_from_an_os_thread_all_end() {
    watched(|| {
        let runtime = runtime(2);
        let handles: Vec<_> = (0..100_000_u64)
            .map(|i| {
                runtime.spawn(move || {
                    thread::yield_now();
                    i
                })
            })
            .collect();
        assert_eq!(sward::join_all(handles).into_iter().map(Result::unwrap).sum::<u64>(), 4_999_950_000);
    });
}

#[test]
fn spawns_nest_a_thousand_deep() {
    fn deep(n: u32) -> u32 {
        if n == 0 { 0 } else { sward::spawn(move || deep(n - 1)).join().unwrap() + 1 }
    }
    assert_eq!(in_run(|| deep(1000)), 1000);
    assert_eq!(watched(|| runtime(2).run(|| deep(1000))), 1000);
}

#[test]
fn a_value_that_panics_in_its_drop_does_not_harm_the_worker() {
    in_run(|| {
        struct Angry;
        impl Drop for Angry {
            fn drop(&mut self) {
                panic!("in drop");
            }
        }
        drop(sward::spawn(|| Angry));
        thread::yield_now();
        let pending = sward::spawn({
            let angry = Angry;
            move || drop(angry)
        });
        pending.cancel();
        assert_eq!(pending.join().unwrap_err().downcast_ref::<&str>(), Some(&"in drop"));
        assert_eq!(sward::spawn(|| 1).join().unwrap(), 1);
    });
}
