//! Groups, pools, task groups, supervisors, and locals.

mod support;

use std::{
    cell::{Cell, RefCell},
    panic,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{
    Child, Drops, OnDrop, in_virtual_time, message_of_panic, runtime, until_parked, watched, within,
};
use sward::{
    Group, Pool, Supervisor, TaskGroup, TryJoinError,
    group::{Backoff, Restart, Strategy},
    sleep, spawn, thread,
    time::Instant,
    timeout, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// How many are inside, and how many ever were at once.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    fn visit(&self, stay: Duration) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        let _leave = OnDrop(|| {
            self.now.fetch_sub(1, SeqCst);
        });
        sleep(stay);
    }
}

#[test]
fn a_group_counts_joins_and_cancels() {
    in_virtual_time(|| {
        let (group, drops) = (Group::new(), Drops::new());
        assert!(group.is_empty());
        group.join();
        for seconds in 1..=10 {
            let guard = drops.guard();
            let _detached = group.spawn(move || {
                let _guard = guard;
                sleep(secs(seconds));
            });
        }
        assert_eq!((group.len(), group.cancellers().len()), (10, 10));
        assert!(timeout(Duration::from_millis(3500), || group.join()).is_err());
        assert_eq!((group.len(), drops.count()), (7, 3));
        let bad = group.spawn(|| panic::resume_unwind(Box::new(())));
        yield_now();
        assert_eq!(group.len(), 7, "a panic is that one's alone");
        let _: Result<(), _> = bad.join();
        group.clone().cancel_all();
        group.join();
        assert_eq!((group.len(), drops.count()), (0, 10));
    });
}

#[test]
fn a_group_also_waits_for_what_is_spawned_meanwhile() {
    in_virtual_time(|| {
        let (group, start) = (Group::new(), Instant::now());
        let theirs = group.clone();
        let _detached = group.spawn(move || {
            sleep(SECOND);
            let _grandchild = theirs.spawn(|| sleep(SECOND));
        });
        group.join();
        assert_eq!(start.elapsed(), secs(2));
    });
}

#[test]
fn a_dropped_group_leaves_them_running() {
    in_virtual_time(|| {
        let group = Group::new();
        let handle = group.spawn(|| sleep(SECOND));
        drop(group);
        handle.join().unwrap();
    });
}

#[test]
fn a_group_is_joined_by_several_and_from_os_threads() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..100 {
            let group = Group::new();
            runtime.run(|| (0..20).for_each(|_| drop(group.spawn(yield_now))));
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let group = group.clone();
                    std::thread::spawn(move || group.join())
                })
                .collect();
            group.join();
            others.into_iter().for_each(|other| other.join().unwrap());
            assert!(group.is_empty());
        }
    });
}

#[test]
fn no_more_than_a_pools_size_run_at_once() {
    in_virtual_time(|| {
        let (pool, crowd, start) = (Pool::new(3), Arc::new(Crowd::default()), Instant::now());
        for _ in 0..10 {
            let crowd = Arc::clone(&crowd);
            let _detached = pool.spawn(move || crowd.visit(SECOND));
        }
        // The spawner was held back: the last one began after three rounds.
        assert_eq!(start.elapsed(), secs(3));
        yield_now(); // the other two of the third round end at the same moment
        assert_eq!((pool.free_count(), pool.len()), (2, 1));
        pool.join();
        assert_eq!((start.elapsed(), pool.free_count(), pool.is_empty()), (secs(4), 3, true));
        assert_eq!(crowd.most.load(SeqCst), 3);
    });
}

#[test]
fn a_full_pool_gives_the_closure_back() {
    in_virtual_time(|| {
        let pool = Pool::new(1);
        let running = pool.spawn(|| sleep(SECOND));
        let refused = pool.try_spawn(|| 42).unwrap_err();
        assert_eq!(refused(), 42);
        let start = Instant::now();
        pool.wait_available();
        assert_eq!((start.elapsed(), pool.free_count()), (SECOND, 1));
        assert_eq!(pool.try_spawn(|| 42).ok().unwrap().join().unwrap(), 42);
        running.join().unwrap();
        assert!(message_of_panic(|| Pool::new(0)).contains("size 0"));
    });
}

#[test]
fn whatever_ends_one_its_place_is_free_again() {
    in_virtual_time(|| {
        let pool = Pool::new(2);
        for _ in 0..5 {
            let _: Result<(), _> = pool.spawn(|| panic::resume_unwind(Box::new(()))).join();
            let parked = pool.spawn(thread::park);
            let pending = pool.spawn(thread::park);
            pending.cancel();
            yield_now();
            parked.cancel();
            assert!(parked.join().is_err() && pending.join().is_err());
            assert!(timeout(SECOND, || pool.spawn(thread::park).cancel()).is_ok());
            pool.join();
        }
        assert_eq!(pool.free_count(), 2);
    });
}

#[test]
fn a_spawner_that_gives_up_its_wait_loses_no_place() {
    in_virtual_time(|| {
        let pool = Pool::new(1);
        let running = pool.spawn(|| sleep(secs(10)));
        let waits = |pool: &Pool| {
            let pool = pool.clone();
            spawn(move || pool.spawn(|| ()).join().unwrap())
        };
        let (gives_up, next) = (waits(&pool), waits(&pool));
        until_parked(&gives_up);
        until_parked(&next);
        running.cancel();
        yield_now(); // its place is free, and the first in line is called
        gives_up.cancel();
        assert!(timeout(HOUR, || next.join().unwrap()).is_ok(), "the call went on to the next");
        drop(gives_up.join());
        assert!(timeout(SECOND, || pool.spawn(|| ()).join().unwrap()).is_ok());
    });
}

#[test]
fn map_is_in_order_and_a_panic_is_its_items_error() {
    in_virtual_time(|| {
        let (pool, crowd) = (Pool::new(4), Arc::new(Crowd::default()));
        let theirs = Arc::clone(&crowd);
        let results = pool.map(0..20_u64, move |i| {
            theirs.visit(secs(20 - i));
            if i == 7 {
                panic::resume_unwind(Box::new(i));
            }
            i * i
        });
        for (i, result) in (0..).zip(results) {
            match result {
                Ok(square) => assert_eq!(square, i * i),
                Err(error) => assert_eq!((i, error.downcast_ref()), (7, Some(&7_u64))),
            }
        }
        assert_eq!(crowd.most.load(SeqCst), 4);
    });
}

#[test]
fn imaps_are_lazy_with_a_bounded_look_ahead() {
    in_virtual_time(|| {
        for ordered in [true, false] {
            let taken = Arc::new(AtomicUsize::new(0));
            let theirs = Arc::clone(&taken);
            let items = std::iter::repeat_with(move || theirs.fetch_add(1, SeqCst) as u64);
            let pool = Pool::new(3);
            let work = |i: u64| {
                sleep(secs(1 + i));
                i
            };
            let mut results: Box<dyn Iterator<Item = sward::thread::Result<u64>>> = match ordered {
                true => Box::new(pool.imap(items, work)),
                false => Box::new(pool.imap_unordered(items, work)),
            };
            assert_eq!(taken.load(SeqCst), 0, "nothing before it is asked for");
            for expected in 0..5 {
                assert_eq!(results.next().unwrap().unwrap(), expected);
                assert!(taken.load(SeqCst) as u64 <= expected + 4, "{} taken", taken.load(SeqCst));
            }
            drop(results);
            let start = Instant::now();
            pool.join();
            assert_eq!(start.elapsed(), Duration::ZERO, "what was left is cancelled");
            assert_eq!(pool.free_count(), 3);
        }
    });
}

#[test]
fn imap_unordered_is_in_the_order_of_the_ends() {
    in_virtual_time(|| {
        let pool = Pool::new(10);
        let order: Vec<_> = pool
            .imap_unordered([3, 1, 2], |i| {
                sleep(secs(i));
                i
            })
            .map(Result::unwrap)
            .collect();
        assert_eq!(order, [1, 2, 3]);
        assert_eq!(
            pool.imap(Vec::<u8>::new(), |i| i).count() + pool.imap_unordered(Vec::<u8>::new(), |i| i).count(),
            0
        );
    });
}

#[test]
fn an_imap_unordered_may_change_threads_between_two_items() {
    within(secs(10), || {
        sward::Runtime::builder().virtual_clock(true).run(|| {
            let pool = Pool::new(2);
            let mut results = pool.imap_unordered([1, 2, 3], |i| {
                sleep(secs(i));
                i
            });
            assert_eq!(results.next().unwrap().unwrap(), 1);
            let rest = spawn(move || results.map(Result::unwrap).sum::<u64>());
            assert_eq!(rest.join().unwrap(), 5);
        });
    });
}

#[test]
fn a_pool_shared_by_two_imaps_serves_both() {
    in_virtual_time(|| {
        let pool = Pool::new(2);
        let sums = [0, 1].map(|_| {
            let pool = pool.clone();
            spawn(move || {
                let results = pool.imap(1..=50_u64, |i| {
                    sleep(secs(i % 3));
                    i
                });
                results.map(Result::unwrap).sum::<u64>()
            })
        });
        assert_eq!(sums.map(|sum| sum.join().unwrap()), [1275; 2]);
    });
}

#[test]
fn a_task_groups_first_failure_cancels_the_rest() {
    in_virtual_time(|| {
        let (drops, start) = (Drops::new(), Instant::now());
        let failed = TaskGroup::run(|group| {
            for seconds in [9, 3, 1, 2, 5] {
                let guard = drops.guard();
                group.spawn(move || {
                    let _guard = guard;
                    sleep(secs(seconds));
                    if seconds == 1 { Ok(()) } else { Err(seconds) }
                });
            }
        });
        assert!(matches!(failed, Err(TryJoinError::Failed(2))), "{failed:?}");
        assert_eq!((start.elapsed(), drops.count()), (secs(2), 5));
        let failed = TaskGroup::<()>::run(|group| {
            group.spawn(|| {
                sleep(HOUR);
                Ok(())
            });
            group.spawn(|| -> Result<(), ()> { panic::resume_unwind(Box::new(7)) });
        });
        assert!(matches!(failed, Err(TryJoinError::Join(error)) if error.downcast_ref() == Some(&7)));
        // One that comes after the failure never runs.
        let late = TaskGroup::run(|group| {
            group.spawn(|| Err::<(), _>("first"));
            yield_now();
            assert!(
                group
                    .spawn(|| {
                        thread::park();
                        Ok(())
                    })
                    .join()
                    .unwrap_err()
                    .is_cancelled()
            );
        });
        assert!(matches!(late, Err(TryJoinError::Failed("first"))));
    });
}

#[test]
fn a_task_groups_owner_that_is_cancelled_or_timed_out_takes_them_along() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let body = |drops: Drops| {
            TaskGroup::<()>::run(|group| {
                for _ in 0..10 {
                    let guard = drops.guard();
                    group.spawn(move || {
                        let _guard = guard;
                        sleep(HOUR);
                        Ok(())
                    });
                }
            })
        };
        assert!(timeout(SECOND, || body(drops.clone())).is_err());
        assert_eq!(drops.count(), 10);
        let theirs = drops.clone();
        let owner = spawn(move || drop(body(theirs)));
        until_parked(&owner);
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 20);
    });
}

// ---- supervisors

/// Fails so many times, and notes when it began.
fn flaky(fails: usize, begins: &Arc<Mutex<Vec<Duration>>>) -> impl Fn() + Send + Sync + 'static {
    let (begins, start) = (Arc::clone(begins), Instant::now());
    move || {
        begins.lock().unwrap().push(start.elapsed());
        if begins.lock().unwrap().len() <= fails {
            panic::resume_unwind(Box::new("flaky"));
        }
    }
}

fn doubling() -> Backoff {
    Backoff { first: SECOND, factor: 2.0, longest: secs(5) }
}

#[test]
fn a_supervisor_restarts_with_exponential_backoff() {
    in_virtual_time(|| {
        let begins = Arc::default();
        let supervisor =
            Supervisor::new().intensity(10, HOUR).backoff(doubling()).child("flaky", flaky(5, &begins));
        supervisor.run().unwrap();
        assert_eq!(*begins.lock().unwrap(), [0, 1, 3, 7, 12, 17].map(secs));
    });
}

#[test]
fn a_supervisor_gives_up_when_there_are_too_many_restarts() {
    in_virtual_time(|| {
        let (begins, drops) = (Arc::default(), Drops::new());
        let theirs = drops.clone();
        let error = Supervisor::new()
            .intensity(3, HOUR)
            .child("hopeless", flaky(usize::MAX, &begins))
            .child("steady", move || {
                let _guard = theirs.guard();
                thread::park();
            })
            .run()
            .unwrap_err();
        assert_eq!((begins.lock().unwrap().len(), drops.count()), (4, 1));
        assert!(error.to_string().contains("\"hopeless\""), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    });
}

#[test]
fn one_for_one_leaves_the_others_alone_and_one_for_all_does_not() {
    in_virtual_time(|| {
        for (strategy, begun) in [(Strategy::OneForOne, 1), (Strategy::OneForAll, 3)] {
            let (begins, others) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
            let theirs = Arc::clone(&others);
            Supervisor::new()
                .strategy(strategy)
                .child("flaky", flaky(2, &begins))
                .child("other", move || {
                    theirs.fetch_add(1, SeqCst);
                    sleep(HOUR);
                })
                .run()
                .unwrap();
            assert_eq!((begins.lock().unwrap().len(), others.load(SeqCst)), (3, begun), "{strategy:?}");
        }
    });
}

#[test]
fn what_is_restarted_depends_on_the_kind_of_child() {
    in_virtual_time(|| {
        let counts: [Arc<AtomicUsize>; 3] = Default::default();
        let job = |which: usize, panics: bool| {
            let count = Arc::clone(&counts[which]);
            move || {
                if count.fetch_add(1, SeqCst) == 0 && panics {
                    panic::resume_unwind(Box::new(()));
                }
            }
        };
        let error = Supervisor::new()
            .intensity(4, HOUR)
            .child_with("transient", Restart::Transient, job(0, true))
            .child_with("temporary", Restart::Temporary, job(1, true))
            .child_with("permanent", Restart::Permanent, job(2, false))
            .run()
            .unwrap_err();
        assert!(error.to_string().contains("permanent"));
        assert_eq!(counts.map(|count| count.load(SeqCst)), [2, 1, 4]);
    });
}

#[test]
fn a_cancelled_supervisor_takes_its_children_along() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let supervisor = spawn(move || {
            Supervisor::new()
                .child("steady", move || {
                    let _guard = theirs.guard();
                    thread::park();
                })
                .run()
        });
        until_parked(&supervisor);
        yield_now();
        supervisor.cancel();
        assert!(supervisor.join().unwrap_err().is_cancelled());
        yield_now();
        assert_eq!(drops.count(), 1);
    });
}

// ---- locals

thread_local!(static DROPPED: Cell<usize> = const { Cell::new(0) });

struct Counted(u32);

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

sward::local! {
    static NUMBER: Cell<u32> = Cell::new(7);
    /// With a destructor.
    static OWNED: RefCell<Vec<Counted>> = RefCell::default();
}

#[test]
fn a_local_is_each_green_threads_own_and_dropped_at_its_end() {
    in_virtual_time(|| {
        NUMBER.set(1);
        let job = |n: u32, end: fn()| {
            spawn(move || {
                assert_eq!(NUMBER.replace(n), 7);
                OWNED.with_borrow_mut(|owned| owned.push(Counted(n)));
                yield_now();
                end();
                assert_eq!(NUMBER.get() + OWNED.with_borrow(|owned| owned[0].0), 2 * n);
            })
        };
        let (returns, cancelled) = (job(2, || ()), job(3, thread::park));
        let panics = job(4, || panic::resume_unwind(Box::new(())));
        returns.join().unwrap();
        assert!(panics.join().is_err());
        assert_eq!(DROPPED.get(), 2);
        cancelled.cancel();
        assert!(cancelled.join().is_err());
        assert_eq!((DROPPED.get(), NUMBER.get()), (3, 1));
        // A reused stack and slot starts anew.
        (0..10).for_each(|_| assert_eq!(spawn(|| NUMBER.replace(9)).join().unwrap(), 7));
    });
}

#[test]
fn a_local_in_the_destructor_of_another() {
    struct Last(Arc<Mutex<Option<bool>>>);
    impl Drop for Last {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = Some(KEPT.try_with(|_| ()).is_err());
        }
    }
    sward::local!(static KEPT: RefCell<Option<Last>> = const { RefCell::new(None) });
    in_virtual_time(|| {
        let gone = Arc::default();
        let theirs = Arc::clone(&gone);
        spawn(move || KEPT.set(Some(Last(theirs)))).join().unwrap();
        assert_eq!(*gone.lock().unwrap(), Some(true), "what is being dropped is not there");
    });
}

#[test]
fn on_an_os_thread_a_local_is_a_thread_local() {
    watched(|| {
        NUMBER.set(5);
        assert_eq!(std::thread::spawn(|| NUMBER.get()).join().unwrap(), 7);
        assert_eq!((NUMBER.get(), sward::spawn(|| NUMBER.get()).join().unwrap()), (5, 7));
    });
}

#[test]
fn a_shield_at_the_very_end_of_an_os_thread() {
    // In a child process: a panic in the destructor of a thread-local ends it.
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            assert_eq!(sward::shield(|| timeout(HOUR, || sward::shield(|| 42))), Ok(42));
        }
    }
    thread_local!(static LAST: Cell<Option<Last>> = const { Cell::new(None) });
    let ended = Child::of("a_shield_at_the_very_end_of_an_os_thread").run(|| {
        let thread = std::thread::spawn(|| {
            LAST.set(Some(Last)); // before sward's own locals, and so dropped after them
            sward::shield(|| timeout(HOUR, || ())).unwrap();
        });
        thread.join().unwrap();
    });
    ended.is_well();
}
