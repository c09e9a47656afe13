//! The variables that set up the default runtime.

use std::sync::Arc;

use crate::support::Child;

#[test]
fn the_default_runtime_has_as_many_workers_as_the_environment_says() {
    let ended = Child::of("environment::the_default_runtime_has_as_many_workers_as_the_environment_says")
        .env("SWARD_WORKERS", " 3 ")
        .env("SWARD_STACK_SIZE", "300000")
        .run(|| {
            let barrier = Arc::new(std::sync::Barrier::new(3));
            let handles = (0..3).map(|_| {
                let barrier = Arc::clone(&barrier);
                // All three block their workers at once, each with 200 KB of its stack in use.
                sward::spawn(move || {
                    let room = std::hint::black_box([1_u8; 200_000]);
                    barrier.wait();
                    usize::from(room[100])
                })
            });
            let sum: usize = sward::join_all(handles).into_iter().map(Result::unwrap).sum();
            assert_eq!(sum, 3);
        });
    ended.is_well();
}

/// The default runtime does not start with this in the environment, and says so.
#[track_caller]
fn is_refused(test: &'static str, variable: &'static str, value: &'static str, words: &[&str]) {
    let ended = Child::of(test).env(variable, value).run(|| drop(sward::spawn(|| ())));
    assert_eq!(ended.code, Some(101), "{ended:?}");
    ended.says(words);
}

#[test]
fn a_bad_number_of_workers_in_the_environment_is_a_clear_message() {
    let test = "environment::a_bad_number_of_workers_in_the_environment_is_a_clear_message";
    is_refused(
        test,
        "SWARD_WORKERS",
        "many",
        &["SWARD_WORKERS=many is not the number of workers, 1 or more"],
    );
}

#[test]
fn no_workers_in_the_environment_is_a_clear_message() {
    let test = "environment::no_workers_in_the_environment_is_a_clear_message";
    is_refused(test, "SWARD_WORKERS", "0", &["SWARD_WORKERS=0 is not the number of workers, 1 or more"]);
}

#[test]
fn too_many_workers_in_the_environment_are_a_clear_message() {
    let test = "environment::too_many_workers_in_the_environment_are_a_clear_message";
    is_refused(test, "SWARD_WORKERS", "65535", &["SWARD_WORKERS=65535: a runtime has at most 65534 workers"]);
}

#[test]
fn a_bad_stack_size_in_the_environment_is_a_clear_message() {
    let test = "environment::a_bad_stack_size_in_the_environment_is_a_clear_message";
    is_refused(
        test,
        "SWARD_STACK_SIZE",
        "64k",
        &["SWARD_STACK_SIZE=64k is not the size of a stack in bytes"],
    );
}

#[test]
fn a_huge_stack_size_in_the_environment_is_a_clear_message() {
    let test = "environment::a_huge_stack_size_in_the_environment_is_a_clear_message";
    is_refused(
        test,
        "SWARD_STACK_SIZE",
        "99999999999999",
        &["SWARD_STACK_SIZE=99999999999999", "1073741824"],
    );
}

#[test]
fn the_environment_does_not_change_a_runtime_of_ones_own() {
    let ended = Child::of("environment::the_environment_does_not_change_a_runtime_of_ones_own")
        .env("SWARD_WORKERS", "nonsense")
        .run(|| assert_eq!(sward::run(|| sward::spawn(|| 1).join().unwrap()), 1));
    ended.is_well();
}
