//! Poisoning, by way of `Mutex`.

use std::{
    error::Error,
    mem,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use super::{
    sync::{Arc, LockResult, Mutex, PoisonError, TryLockError},
    thread,
    tools::{elsewhere, until},
};
use crate::seen::{Seen, caught};

fn poisoned<T: Send>(value: T) -> Mutex<T> {
    let mutex = Mutex::new(value);
    elsewhere(|| {
        let _guard = mutex.lock().unwrap();
        panic!("the holder panics");
    })
    .unwrap_or(());
    mutex
}

pub(crate) fn a_panic_of_the_holder_poisons() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(1);
    seen.note("before", mutex.is_poisoned());
    let end = elsewhere(|| {
        let mut guard = mutex.lock().unwrap();
        *guard = 2;
        if *guard == 2 {
            panic!("with the lock held");
        }
    });
    seen.note("ended", end);
    seen.note("after", mutex.is_poisoned());
    seen.note("seen elsewhere", elsewhere(|| mutex.is_poisoned()));
    seen.error("lock", &mutex.lock().unwrap_err());
    seen.error("try_lock", &mutex.try_lock().unwrap_err());
    seen.note("the lock is held by the error", {
        let error = mutex.lock().unwrap_err();
        let held = matches!(mutex.try_lock(), Err(TryLockError::WouldBlock));
        drop(error);
        held
    });
    seen.note("it stays so", (mutex.lock().is_err(), mutex.try_lock().is_err(), mutex.is_poisoned()));
    seen.note("value", *mutex.lock().unwrap_or_else(PoisonError::into_inner));
    seen.note("unwrap", caught(|| *mutex.lock().unwrap()));
    seen.note("expect", caught(|| *mutex.try_lock().expect("no panic")));
    seen.end()
}

pub(crate) fn all_ways_to_the_value() -> Vec<String> {
    let mut seen = Seen::new();
    let mut mutex = poisoned(vec![1]);
    match mutex.lock() {
        Ok(_) => seen.note("lock", "not poisoned"),
        Err(mut error) => {
            seen.note("get_ref", error.get_ref().len());
            error.get_mut().push(2);
            seen.note("into_inner", error.into_inner().as_slice());
        }
    }
    match mutex.try_lock() {
        Err(TryLockError::Poisoned(error)) => seen.note("try_lock", error.into_inner().len()),
        other => seen.note("try_lock", other.map(|guard| guard.len()).map_err(|e| e.to_string())),
    }
    match mutex.get_mut() {
        Ok(_) => seen.note("get_mut", "not poisoned"),
        Err(error) => {
            seen.error("get_mut", &error);
            error.into_inner().push(3);
        }
    }
    seen.note("still", mutex.is_poisoned());
    let error = mutex.into_inner().unwrap_err();
    seen.error("into_inner", &error);
    seen.note("value", error.into_inner());
    seen.end()
}

pub(crate) fn clear_poison_makes_it_good() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = poisoned(0);
    let recovered = mutex.lock().unwrap_or_else(|mut error| {
        **error.get_mut() = 1;
        mutex.clear_poison();
        error.into_inner()
    });
    seen.note("recovered", *recovered);
    seen.note("while held", mutex.is_poisoned());
    drop(recovered);
    seen.note("afterwards", (mutex.is_poisoned(), mutex.lock().is_ok(), mutex.try_lock().is_ok()));
    seen.texts("text", &mutex);
    mutex.clear_poison();
    seen.note("twice", mutex.is_poisoned());
    let mut mutex = mutex;
    seen.note("get_mut", mutex.get_mut().is_ok());
    seen.note("into_inner", mutex.into_inner().is_ok());
    let again = poisoned(());
    again.clear_poison();
    let end = elsewhere(|| {
        let _guard = again.lock();
        panic!("once more");
    });
    seen.note("poisoned again", (end.map_err(drop), again.is_poisoned()));
    seen.end()
}

pub(crate) fn clear_poison_while_locked() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = poisoned(());
    let error = mutex.lock().unwrap_err();
    mutex.clear_poison();
    seen.note("the guard stays an error", (mutex.is_poisoned(), mutex.try_lock().is_err()));
    seen.texts("text", &mutex);
    drop(error);
    seen.note("free", (mutex.is_poisoned(), mutex.lock().is_ok()));
    seen.end()
}

pub(crate) fn texts_of_the_poisoned() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = poisoned([1, 2]);
    seen.texts("free", &mutex);
    let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    seen.texts("locked", &mutex);
    seen.texts("guard", &guard);
    drop(guard);
    let result = mutex.lock();
    seen.texts("result", &result);
    drop(result);
    seen.texts("try result", &mutex.try_lock());
    let source: Box<dyn Error + '_> = Box::new(mutex.lock().unwrap_err());
    seen.note("as an error", (source.to_string(), source.source().is_none()));
    seen.end()
}

pub(crate) fn what_does_not_poison() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(0);
    let end = elsewhere(|| {
        *mutex.lock().unwrap() += 1;
        panic!("the guard has gone");
    });
    seen.note("dropped before", (end.map_err(drop), mutex.is_poisoned()));
    let end = caught(|| {
        let guard = mutex.lock().unwrap();
        drop(guard);
        panic!("dropped by hand");
    });
    seen.note("by hand", (end.map_err(|e: String| e).is_err(), mutex.is_poisoned()));
    let _ = caught(|| {
        let _guard = mutex.lock().unwrap();
        let _ = caught(|| panic!("caught inside"));
    });
    seen.note("caught inside", mutex.is_poisoned());
    let end = caught(|| {
        let _error = mutex.try_lock();
        mutex.try_lock().map(drop).map_err(|e| e.to_string())
    });
    seen.note("no panic", (end, mutex.is_poisoned()));
    let end = elsewhere(|| {
        mem::forget(mutex.lock().unwrap());
        panic!("the guard is forgotten");
    });
    seen.note("forgotten", (end.map_err(drop), mutex.is_poisoned(), mutex.try_lock().is_err()));
    seen.end()
}

/// Locks when it is dropped.
struct LocksInDrop<'a>(&'a Mutex<Vec<&'static str>>);

impl Drop for LocksInDrop<'_> {
    fn drop(&mut self) {
        let word = if thread::panicking() { "panicking" } else { "calm" };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(word);
    }
}

pub(crate) fn a_lock_that_is_taken_while_panicking() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(Vec::new());
    let end = elsewhere(|| {
        let _in_drop = LocksInDrop(&mutex);
        panic!("outside of the lock");
    });
    seen.note("taken and let go", (end.map_err(drop), mutex.is_poisoned()));
    drop(LocksInDrop(&mutex));
    seen.note("words", mutex.lock().map(|words| words.clone()).unwrap());
    let end = caught(|| {
        let _in_drop = LocksInDrop(&mutex);
        let _guard = mutex.lock().unwrap();
        panic!("inside of the lock");
    });
    seen.note("inside", (end, mutex.is_poisoned()));
    seen.note("words", mutex.into_inner().unwrap_or_else(PoisonError::into_inner));
    seen.end()
}

pub(crate) fn panics_of_every_kind_poison() -> Vec<String> {
    let mut seen = Seen::new();
    let kinds: [(&str, fn()); 6] = [
        ("panic", || panic!("text")),
        ("panic_any", || panic::panic_any(5)),
        ("resume_unwind", || panic::resume_unwind(Box::new("payload"))),
        ("unwrap", || std::hint::black_box(None::<()>).unwrap()),
        ("index", || assert_eq!([1, 2][std::hint::black_box(2)], 0)),
        ("division", || assert_eq!(1 / std::hint::black_box(0), 0)),
    ];
    for (name, kind) in kinds {
        let mutex = Mutex::new(());
        let here = panic::catch_unwind(AssertUnwindSafe(|| {
            let _guard = mutex.lock().unwrap();
            kind();
        }));
        seen.note(name, (here.is_err(), mutex.is_poisoned()));
        mutex.clear_poison();
        let there = elsewhere(|| {
            let _guard = mutex.lock().unwrap();
            kind();
        });
        seen.note(name, (there, mutex.is_poisoned()));
    }
    seen.end()
}

pub(crate) fn every_lock_that_is_held_is_poisoned() -> Vec<String> {
    let mut seen = Seen::new();
    let mutexes = [const { Mutex::new(()) }; 4];
    let end = elsewhere(|| {
        let _first = mutexes[0].lock().unwrap();
        let second = mutexes[1].lock().unwrap();
        let boxed = Box::new(mutexes[2].lock().unwrap());
        drop(second);
        let _keep = (boxed, 1);
        panic!("with two held");
    });
    seen.note("ended", end.map_err(drop));
    seen.note("poisoned", mutexes.each_ref().map(Mutex::is_poisoned));
    seen.end()
}

pub(crate) fn a_panic_elsewhere_does_not_poison() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(0);
    let (held, go) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|s| {
        let holder = s.spawn(|| {
            let mut guard = mutex.lock().unwrap();
            held.store(true, SeqCst);
            until(|| go.load(SeqCst));
            *guard += 1;
        });
        until(|| held.load(SeqCst));
        let panics = s.spawn(|| panic!("without the lock")).join().is_err();
        go.store(true, SeqCst);
        seen.note("panicked", panics);
        seen.note("the holder ended", holder.join().is_ok());
    });
    seen.note("poisoned", mutex.is_poisoned());
    seen.note("value", *mutex.lock().unwrap());
    seen.end()
}

pub(crate) fn those_who_wait_learn_of_it() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Arc::new(Mutex::new(0));
    let (coming, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let holder = {
        let (mutex, go, coming) = (Arc::clone(&mutex), Arc::clone(&go), Arc::clone(&coming));
        thread::spawn(move || {
            let _guard = mutex.lock().unwrap();
            coming.fetch_add(1, SeqCst);
            until(|| go.load(SeqCst));
            panic!("the holder panics while others wait");
        })
    };
    until(|| coming.load(SeqCst) == 1);
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let (mutex, coming) = (Arc::clone(&mutex), Arc::clone(&coming));
            thread::spawn(move || {
                coming.fetch_add(1, SeqCst);
                match mutex.lock() {
                    Ok(_) => "not poisoned",
                    Err(error) => {
                        *error.into_inner() += 1;
                        "poisoned"
                    }
                }
            })
        })
        .collect();
    until(|| coming.load(SeqCst) == 5);
    go.store(true, SeqCst);
    seen.note("the holder panicked", holder.join().is_err());
    let words: Vec<_> = waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
    seen.note("they saw", words);
    seen.note("value", *mutex.lock().unwrap_err().into_inner());
    seen.end()
}

pub(crate) fn errors_made_by_hand() -> Vec<String> {
    let mut seen = Seen::new();
    let mut error = PoisonError::new(3);
    seen.error("PoisonError", &error);
    *error.get_mut() += 1;
    seen.note("get_ref", *error.get_ref());
    let error: TryLockError<i32> = error.into();
    seen.error("TryLockError", &error);
    let TryLockError::Poisoned(inner) = error else { panic!("another error") };
    seen.note("into_inner", inner.into_inner());
    seen.error("WouldBlock", &TryLockError::<()>::WouldBlock);
    let results: [LockResult<i32>; 2] = [Ok(1), Err(PoisonError::new(2))];
    seen.texts("results", &results);
    traits!(
        seen,
        PoisonError<i32>,
        PoisonError<std::rc::Rc<i32>>,
        TryLockError<i32>,
        TryLockError<std::cell::Cell<i32>>
    );
    seen.end()
}
