//! `LazyLock`.

use std::{
    cell::Cell,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use super::{
    sync::{LazyLock, Mutex},
    thread,
    tools::{elsewhere, until},
};
use crate::seen::{Seen, caught};

pub(crate) fn it_is_made_when_it_is_needed() -> Vec<String> {
    let mut seen = Seen::new();
    let runs = Cell::new(0);
    let lazy = LazyLock::new(|| {
        runs.set(runs.get() + 1);
        vec![1, 2]
    });
    seen.note("before", (runs.get(), LazyLock::get(&lazy)));
    seen.texts("text", &lazy);
    seen.note("deref", (lazy.len(), runs.get()));
    seen.note("force", (LazyLock::force(&lazy), runs.get()));
    seen.note("get", LazyLock::get(&lazy));
    seen.texts("text", &lazy);
    seen.note("same", std::ptr::eq(LazyLock::force(&lazy), &*lazy));
    seen.end()
}

pub(crate) fn by_an_exclusive_borrow() -> Vec<String> {
    let mut seen = Seen::new();
    let mut lazy = LazyLock::new(|| vec![1]);
    seen.note("get_mut", LazyLock::get_mut(&mut lazy));
    lazy.push(2);
    seen.note("deref_mut", LazyLock::get_mut(&mut lazy));
    let mut lazy = LazyLock::new(|| 1);
    *LazyLock::force_mut(&mut lazy) += 1;
    seen.note("force_mut", *lazy);
    *lazy += 1;
    seen.note("value", LazyLock::get(&lazy));
    let mut panics = LazyLock::<i32>::new(|| panic!("in the closure"));
    seen.note("force_mut", caught(|| *LazyLock::force_mut(&mut panics)));
    seen.note("again", caught(|| *LazyLock::force_mut(&mut panics)));
    seen.note("shared", caught(|| *panics));
    seen.note("get_mut", LazyLock::get_mut(&mut panics));
    seen.note("get", LazyLock::get(&panics));
    seen.texts("text", &panics);
    seen.end()
}

pub(crate) fn one_makes_it_and_all_see_it() -> Vec<String> {
    let mut seen = Seen::new();
    let (runs, begun) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let lazy = LazyLock::new(|| {
        until(|| begun.load(SeqCst) == 6);
        (0..10).for_each(|_| thread::yield_now());
        runs.fetch_add(1, SeqCst) + 5
    });
    let values = thread::scope(|s| {
        let handles: Vec<_> = (0..6)
            .map(|_| {
                s.spawn(|| {
                    begun.fetch_add(1, SeqCst);
                    *lazy
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    seen.note("values", values);
    seen.note("runs", runs.load(SeqCst));
    seen.end()
}

pub(crate) fn a_panic_poisons() -> Vec<String> {
    let mut seen = Seen::new();
    let runs = Cell::new(0);
    let lazy: LazyLock<i32, _> = LazyLock::new(|| {
        runs.set(runs.get() + 1);
        panic!("in the closure")
    });
    seen.note("the first", caught(|| *lazy));
    seen.note("the second", caught(|| *lazy));
    seen.note("force", caught(|| *LazyLock::force(&lazy)));
    seen.note("get", LazyLock::get(&lazy));
    seen.texts("text", &lazy);
    seen.note("runs", runs.get());
    let lazy = LazyLock::<i32>::new(|| panic!("there"));
    seen.note("elsewhere", elsewhere(|| *lazy));
    seen.note("and here", caught(|| *lazy));
    seen.end()
}

pub(crate) fn those_who_wait_learn_of_it() -> Vec<String> {
    let mut seen = Seen::new();
    let (begun, go) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let lazy = LazyLock::<i32, _>::new(|| {
        begun.fetch_add(1, SeqCst);
        until(|| go.load(SeqCst) == 1);
        panic!("while others wait")
    });
    thread::scope(|s| {
        let first = s.spawn(|| *lazy);
        until(|| begun.load(SeqCst) == 1);
        let others: Vec<_> = (0..3).map(|_| s.spawn(|| *lazy)).collect();
        (0..10).for_each(|_| thread::yield_now());
        seen.note("while it runs", LazyLock::get(&lazy));
        seen.texts("text", &lazy);
        go.store(1, SeqCst);
        seen.note("the first", first.join().is_err());
        seen.note("others", others.into_iter().map(|other| other.join().is_err()).collect::<Vec<_>>());
    });
    seen.note("runs", begun.load(SeqCst));
    seen.end()
}

pub(crate) fn what_it_holds_is_dropped() -> Vec<String> {
    let mut seen = Seen::new();
    let count = Rc::new(());
    let mine = Rc::clone(&count);
    let lazy = LazyLock::new(move || Rc::clone(&mine));
    seen.note("the closure's", Rc::strong_count(&count));
    drop(lazy);
    seen.note("dropped before it ran", Rc::strong_count(&count));
    let mine = Rc::clone(&count);
    let lazy = LazyLock::new(move || mine);
    seen.note("moved", Rc::strong_count(&lazy));
    drop(lazy);
    seen.note("dropped after", Rc::strong_count(&count));
    let mine = Rc::clone(&count);
    let lazy = LazyLock::<i32, _>::new(move || {
        let _mine = mine;
        panic!("with what it captured")
    });
    seen.note("panic", caught(|| *lazy));
    seen.note("gone with the panic", Rc::strong_count(&count));
    drop(lazy);
    seen.note("dropped poisoned", Rc::strong_count(&count));
    seen.end()
}

pub(crate) fn statics_and_traits() -> Vec<String> {
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["a".into(), "b".into()]);
    static LOCKED: LazyLock<Mutex<i32>> = LazyLock::new(|| Mutex::new(1));
    static OF_ANOTHER: LazyLock<usize> = LazyLock::new(|| WORDS.len() + 1);
    let mut seen = Seen::new();
    seen.note("static", thread::spawn(|| WORDS.join("-")).join().unwrap());
    seen.note("of another", *OF_ANOTHER);
    seen.note("locked", std::mem::replace(&mut *LOCKED.lock().unwrap(), 1));
    seen.note("default", LazyLock::<String>::default().as_str());
    traits!(
        seen,
        LazyLock<i32>,
        LazyLock<Cell<i32>>,
        LazyLock<Rc<i32>>,
        LazyLock<i32, Box<dyn FnOnce() -> i32>>,
        LazyLock<i32, Box<dyn FnOnce() -> i32 + Send>>,
        LazyLock<i32, *const u8>,
        LazyLock<&'static mut i32>,
        LazyLock<i32, Cell<i32>>,
        LazyLock<std::marker::PhantomPinned>,
        LazyLock<i32, std::marker::PhantomPinned>,
        LazyLock<i32, &'static mut i32>,
    );
    seen.note("Deref", has!(LazyLock<i32>: std::ops::Deref<Target = i32>));
    seen.note("DerefMut", has!(LazyLock<i32>: std::ops::DerefMut));
    seen.end()
}
