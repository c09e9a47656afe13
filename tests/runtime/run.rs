//! `sward::run` and `Runtime::run`.

use std::{cell::Cell, panic, rc::Rc, sync::mpsc, time::Duration};

use crate::support::{Drops, OnDrop, in_run, message_of_panic, runtime, watched};
use sward::{JoinHandle, Runtime};

#[test]
fn run_returns_what_its_closure_borrows() {
    watched(|| {
        let words = [String::from("one"), String::from("three")];
        let longest: &String = sward::run(|| words.iter().max_by_key(|word| word.len()).unwrap());
        assert_eq!(longest, "three");
        let runtime = runtime(2);
        let longest: &String = runtime.run(|| words.iter().max_by_key(|word| word.len()).unwrap());
        assert_eq!(longest, "three");
    });
}

#[test]
fn run_needs_nothing_to_be_send() {
    watched(|| {
        let shared = Rc::new(Cell::new(1));
        let back = sward::run(|| {
            shared.set(2);
            Rc::clone(&shared)
        });
        assert!(Rc::ptr_eq(&shared, &back));
        assert_eq!(shared.get(), 2);
    });
}

#[test]
fn run_can_be_called_again_and_again() {
    watched(|| {
        for i in 0..1000 {
            assert_eq!(sward::run(|| sward::spawn(move || i).join().unwrap()), i);
        }
    });
}

#[test]
fn run_inside_run_panics_and_says_so() {
    in_run(|| {
        let message = message_of_panic(|| sward::run(|| ()));
        assert!(message.contains("sward::run inside a runtime"), "{message}");
        let message = message_of_panic(|| Runtime::builder().virtual_clock(true).run(|| ()));
        assert!(message.contains("sward::run inside a runtime"), "{message}");
        let message = message_of_panic(|| sward::on_big_stack(|| sward::run(|| ())));
        assert!(message.contains("sward::run inside a runtime"), "{message}");
        assert_eq!(sward::spawn(|| 1).join().unwrap(), 1);
    });
}

#[test]
fn run_inside_a_blocking_call_is_a_runtime_of_its_own() {
    assert_eq!(in_run(|| sward::blocking(|| sward::run(|| sward::spawn(|| 7).join().unwrap()))), 7);
}

#[test]
fn run_with_two_workers_panics_and_says_so() {
    let message = message_of_panic(|| Runtime::builder().workers(2).run(|| ()));
    assert!(message.contains("2 workers"), "{message}");
}

#[test]
fn a_panic_comes_out_of_runtime_run_with_its_payload() {
    watched(|| {
        let runtime = runtime(2);
        assert_eq!(message_of_panic(|| runtime.run(|| panic!("through"))), "through");
        assert_eq!(runtime.run(|| 1), 1);
    });
}

#[test]
fn workers_are_os_threads_with_the_given_name() {
    watched(|| {
        let runtime = Runtime::builder().workers(1).thread_name("crew").build().unwrap();
        assert_eq!(
            runtime.run(|| std::thread::current().name().map(str::to_owned)).as_deref(),
            Some("crew-0")
        );
    });
}

#[test]
fn run_in_a_drop_that_an_unwinding_calls_switches_and_cancels() {
    struct Closes(mpsc::Sender<i32>);
    impl Drop for Closes {
        fn drop(&mut self) {
            let drops = Drops::new();
            let theirs = drops.clone();
            let sum = sward::run(move || {
                let waits = sward::spawn(theirs.held(sward::thread::park));
                sward::spawn(|| {
                    // It parks as it unwinds from its cancel.
                    let _parks = OnDrop(|| sward::sleep(Duration::from_millis(1)));
                    sward::thread::park();
                });
                let answer = sward::spawn(|| {
                    sward::yield_now();
                    42
                });
                let failed: JoinHandle<()> = sward::spawn(|| panic::resume_unwind(Box::new(())));
                let answer = answer.join().unwrap() + i32::from(failed.join().is_err());
                assert!(!waits.is_finished());
                answer
            });
            assert_eq!(drops.count(), 1);
            self.0.send(sum).unwrap();
        }
    }
    watched(|| {
        let (sender, sum) = mpsc::channel();
        let result = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            let _closes = Closes(sender);
            panic::resume_unwind(Box::new(()));
        }));
        assert!(result.is_err());
        assert_eq!(sum.recv(), Ok(43));
        // Elsewhere it is as ever: who unwinds stays where it is.
        sward::run(|| {
            let job: JoinHandle<()> = sward::spawn(|| {
                let _parks = OnDrop(|| sward::sleep(Duration::from_millis(1)));
                panic::resume_unwind(Box::new(()));
            });
            assert!(job.join().is_err());
        });
    });
}
