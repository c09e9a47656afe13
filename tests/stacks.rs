//! Stacks: their limits, what happens when there are none, and calls that need a big one.

mod support;

use std::{
    cell::RefCell,
    hint::black_box,
    panic,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{Child, Drops, OnDrop, in_run, message_of_panic, settle, watched};
use sward::{JoinError, JoinHandle, Runtime, Status, event::Event, thread, thread::Builder};

/// A kilobyte a level, three of them unoptimised.
fn depth(n: u32) -> u32 {
    let frame = black_box([n; 256]);
    if n == 0 { 0 } else { 1 + depth(frame[0] - 1) }
}

/// How many are between their beginning and their end, and the most that ever were.
#[derive(Clone, Default)]
struct Alive(Arc<(AtomicUsize, AtomicUsize)>);

impl Alive {
    fn during<R>(&self, f: impl FnOnce() -> R) -> R {
        let now = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(now, SeqCst);
        let result = f();
        self.0.0.fetch_sub(1, SeqCst);
        result
    }

    fn most(&self) -> usize {
        self.0.1.load(SeqCst)
    }
}

/// In a runtime of one worker, with places for so many: the closure's green thread has one of them.
#[track_caller]
fn in_limit_of(places: usize, f: impl FnOnce() + Send + 'static) {
    watched(move || Runtime::builder().max_green_threads(places).run(f));
}

#[test]
fn no_more_run_at_once_than_the_limit_and_all_end() {
    for (workers, max) in [(1, 1), (1, 10), (2, 1), (2, 10), (2, 3)] {
        watched(move || {
            let runtime = Runtime::builder().workers(workers).max_green_threads(max).build().unwrap();
            let alive = Alive::default();
            let handles: Vec<_> = (0..2000)
                .map(|i| {
                    let alive = alive.clone();
                    runtime.spawn(move || {
                        alive.during(|| {
                            for _ in 0..i % 4 {
                                thread::yield_now();
                            }
                            if i % 7 == 0 {
                                thread::sleep(Duration::from_micros(50));
                            }
                        });
                        i
                    })
                })
                .collect();
            for (i, result) in sward::join_all(handles).into_iter().enumerate() {
                assert_eq!(result.unwrap(), i);
            }
            assert!(alive.most() <= max, "{} at once of {max}, {workers} workers", alive.most());
            assert!(max == 1 || alive.most() > 1, "only one at a time, {workers} workers");
        });
    }
}

#[test]
fn the_limit_holds_back_green_threads_that_sleep() {
    watched(|| {
        Runtime::builder().virtual_clock(true).max_green_threads(11).run(|| {
            let (alive, start) = (Alive::default(), sward::time::Instant::now());
            let handles = (0..1000).map(|_| {
                let alive = alive.clone();
                sward::spawn(move || alive.during(|| thread::sleep(Duration::from_secs(1))))
            });
            sward::join_all(handles).into_iter().for_each(Result::unwrap);
            // The main one counts, too.
            assert_eq!((alive.most(), start.elapsed()), (10, Duration::from_secs(100)));
        });
    });
}

#[test]
fn the_limit_keeps_the_order_of_the_spawns() {
    watched(|| {
        Runtime::builder().virtual_clock(true).max_green_threads(2).run(|| {
            let order = Arc::new(std::sync::Mutex::new(Vec::new()));
            let handles = (0..100).map(|i| {
                let order = Arc::clone(&order);
                sward::spawn(move || {
                    order.lock().unwrap().push(i);
                    thread::sleep(Duration::from_secs(1));
                })
            });
            sward::join_all(handles).into_iter().for_each(Result::unwrap);
            assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
        });
    });
}

#[test]
fn a_hundred_thousand_wait_for_a_hundred_places() {
    watched(|| {
        let runtime = Runtime::builder().workers(2).max_green_threads(100).build().unwrap();
        let alive = Alive::default();
        let handles: Vec<_> = (0..100_000)
            .map(|_| {
                let alive = alive.clone();
                runtime.spawn(move || alive.during(thread::yield_now))
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
        assert!(alive.most() <= 100, "{}", alive.most());
    });
}

/// Each of these lets the next one start at its end: if that was done there and then, the worker's own stack would overflow.
#[test]
fn a_hundred_thousand_that_waited_for_one_place_start_one_after_the_other() {
    watched(|| {
        Runtime::builder().virtual_clock(true).max_green_threads(2).run(|| {
            let first = sward::spawn(|| thread::sleep(Duration::from_secs(1)));
            let others: Vec<_> = (0..100_000).map(|i| sward::spawn(move || i)).collect();
            for (i, result) in sward::join_all(others).into_iter().enumerate() {
                assert_eq!(result.unwrap(), i);
            }
            first.join().unwrap();
        });
    });
}

#[test]
fn a_shutdown_cancels_what_waits_for_a_place() {
    watched(|| {
        let runtime = Runtime::builder().workers(2).max_green_threads(2).build().unwrap();
        let drops = Drops::new();
        let parked: Vec<_> = (0..2).map(|_| runtime.spawn(thread::park)).collect();
        while parked.iter().any(|handle| handle.status() != Status::Parked) {
            thread::yield_now();
        }
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let guard = drops.guard();
                runtime.spawn(move || drop(guard))
            })
            .collect();
        drop(runtime);
        assert_eq!(drops.count(), 100);
        assert!(sward::join_all(waiting).into_iter().all(|result| result.unwrap_err().is_cancelled()));
    });
}

#[test]
fn a_cancelled_one_that_waits_for_a_place_ends_when_its_turn_comes() {
    watched(|| {
        let runtime = Runtime::builder().workers(1).max_green_threads(1).build().unwrap();
        let first = runtime.spawn(thread::park);
        let second = runtime.spawn(|| unreachable!("cancelled before it ran"));
        let third = runtime.spawn(|| 3);
        while first.status() != Status::Parked {
            thread::yield_now();
        }
        second.cancel();
        first.thread().unpark();
        first.join().unwrap();
        assert!(second.join().unwrap_err().is_cancelled());
        assert_eq!(third.join().unwrap(), 3);
    });
}

#[test]
fn a_cancelled_one_leaves_its_stack_to_nobody_who_has_no_place() {
    in_limit_of(2, || {
        let parked = sward::spawn(thread::park);
        thread::yield_now();
        let cancelled = sward::spawn(|| unreachable!("cancelled before it ran"));
        cancelled.cancel();
        let waiting = sward::spawn(|| ());
        (0..10).for_each(|_| thread::yield_now());
        assert_eq!((cancelled.status(), waiting.status()), (Status::Cancelled, Status::Pending));
        parked.thread().unpark();
        waiting.join().unwrap();
    });
}

#[test]
fn a_cancelled_one_that_follows_on_a_stack_has_no_place_either() {
    in_limit_of(2, || {
        let done = Arc::new(sward::event::Event::new());
        let theirs = Arc::clone(&done);
        let waits = OnDrop(move || sward::shield(|| theirs.wait()));
        let before = sward::spawn(|| ());
        let cancelled = sward::spawn(move || drop(waits));
        cancelled.cancel();
        let waited_for = sward::spawn(move || done.set());
        assert!(cancelled.join().unwrap_err().is_cancelled());
        waited_for.join().unwrap();
        before.join().unwrap();
    });
}

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

#[test]
fn half_a_megabyte_of_recursion_fits_the_big_stack_and_not_the_small_one() {
    assert_eq!(in_run(|| sward::spawn(|| sward::on_big_stack(|| depth(400))).join().unwrap()), 400);
    assert_eq!(watched(|| support::runtime(2).run(|| sward::on_big_stack(|| depth(400)))), 400);
}

#[test]
fn a_stack_size_on_request_holds_what_it_says() {
    in_run(|| {
        let handle = Builder::new().stack_size(4 << 20).spawn(|| depth(1000)).unwrap();
        assert_eq!(handle.join().unwrap(), 1000);
    });
}

#[test]
fn the_big_stack_borrows_returns_and_nests() {
    in_run(|| {
        let mut text = String::from("a");
        let length = sward::on_big_stack(|| {
            text.push('b');
            sward::on_big_stack(|| text.push('c'));
            text.len()
        });
        assert_eq!((length, text.as_str()), (3, "abc"));
    });
}

#[test]
fn a_panic_on_the_big_stack_comes_out_of_it() {
    in_run(|| {
        assert_eq!(message_of_panic(|| sward::on_big_stack(|| panic!("deep down"))), "deep down");
        assert_eq!(
            message_of_panic(|| sward::on_big_stack(|| sward::on_big_stack(|| panic!("deeper")))),
            "deeper"
        );
        let handle = sward::spawn(|| sward::on_big_stack(|| panic!("unjoined")));
        assert_eq!(handle.join().unwrap_err().downcast_ref::<&str>(), Some(&"unjoined"));
        // And it switches again.
        sward::spawn(thread::yield_now).join().unwrap();
    });
}

#[test]
fn a_caught_panic_on_the_big_stack_leaves_all_well() {
    in_run(|| {
        let value =
            sward::on_big_stack(|| panic::catch_unwind(|| panic::resume_unwind(Box::new(5))).is_err());
        assert!(value && !thread::panicking());
        thread::yield_now();
    });
}

#[test]
fn parks_on_the_big_stack_block_in_place_and_return() {
    in_run(|| {
        let others = Rc::new(RefCell::new(0));
        let theirs = Rc::clone(&others);
        sward::spawn_local(move || *theirs.borrow_mut() += 1);
        sward::on_big_stack(|| {
            thread::sleep(Duration::from_millis(1));
            thread::yield_now();
            thread::park_timeout(Duration::from_millis(1));
            thread::current().unpark();
            thread::park();
            assert_eq!(sward::blocking(|| 3), 3);
            assert_eq!(*others.borrow(), 0, "nobody else ran");
        });
        thread::yield_now();
        assert_eq!(*others.borrow(), 1);
    });
}

#[test]
fn a_park_on_the_big_stack_is_woken_from_another_thread() {
    in_run(|| {
        sward::on_big_stack(|| {
            let me = thread::current();
            let waker = std::thread::spawn(move || me.unpark());
            thread::park();
            waker.join().unwrap();
        });
    });
}

#[test]
fn the_big_stack_of_an_os_thread_is_its_own() {
    assert_eq!(sward::on_big_stack(|| depth(100)), 100);
}
