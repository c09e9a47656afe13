//! `Mutex`: what it does when nobody panics.

use std::{
    any::Any,
    cell::Cell,
    mem,
    rc::Rc,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use super::{
    sync::{Arc, LockResult, Mutex, MutexGuard, TryLockError, TryLockResult},
    thread,
    tools::{elsewhere, until},
};
use crate::seen::Seen;

pub(crate) fn increments_are_not_lost() -> Vec<String> {
    let mut seen = Seen::new();
    let counter = Arc::new(Mutex::new(0));
    let handles: Vec<_> = (0..8)
        .map(|i| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || {
                for round in 0..50 {
                    let mut guard = counter.lock().unwrap();
                    let before = *guard;
                    if (round + i) % 5 == 0 {
                        thread::yield_now();
                    }
                    *guard = before + 1;
                }
                i
            })
        })
        .collect();
    let ended: Vec<_> = handles.into_iter().map(|handle| handle.join().unwrap()).collect();
    seen.note("joined", ended);
    seen.note("counter", *counter.lock().unwrap());
    seen.note("references", Arc::strong_count(&counter));
    seen.note("value", Arc::try_unwrap(counter).unwrap().into_inner().unwrap());
    seen.end()
}

pub(crate) fn try_lock_finds_it_free_or_held() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(String::from("a"));
    let guard = mutex.try_lock().unwrap();
    let again = mutex.try_lock();
    seen.note("held by myself", matches!(again, Err(TryLockError::WouldBlock)));
    seen.error("its error", &again.unwrap_err());
    let other = elsewhere(|| mutex.try_lock().map(drop).map_err(|e| format!("{e} {e:?} {e:#?}")));
    seen.note("held by another", other);
    drop(guard);
    seen.note("free again", mutex.try_lock().is_ok());
    seen.note("free elsewhere", elsewhere(|| mutex.try_lock().map(|mut s| s.push('b')).is_ok()));
    seen.note("value", mutex.lock().unwrap().as_str());
    seen.end()
}

pub(crate) fn a_waiter_gets_it_after_the_unlock() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(Vec::new());
    let comes = AtomicBool::new(false);
    let value = thread::scope(|s| {
        let mut guard = mutex.lock().unwrap();
        let waiter = s.spawn(|| {
            comes.store(true, SeqCst);
            mutex.lock().unwrap().push("waiter");
            mutex.lock().unwrap().len()
        });
        until(|| comes.load(SeqCst));
        (0..20).for_each(|_| thread::yield_now());
        seen.note("not yet", waiter.is_finished());
        guard.push("holder");
        drop(guard);
        waiter.join().unwrap()
    });
    seen.note("length", value);
    seen.note("order", mutex.into_inner().unwrap());
    seen.end()
}

pub(crate) fn only_one_is_inside() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(());
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        for _ in 0..6 {
            s.spawn(|| {
                for round in 0..30 {
                    let _guard = mutex.lock().unwrap();
                    most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                    if round % 3 == 0 {
                        thread::yield_now();
                    }
                    inside.fetch_sub(1, SeqCst);
                }
            });
        }
    });
    seen.note("most at once", most.load(SeqCst));
    seen.note("left", inside.load(SeqCst));
    seen.end()
}

pub(crate) fn the_value_by_other_ways() -> Vec<String> {
    let mut seen = Seen::new();
    let mut mutex = Mutex::from(vec![1]);
    mutex.get_mut().unwrap().push(2);
    seen.note("get_mut", mutex.lock().unwrap().as_slice());
    seen.note("into_inner", mutex.into_inner().unwrap());
    seen.note("default", Mutex::<u8>::default().into_inner().unwrap());
    seen.note("default of a string", Mutex::<String>::default().into_inner().unwrap());
    let mut replaced = Mutex::new(3);
    seen.note("replace", mem::replace(&mut *replaced.lock().unwrap(), 4));
    seen.note("after", *replaced.get_mut().unwrap());
    let inferred: Mutex<Option<i32>> = Some(1).into();
    seen.note("into", inferred.lock().unwrap().take());
    seen.note("taken", inferred.into_inner().unwrap());
    seen.end()
}

pub(crate) fn a_static() -> Vec<String> {
    static COUNT: Mutex<i32> = Mutex::new(5);
    static WORDS: [Mutex<Vec<&str>>; 2] = [const { Mutex::new(Vec::new()) }; 2];
    let mut seen = Seen::new();
    seen.note("at first", *COUNT.lock().unwrap());
    elsewhere(|| *COUNT.lock().unwrap() += 1).unwrap();
    seen.note("then", mem::replace(&mut *COUNT.lock().unwrap(), 5));
    WORDS[0].lock().unwrap().push("zero");
    seen.note("words", WORDS.each_ref().map(|words| words.lock().unwrap().len()));
    WORDS[0].lock().unwrap().clear();
    seen.note("const", const { Mutex::new(9) }.into_inner().unwrap());
    seen.end()
}

trait Animal: Send {
    fn name(&mut self) -> String;
}

struct Dog(u8);

impl Animal for Dog {
    fn name(&mut self) -> String {
        self.0 += 1;
        format!("dog {}", self.0)
    }
}

pub(crate) fn unsized_values() -> Vec<String> {
    let mut seen = Seen::new();
    let slice: &Mutex<[i32]> = &Mutex::new([1, 2, 3]);
    slice.lock().unwrap()[1] = 7;
    seen.texts("slice", slice);
    seen.note("guard", slice.lock().unwrap());
    let animal: Arc<Mutex<dyn Animal>> = Arc::new(Mutex::new(Dog(0)));
    let theirs = Arc::clone(&animal);
    seen.note("elsewhere", thread::spawn(move || theirs.lock().unwrap().name()).join().unwrap());
    seen.note("here", animal.lock().unwrap().name());
    let mut any: Box<Mutex<dyn Any + Send>> = Box::new(Mutex::new(5_u8));
    seen.note("any", any.lock().unwrap().downcast_ref::<u8>());
    *any.get_mut().unwrap().downcast_mut::<u8>().unwrap() = 6;
    seen.note("any", any.try_lock().unwrap().downcast_ref::<u8>());
    seen.note("poisoned", any.is_poisoned());
    any.clear_poison();
    let closure: Arc<Mutex<dyn FnMut() -> i32 + Send>> = Arc::new(Mutex::new({
        let mut count = 0;
        move || {
            count += 1;
            count
        }
    }));
    seen.note("closure", (closure.lock().unwrap())());
    seen.note("closure", (closure.lock().unwrap())());
    seen.end()
}

#[derive(Debug)]
#[allow(dead_code)]
struct Point {
    x: i32,
    y: i32,
}

pub(crate) fn texts() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Mutex::new(Point { x: 1, y: -1 });
    seen.texts("free", &mutex);
    let guard = mutex.lock().unwrap();
    seen.texts("locked", &mutex);
    seen.texts("guard", &guard);
    elsewhere(|| seen.texts("elsewhere", &mutex)).unwrap();
    drop(guard);
    seen.texts("free again", &mutex);
    seen.texts("unit", &Mutex::new(()));
    let text = Mutex::new("text\n");
    seen.note("display", format!("{:>8}|", text.lock().unwrap()));
    seen.note("display", format!("{}", text.lock().unwrap()));
    let (one, two) = (Mutex::new(7), Mutex::new(1.5));
    seen.note("numbers", format!("{:05} {:.3?}", one.lock().unwrap(), two.lock().unwrap()));
    seen.texts("nested", &Mutex::new(Some(Mutex::new([1, 2]))));
    seen.texts("of guards", &mutex.try_lock().map_err(|e| e.to_string()));
    seen.end()
}

pub(crate) fn what_guards_do() -> Vec<String> {
    fn pass<'a>(guard: MutexGuard<'a, Vec<i32>>) -> MutexGuard<'a, Vec<i32>> {
        guard
    }
    fn shorter<'a>(guard: MutexGuard<'static, i32>) -> MutexGuard<'a, i32> {
        guard
    }
    static STATIC: Mutex<i32> = Mutex::new(1);
    let mut seen = Seen::new();
    seen.note("shorter", *shorter(STATIC.lock().unwrap()));
    let mutex = Mutex::new(vec![1]);
    let mut guard = pass(mutex.lock().unwrap());
    guard.push(2);
    seen.note("moved", guard.len());
    let boxed = Box::new(guard);
    seen.note("boxed", (boxed.iter().sum::<i32>(), mutex.try_lock().is_err()));
    drop(boxed);
    seen.note("free", mutex.try_lock().is_ok());
    seen.note("to the end of its statement", (mutex.lock().unwrap().len(), mutex.try_lock().is_err()));
    let kept = match mutex.lock().unwrap().first() {
        Some(1) => mutex.try_lock().is_err(),
        _ => false,
    };
    seen.note("held in a match", kept);
    drop(mutex.lock().unwrap());
    seen.note("let go at once", mutex.try_lock().is_ok());
    mem::forget(mutex.lock().unwrap());
    seen.note("forgotten", mutex.try_lock().is_err());
    seen.texts("forgotten", &mutex);
    seen.note("its value", mutex.into_inner().unwrap());
    let (one, two) = (Mutex::new(1), Mutex::new(2));
    let guards = (one.lock().unwrap(), two.lock().unwrap());
    seen.note("two", *guards.0 + *guards.1);
    seen.end()
}

pub(crate) fn the_value_is_dropped_once() -> Vec<String> {
    struct Counts<'a>(&'a Cell<u32>);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let mut seen = Seen::new();
    let drops = Cell::new(0);
    drop(Mutex::new(Counts(&drops)));
    seen.note("dropped", drops.get());
    let inner = Mutex::new(Counts(&drops)).into_inner().unwrap();
    seen.note("into_inner", drops.get());
    drop(inner);
    let mutex = Mutex::new(Counts(&drops));
    *mutex.lock().unwrap() = Counts(&drops);
    seen.note("replaced", drops.get());
    mem::forget(mutex.lock().unwrap());
    drop(mutex);
    seen.note("dropped while locked", drops.get());
    let local = Mutex::new(Rc::new(1));
    let rc = Rc::clone(&local.lock().unwrap());
    drop(local);
    seen.note("of an Rc", Rc::strong_count(&rc));
    seen.end()
}

pub(crate) fn results_are_stds() -> Vec<String> {
    fn lock(mutex: &Mutex<i32>) -> LockResult<MutexGuard<'_, i32>> {
        mutex.lock()
    }
    fn try_lock(mutex: &Mutex<i32>) -> TryLockResult<MutexGuard<'_, i32>> {
        mutex.try_lock()
    }
    fn question(mutex: &Mutex<i32>) -> Result<i32, Box<dyn std::error::Error + '_>> {
        Ok(*mutex.try_lock()? + *mutex.get_ref_twice()?)
    }
    trait Twice {
        fn get_ref_twice(&self) -> TryLockResult<MutexGuard<'_, i32>>;
    }
    impl Twice for Mutex<i32> {
        fn get_ref_twice(&self) -> TryLockResult<MutexGuard<'_, i32>> {
            self.try_lock()
        }
    }
    let mut seen = Seen::new();
    let mutex = Mutex::new(4);
    seen.note("lock", lock(&mutex).map(|guard| *guard).unwrap());
    seen.note("try_lock", try_lock(&mutex).map(|guard| *guard).is_ok());
    seen.note("a temporary holds on", question(&mutex).map_err(|e| e.to_string()));
    seen.end()
}

pub(crate) fn traits() -> Vec<String> {
    let mut seen = Seen::new();
    traits!(
        seen,
        Mutex<i32>,
        Mutex<()>,
        Mutex<str>,
        Mutex<[Cell<u8>]>,
        Mutex<Cell<i32>>,
        Mutex<Rc<i32>>,
        Mutex<*const u8>,
        Mutex<&'static mut i32>,
        Mutex<MutexGuard<'static, i32>>,
        Mutex<dyn Send>,
        Mutex<dyn Sync>,
        Mutex<std::marker::PhantomPinned>,
        MutexGuard<'static, i32>,
        MutexGuard<'static, str>,
        MutexGuard<'static, Cell<i32>>,
        MutexGuard<'static, Rc<i32>>,
        MutexGuard<'static, &'static mut i32>,
        MutexGuard<'static, std::marker::PhantomPinned>,
        &'static Mutex<Cell<i32>>,
        Arc<Mutex<Cell<i32>>>,
        LockResult<MutexGuard<'static, i32>>,
        TryLockError<MutexGuard<'static, i32>>,
    );
    seen.note("From", has!(Mutex<i32>: From<i32>));
    seen.note("Deref", has!(MutexGuard<'static, i32>: std::ops::Deref<Target = i32>));
    seen.note("DerefMut", has!(MutexGuard<'static, i32>: std::ops::DerefMut));
    seen.end()
}
