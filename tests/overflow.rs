//! A stack overflow is caught and explained; every other fault dies as it did before.

mod support;

use std::hint::black_box;

use support::{Child, Ended, SIGABRT, SIGSEGV};
use sward::thread::{self, Builder};

/// Goes deeper until the stack is used up.
#[expect(unconditional_recursion, reason = "that is what it is for")]
fn deeper(n: u64) -> u64 {
    let room = black_box([n; 64]);
    deeper(n + 1) + room[7]
}

#[track_caller]
fn is_reported(ended: &Ended, name: &str, size: usize) {
    assert_eq!(ended.signal, Some(SIGABRT), "{ended:?}");
    ended.says(&[
        "sward: stack overflow in green thread ",
        "spawned at tests/overflow.rs:",
        "Builder::stack_size",
        "in the default runtime, SWARD_STACK_SIZE",
    ]);
    ended.says(&[name, &format!("its stack has {size} bytes")]);
}

#[test]
fn an_overflow_in_a_run_is_reported_with_name_site_and_size() {
    let ended = Child::of("an_overflow_in_a_run_is_reported_with_name_site_and_size").run(|| {
        sward::run(|| {
            let handle = Builder::new().name("glutton".into()).spawn(|| deeper(0)).unwrap();
            println!("id {}", handle.id().as_u64());
            handle.join().unwrap()
        });
    });
    is_reported(&ended, "\"glutton\"", 65_536);
    let id = ended.stdout.lines().find_map(|line| line.split("id ").nth(1)).expect("the id was printed");
    ended.says(&[&format!("green thread {id} \"glutton\"")]);
}

#[test]
fn an_overflow_on_a_worker_of_a_runtime_is_reported_with_its_own_size() {
    let test = "an_overflow_on_a_worker_of_a_runtime_is_reported_with_its_own_size";
    let ended = Child::of(test).run(|| {
        let runtime = support::runtime(2);
        runtime.run(|| {
            let handle = Builder::new().name("glutton".into()).stack_size(9000).spawn(|| {
                thread::yield_now();
                deeper(0)
            });
            handle.unwrap().join().unwrap()
        });
    });
    is_reported(&ended, "\"glutton\"", 16_384);
}

#[test]
fn an_overflow_of_the_closure_of_run_is_reported() {
    let ended = Child::of("an_overflow_of_the_closure_of_run_is_reported").run(|| {
        sward::run(|| deeper(0));
    });
    is_reported(&ended, "\"main\"", 1 << 20);
}

#[test]
fn an_overflow_after_many_switches_is_reported_for_the_right_one() {
    let ended = Child::of("an_overflow_after_many_switches_is_reported_for_the_right_one").run(|| {
        sward::run(|| {
            let handles: Vec<_> = (0..100)
                .map(|i| {
                    let run = move || {
                        for _ in 0..i {
                            thread::yield_now();
                        }
                        if i == 70 {
                            deeper(0)
                        } else {
                            loop {
                                thread::yield_now()
                            }
                        }
                    };
                    Builder::new().name(format!("number {i}")).spawn(run).unwrap()
                })
                .collect();
            sward::join_all(handles);
        });
    });
    is_reported(&ended, "\"number 70\"", 65_536);
}

#[test]
fn an_overflow_is_reported_with_guards_by_mprotect() {
    let ended = Child::of("an_overflow_is_reported_with_guards_by_mprotect")
        .env("SWARD_GUARD", "mprotect")
        .run(|| {
            sward::run(|| {
                let handle = Builder::new().name("glutton".into()).spawn(|| deeper(0)).unwrap();
                handle.join().unwrap()
            });
        });
    is_reported(&ended, "\"glutton\"", 65_536);
}

#[test]
fn a_long_name_does_not_harm_the_report() {
    let ended = Child::of("a_long_name_does_not_harm_the_report").run(|| {
        sward::run(|| {
            let handle = Builder::new().name("ü".repeat(5000)).spawn(|| deeper(0)).unwrap();
            handle.join().unwrap()
        });
    });
    is_reported(&ended, "\"üüü", 65_536);
}

fn read_address(address: usize) -> u8 {
    #[allow(unsafe_code, reason = "a fault on purpose, in a child process")]
    // SAFETY: none: it faults, and that is what the test looks at. The process ends there.
    unsafe {
        std::ptr::with_exposed_provenance::<u8>(black_box(address)).read_volatile()
    }
}

#[test]
fn another_fault_of_a_green_thread_is_still_a_segmentation_fault() {
    let ended = Child::of("another_fault_of_a_green_thread_is_still_a_segmentation_fault").run(|| {
        sward::run(|| sward::spawn(|| read_address(16)).join().unwrap());
    });
    assert_eq!(ended.signal, Some(SIGSEGV), "{ended:?}");
    assert!(!ended.stderr.contains("overflow"), "{ended:?}");
}

#[test]
fn a_fault_of_an_os_thread_is_still_a_segmentation_fault() {
    let ended = Child::of("a_fault_of_an_os_thread_is_still_a_segmentation_fault").run(|| {
        sward::run(|| ());
        read_address(16);
    });
    assert_eq!(ended.signal, Some(SIGSEGV), "{ended:?}");
    assert!(!ended.stderr.contains("overflow"), "{ended:?}");
}

#[test]
fn an_overflow_of_an_os_thread_is_still_reported_by_std() {
    let ended = Child::of("an_overflow_of_an_os_thread_is_still_reported_by_std").run(|| {
        sward::run(|| ());
        black_box(deeper(0));
    });
    assert_eq!(ended.signal, Some(SIGABRT), "{ended:?}");
    ended.says(&["has overflowed its stack"]);
    assert!(!ended.stderr.contains("sward: "), "{ended:?}");
}

#[test]
fn an_overflow_on_the_big_stack_is_reported_by_std() {
    let ended = Child::of("an_overflow_on_the_big_stack_is_reported_by_std").run(|| {
        sward::run(|| sward::on_big_stack(|| black_box(deeper(0))));
    });
    assert_eq!(ended.signal, Some(SIGABRT), "{ended:?}");
    ended.says(&["has overflowed its stack"]);
}

#[test]
fn a_panic_with_a_full_backtrace_fits_a_default_stack() {
    let ended = Child::of("a_panic_with_a_full_backtrace_fits_a_default_stack")
        .env("RUST_BACKTRACE", "full")
        .run(|| {
            sward::run(|| {
                let handle = sward::spawn(|| panic!("at length"));
                assert!(handle.join().is_err());
            });
        });
    ended.is_well();
    ended.says(&["at length", "stack backtrace"]);
}

/// One frame that is larger than the stack and its guard together.
#[inline(never)]
fn at_once<const SIZE: usize>() -> u8 {
    let room = black_box([7_u8; SIZE]);
    room[SIZE / 2]
}

#[test]
fn a_frame_that_would_step_over_the_guard_is_reported() {
    let test = "a_frame_that_would_step_over_the_guard_is_reported";
    for size in ["100", "1000"] {
        let ended = Child::of(test).env("FRAME", size).run(|| {
            let runtime = support::runtime(2);
            let overflow = || match std::env::var("FRAME").as_deref() {
                Ok("100") => at_once::<{ 100 << 10 }>(),
                _ => at_once::<{ 1000 << 10 }>(),
            };
            // Two at the same time: each on a worker of its own.
            let named = |_| Builder::new().name("glutton".into()).spawn(overflow).unwrap();
            runtime.run(|| sward::join_all([1, 2].map(named)));
        });
        is_reported(&ended, "\"glutton\"", 65_536);
    }
}
