//! What happens when there is no memory for stacks.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{Alive, Child, OnDrop, settle};
use sward::{JoinError, JoinHandle, Runtime, event::Event, thread, thread::Builder};

#[test]
fn a_stack_that_cannot_be_had_is_the_joiners_error_and_names_its_reason() {
    let test = "a_stack_that_cannot_be_had_is_the_joiners_error_and_names_its_reason";
    let ended = Child::of(test).address_space(900).env("SWARD_WORKERS", "1").run(|| {
        let runtime = support::runtime(1);
        let spawn_huge = || Builder::new().stack_size(1 << 30).spawn(|| 1).unwrap();
        let error = spawn_huge().join().unwrap_err();
        assert!(matches!(error, JoinError::NoStack(_)), "{error}");
        eprintln!("error: {error}");
        // A detached one tells stderr; and the workers are well.
        drop(spawn_huge());
        assert_eq!(sward::spawn(|| 2).join().unwrap(), 2);
        assert_eq!(runtime.run(|| 3), 3);
    });
    ended.is_well();
    ended.says(&["error: green thread", "could not start", "1073741824 bytes"]);
}

/// What its closure owns waits in its `Drop` for another one of the only worker.
#[test]
fn one_that_gets_no_stack_may_wait_while_it_is_dropped() {
    struct Waits;
    impl Drop for Waits {
        fn drop(&mut self) {
            assert!(sward::is_green());
            sward::spawn(thread::yield_now).join().unwrap();
            eprintln!("has waited");
        }
    }
    let test = "one_that_gets_no_stack_may_wait_while_it_is_dropped";
    let ended = Child::of(test).address_space(900).run(|| {
        let runtime = support::runtime(1);
        let waits = Waits;
        let error = runtime
            .run(|| Builder::new().stack_size(1 << 30).spawn(move || drop(waits)).unwrap().join())
            .unwrap_err();
        assert!(matches!(error, JoinError::NoStack(_)), "{error}");
    });
    ended.is_well();
    ended.says(&["has waited"]);
}

/// Keeps the calling green thread's stack until there has once been no address space for many more, and until others have
/// tried to have one since.
fn until_there_is_no_room(no_room: &AtomicBool) {
    let limit = rlimit::Resource::AS.get_soft().unwrap();
    while !no_room.load(SeqCst) {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
        // Some of it is not used for stacks, so that other allocations still succeed.
        no_room.fetch_or(pages * 4096 + (32 << 20) > limit, SeqCst);
        thread::yield_now();
    }
    settle();
}

#[test]
fn without_memory_for_more_stacks_the_fresh_ones_wait_and_all_end() {
    let test = "without_memory_for_more_stacks_the_fresh_ones_wait_and_all_end";
    let ended = Child::of(test).address_space(600).run(|| {
        let runtime = Runtime::builder().workers(1).stack_size(1 << 20).build().unwrap();
        let (alive, no_room) = (Alive::default(), Arc::<AtomicBool>::default());
        // Two gigabytes of stacks.
        let handles: Vec<_> = (0..2000)
            .map(|i| {
                let (alive, no_room) = (alive.clone(), Arc::clone(&no_room));
                runtime.spawn(move || {
                    alive.during(|| until_there_is_no_room(&no_room));
                    i
                })
            })
            .collect();
        for (i, result) in sward::join_all(handles).into_iter().enumerate() {
            assert_eq!(result.unwrap(), i);
        }
        assert!((10..600).contains(&alive.most()), "{} at once", alive.most());
    });
    ended.is_well();
}

#[test]
fn many_that_waited_for_one_stack_start_one_after_the_other() {
    let test = "many_that_waited_for_one_stack_start_one_after_the_other";
    let ended = Child::of(test).address_space(1600).run(|| {
        sward::run(|| {
            let spawn_huge = |f: fn()| Builder::new().stack_size(1 << 30).spawn(f).unwrap();
            let first = spawn_huge(thread::park);
            let others: Vec<_> = (0..50_000).map(|_| spawn_huge(|| ())).collect();
            thread::yield_now();
            first.thread().unpark();
            sward::join_all(others).into_iter().for_each(Result::unwrap);
        });
    });
    ended.is_well();
}

#[test]
fn without_memory_two_workers_still_end_all_or_say_why_not() {
    let test = "without_memory_two_workers_still_end_all_or_say_why_not";
    let ended = Child::of(test).address_space(600).run(|| {
        let runtime = Runtime::builder().workers(2).stack_size(1 << 20).build().unwrap();
        let no_room = Arc::<AtomicBool>::default();
        let handles: Vec<_> = (0..2000)
            .map(|i| {
                let no_room = Arc::clone(&no_room);
                runtime.spawn(move || {
                    until_there_is_no_room(&no_room);
                    i
                })
            })
            .collect();
        for (i, result) in sward::join_all(handles).into_iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(value, i),
                Err(error) => assert!(matches!(error, JoinError::NoStack(_)), "{error}"),
            }
        }
    });
    ended.is_well();
}

/// The stack that the first of two waits for is gone by the time it has a place: both learn that there is none.
#[test]
fn one_that_gets_no_stack_in_the_end_leaves_nobody_waiting_behind_it() {
    let test = "one_that_gets_no_stack_in_the_end_leaves_nobody_waiting_behind_it";
    let ended = Child::of(test).address_space(1700).run(|| {
        let runtime = Runtime::builder().workers(2).max_green_threads(4).build().unwrap();
        let [here, stage] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        fn reaches(number: &AtomicUsize, goal: usize) {
            while number.load(SeqCst) < goal {
                std::thread::yield_now();
            }
        }
        fn spawn_huge(f: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
            Builder::new().stack_size(1 << 30).spawn(f).unwrap()
        }
        let taken = Arc::new(Event::new());
        let thief = {
            let [here, stage] = [&here, &stage].map(Arc::clone);
            let taken = Arc::clone(&taken);
            runtime.spawn(move || {
                here.fetch_add(1, SeqCst);
                reaches(&stage, 1); // it computes on a worker of its own
                // One that is cancelled needs no place. A local one is not run by the other worker, which has the stack.
                let cancelled = |f: Box<dyn FnOnce()>| {
                    let cancelled = Builder::new().stack_size(1 << 30).spawn_local(f).unwrap();
                    cancelled.cancel();
                    cancelled.join().unwrap_err()
                };
                // Until the other worker gives the first one's stack back.
                while let JoinError::NoStack(_) = cancelled(Box::new(|| ())) {
                    thread::sleep(Duration::from_millis(1));
                }
                let theirs = Arc::clone(&stage);
                let holds = OnDrop(move || {
                    taken.set();
                    reaches(&theirs, 2);
                });
                // It has the only stack until its closure is dropped.
                assert!(cancelled(Box::new(move || drop(holds))).is_cancelled());
            })
        };
        let waiting = {
            let [here, stage] = [&here, &stage].map(Arc::clone);
            runtime.spawn(move || {
                reaches(&here, 1);
                let first = spawn_huge(thread::park);
                let waiting = [spawn_huge(|| ()), spawn_huge(|| ())];
                let small = [sward::spawn(thread::park), sward::spawn(thread::park)];
                (0..10).for_each(|_| thread::yield_now());
                first.thread().unpark();
                first.join().unwrap();
                stage.store(1, SeqCst);
                taken.wait();
                (waiting, small)
            })
        };
        let (waiting, small) = waiting.join().unwrap();
        for waits in waiting {
            let error = waits.join().unwrap_err();
            assert!(matches!(error, JoinError::NoStack(_)), "{error}");
        }
        stage.store(2, SeqCst);
        small.iter().for_each(|parks| parks.thread().unpark());
        sward::join_all(small).into_iter().for_each(Result::unwrap);
        thief.join().unwrap();
    });
    ended.is_well();
}

#[test]
fn a_small_stack_is_had_although_a_huge_one_is_waited_for() {
    let test = "a_small_stack_is_had_although_a_huge_one_is_waited_for";
    let ended = Child::of(test).address_space(900).run(|| {
        sward::run(|| {
            let huge = Builder::new().stack_size(1 << 30).spawn(|| ()).unwrap();
            thread::yield_now();
            assert_eq!(sward::spawn(|| 1).join().unwrap(), 1);
            drop(huge);
        });
    });
    ended.is_well();
}

#[test]
fn a_join_of_what_can_never_get_a_stack_does_not_hang() {
    let test = "a_join_of_what_can_never_get_a_stack_does_not_hang";
    let ended = Child::of(test).address_space(900).run(|| {
        sward::run(|| {
            let huge = Builder::new().stack_size(1 << 30).spawn(|| ()).unwrap();
            let error = huge.join().unwrap_err();
            assert!(matches!(error, JoinError::NoStack(_)), "{error}");
        });
    });
    ended.is_well();
}
