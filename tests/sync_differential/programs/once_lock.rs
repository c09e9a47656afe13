//! `OnceLock`.

use std::{
    cell::Cell,
    mem,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use super::{
    sync::{Arc, Mutex, OnceLock},
    thread,
    tools::{elsewhere, until},
};
use crate::seen::{Seen, caught};

pub(crate) fn it_is_set_once() -> Vec<String> {
    let mut seen = Seen::new();
    let mut cell = OnceLock::new();
    seen.note("get", cell.get());
    seen.note("get_mut", cell.get_mut());
    seen.texts("text", &cell);
    seen.note("set", cell.set(String::from("one")));
    seen.note("set again", cell.set(String::from("two")));
    seen.note("get", cell.get());
    seen.texts("text", &cell);
    seen.note("get_or_init", cell.get_or_init(|| panic!("it is set")));
    cell.get_mut().unwrap().push('!');
    seen.note("wait", cell.wait());
    seen.note("take", cell.take());
    seen.note("taken", (cell.get(), cell.set(String::from("three"))));
    seen.note("into_inner", cell.into_inner());
    seen.note("into_inner of an empty one", OnceLock::<u8>::new().into_inner());
    seen.note("take of an empty one", OnceLock::<u8>::new().take());
    seen.end()
}

pub(crate) fn one_initialises_and_all_see_it() -> Vec<String> {
    let mut seen = Seen::new();
    let (cell, runs) = (OnceLock::new(), AtomicUsize::new(0));
    let addresses = thread::scope(|s| {
        let handles: Vec<_> = (0..6)
            .map(|_| {
                let (cell, runs) = (&cell, &runs);
                s.spawn(move || {
                    let value: &(usize, &str) = cell.get_or_init(|| {
                        (0..10).for_each(|_| thread::yield_now());
                        (runs.fetch_add(1, SeqCst), "value")
                    });
                    std::ptr::from_ref(value).addr()
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    seen.note("one address", addresses.iter().all(|address| *address == addresses[0]));
    seen.note("runs", runs.load(SeqCst));
    seen.note("value", cell.get());
    seen.end()
}

pub(crate) fn one_of_many_sets() -> Vec<String> {
    let mut seen = Seen::new();
    let cell = OnceLock::new();
    let results = thread::scope(|s| {
        let cell = &cell;
        let handles: Vec<_> = (0..5).map(|i| s.spawn(move || cell.set(i))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    let winner = results.iter().position(Result::is_ok);
    seen.note("winners", results.iter().filter(|result| result.is_ok()).count());
    seen.note("it is the winner's", cell.get().copied() == winner);
    let given_back = results.iter().enumerate().filter(|(i, result)| **result == Err(*i)).count();
    seen.note("given back", given_back);
    seen.end()
}

pub(crate) fn a_panic_leaves_it_empty() -> Vec<String> {
    let mut seen = Seen::new();
    let cell = OnceLock::new();
    seen.note("panic", caught(|| *cell.get_or_init(|| -> i32 { panic!("in the closure") })));
    seen.note("get", cell.get());
    seen.texts("text", &cell);
    seen.note("elsewhere", elsewhere(|| *cell.get_or_init(|| -> i32 { panic!("there too") })));
    seen.note("init", cell.get_or_init(|| 3));
    seen.note("get", cell.get());
    let cell = OnceLock::new();
    seen.note("panic", caught(|| *cell.get_or_init(|| -> i32 { panic!("in the closure") })));
    seen.note("set", cell.set(4));
    seen.note("get", cell.get());
    seen.end()
}

pub(crate) fn those_who_wait_try_after_a_panic() -> Vec<String> {
    let mut seen = Seen::new();
    let (cell, begun, go) = (OnceLock::new(), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        let panics = s.spawn(|| {
            cell.get_or_init(|| -> usize {
                begun.fetch_add(1, SeqCst);
                until(|| go.load(SeqCst) == 1);
                panic!("the first");
            });
        });
        until(|| begun.load(SeqCst) == 1);
        let others: Vec<_> = (0..3).map(|_| s.spawn(|| *cell.get_or_init(|| 9))).collect();
        (0..20).for_each(|_| thread::yield_now());
        seen.note("empty while it runs", cell.get());
        seen.texts("text", &cell);
        go.store(1, SeqCst);
        seen.note("ended", panics.join().is_err());
        seen.note("saw", others.into_iter().map(|other| other.join().unwrap()).collect::<Vec<_>>());
    });
    seen.end()
}

pub(crate) fn set_waits_for_who_initialises() -> Vec<String> {
    let mut seen = Seen::new();
    let (cell, begun, go) = (OnceLock::new(), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        let init = s.spawn(|| {
            *cell.get_or_init(|| {
                begun.fetch_add(1, SeqCst);
                until(|| go.load(SeqCst) == 1);
                1
            })
        });
        until(|| begun.load(SeqCst) == 1);
        let sets = s.spawn(|| cell.set(2));
        let waits = s.spawn(|| *cell.wait());
        (0..20).for_each(|_| thread::yield_now());
        seen.note("they wait", (sets.is_finished(), waits.is_finished()));
        go.store(1, SeqCst);
        seen.note("ended", (init.join().unwrap(), sets.join().unwrap(), waits.join().unwrap()));
    });
    seen.end()
}

pub(crate) fn wait_outlives_a_panic() -> Vec<String> {
    let mut seen = Seen::new();
    let (cell, coming) = (OnceLock::new(), AtomicUsize::new(0));
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            coming.fetch_add(1, SeqCst);
            *cell.wait()
        });
        until(|| coming.load(SeqCst) == 1);
        let _ = caught(|| cell.get_or_init(|| -> i32 { panic!("first") }));
        (0..10).for_each(|_| thread::yield_now());
        seen.note("it waits on", waiter.is_finished());
        cell.set(5).unwrap();
        seen.note("saw", waiter.join().unwrap());
    });
    seen.end()
}

pub(crate) fn conversions_and_comparisons() -> Vec<String> {
    let mut seen = Seen::new();
    let cell = OnceLock::from(3);
    let empty = OnceLock::<i32>::default();
    seen.note("clone", (cell.clone(), empty.clone(), cell.clone().into_inner()));
    seen.note(
        "equal",
        (cell == OnceLock::from(3), cell == OnceLock::from(4), cell == empty, empty == OnceLock::new()),
    );
    seen.note("not equal", (cell != empty, empty != OnceLock::new()));
    let mut copy = cell.clone();
    *copy.get_mut().unwrap() = 8;
    seen.note("apart", (cell.get(), copy.get()));
    copy.clone_from(&empty);
    seen.note("clone_from", copy);
    seen.texts("nested", &OnceLock::<OnceLock<_>>::from(OnceLock::from([1, 2])));
    let sizes: OnceLock<Box<dyn Fn() -> usize + Send + Sync>> = OnceLock::new();
    let _ = sizes.set(Box::new(|| 4));
    seen.note("closure", sizes.get().map(|f| f()));
    seen.end()
}

pub(crate) fn the_value_is_dropped_once() -> Vec<String> {
    let mut seen = Seen::new();
    let count = Rc::new(());
    drop(OnceLock::from(Rc::clone(&count)));
    seen.note("dropped", Rc::strong_count(&count));
    drop(OnceLock::<Rc<()>>::new());
    let mut cell = OnceLock::from(Rc::clone(&count));
    let refused = cell.set(Rc::clone(&count));
    seen.note("refused", (refused.is_err(), Rc::strong_count(&count)));
    drop(refused);
    let taken = cell.take();
    seen.note("taken", Rc::strong_count(&count));
    drop(taken);
    cell.set(Rc::clone(&count)).unwrap();
    let inner = cell.into_inner();
    seen.note("into_inner", (inner.is_some(), Rc::strong_count(&count)));
    drop(inner);
    let replaced = mem::replace(&mut OnceLock::from(Rc::clone(&count)), OnceLock::new());
    seen.note("replaced", (replaced.get().is_some(), Rc::strong_count(&count)));
    seen.end()
}

pub(crate) fn it_may_outlive_what_it_refers_to() -> Vec<String> {
    // Its drop does not look at the value.
    let mut seen = Seen::new();
    let cell = OnceLock::new();
    {
        let text = String::from("text");
        let _ = cell.set(&text);
        seen.note("length", cell.get().map(|text| text.len()));
    }
    seen.note("lines", 2);
    seen.end()
}

pub(crate) fn statics_and_traits() -> Vec<String> {
    static CELL: OnceLock<Vec<u8>> = OnceLock::new();
    static NUMBERS: [OnceLock<u32>; 2] = [const { OnceLock::new() }; 2];
    fn get() -> &'static [u8] {
        CELL.get_or_init(|| vec![1, 2])
    }
    let mut seen = Seen::new();
    seen.note("static", thread::spawn(get).join().unwrap());
    seen.note("same", std::ptr::eq(get(), get()));
    let _ = NUMBERS[1].set(4);
    seen.note("statics", &NUMBERS);
    traits!(
        seen,
        OnceLock<i32>,
        OnceLock<Cell<i32>>,
        OnceLock<Rc<i32>>,
        OnceLock<String>,
        OnceLock<&'static mut i32>,
        OnceLock<std::sync::MutexGuard<'static, i32>>,
        OnceLock<std::marker::PhantomPinned>,
        OnceLock<Mutex<i32>>,
        OnceLock<*const u8>,
        Arc<OnceLock<i32>>,
    );
    seen.note("From", has!(OnceLock<i32>: From<i32>));
    seen.end()
}
