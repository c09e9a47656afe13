//! What a builder and a runtime take, and what they refuse.

use std::io;

use crate::support::in_run;
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
        (refused(builder().workers(65_535)), "at most 65534 workers"),
        (refused(builder().max_green_threads(0)), "max_green_threads(0)"),
        (refused(builder().workers(2).virtual_clock(true)), "virtual clock"),
        (refused(builder().thread_name("nul\0")), "thread_name"),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(word), "{error}");
    }
}
