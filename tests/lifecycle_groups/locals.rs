//! `local!`: each green thread's own, and the end of an OS thread's.

use std::{
    cell::{Cell, RefCell},
    panic,
    sync::{Arc, Mutex},
};

use crate::support::{Child, HOUR, in_virtual_time, runtime, watched};
use sward::{spawn, thread, timeout, yield_now};

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
fn a_spawn_that_is_turned_away_leaves_the_spawners_locals_alone() {
    watched(|| {
        let runtime = runtime(1);
        let gone = runtime.handle();
        drop(runtime);
        sward::run(move || {
            NUMBER.with(|number| number.set(8));
            assert!(gone.spawn(|| ()).join().unwrap_err().is_cancelled());
            assert_eq!(NUMBER.with(Cell::get), 8);
        });
    });
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
    let ended = Child::of("locals::a_shield_at_the_very_end_of_an_os_thread").run(|| {
        let thread = std::thread::spawn(|| {
            LAST.set(Some(Last)); // before sward's own locals, and so dropped after them
            sward::shield(|| timeout(HOUR, || ())).unwrap();
        });
        thread.join().unwrap();
    });
    ended.is_well();
}

#[test]
fn what_comes_after_a_green_threads_end_makes_no_locals_for_the_next_one() {
    struct Marks;
    impl Drop for Marks {
        fn drop(&mut self) {
            mark();
        }
    }
    fn mark() {
        NUMBER.set(8);
        OWNED.with_borrow_mut(|owned| owned.push(Counted(8)));
    }
    let is_as_new = |what: &str| {
        let (number, owned) = spawn(|| (NUMBER.get(), OWNED.with_borrow(Vec::len))).join().unwrap();
        assert_eq!((number, owned), (7, 0), "after {what}");
    };
    in_virtual_time(move || {
        for parks in [|| (), yield_now] {
            drop(spawn(move || {
                parks();
                Marks
            }));
            yield_now();
            yield_now();
            is_as_new("the drop of a result");
            let handle = spawn(parks);
            handle.on_done(|_| mark());
            handle.join().unwrap();
            is_as_new("a callback");
            let cancelled = spawn(parks);
            cancelled.on_done(|_| mark());
            cancelled.cancel();
            assert!(cancelled.join().is_err());
            is_as_new("a callback of one that never ran");
        }
        assert_eq!(DROPPED.get(), 6);
    });
}
