//! `Condvar`.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use super::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, WaitTimeoutResult},
    thread,
    tools::{elsewhere, until},
};
use crate::seen::{Seen, caught};

const LONG: Duration = Duration::from_secs(1000);
const SHORT: Duration = Duration::from_millis(1);

pub(crate) fn a_waiter_is_notified() -> Vec<String> {
    let mut seen = Seen::new();
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let theirs = Arc::clone(&pair);
    let handle = thread::spawn(move || {
        *theirs.0.lock().unwrap() = true;
        theirs.1.notify_one();
    });
    let mut ready = pair.0.lock().unwrap();
    while !*ready {
        ready = pair.1.wait(ready).unwrap();
    }
    seen.note("ready", *ready);
    seen.note("the lock is held", elsewhere(|| pair.0.try_lock().is_err()));
    drop(ready);
    handle.join().unwrap();
    seen.note("free", pair.0.try_lock().is_ok());
    seen.end()
}

pub(crate) fn a_wait_lets_the_lock_go() -> Vec<String> {
    let mut seen = Seen::new();
    let (mutex, condvar, waits) = (Mutex::new(0), Condvar::new(), AtomicUsize::new(0));
    thread::scope(|s| {
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                s.spawn(|| {
                    let mut guard = mutex.lock().unwrap();
                    waits.fetch_add(1, SeqCst);
                    guard = condvar.wait_while(guard, |value| *value == 0).unwrap();
                    *guard += 1;
                })
            })
            .collect();
        until(|| waits.load(SeqCst) == 3);
        // All three have counted with the lock held: who gets it now knows that all wait.
        let mut guard = mutex.lock().unwrap();
        seen.note("nobody has gone on", (*guard, waiters.iter().any(|waiter| waiter.is_finished())));
        *guard = 1;
        condvar.notify_all();
        seen.note("nobody goes on while it is held", *guard);
        drop(guard);
        let ended: Vec<_> = waiters.into_iter().map(|waiter| waiter.join().is_ok()).collect();
        seen.note("ended", ended);
    });
    seen.note("value", mutex.into_inner().unwrap());
    seen.end()
}

pub(crate) fn each_notification_wakes_one() -> Vec<String> {
    let mut seen = Seen::new();
    let (tickets, condvar, gone) = (Mutex::new(0), Condvar::new(), AtomicUsize::new(0));
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let mut tickets =
                    condvar.wait_while(tickets.lock().unwrap(), |tickets| *tickets == 0).unwrap();
                *tickets -= 1;
                gone.fetch_add(1, SeqCst);
            });
        }
        for round in 1..=4 {
            *tickets.lock().unwrap() += 1;
            condvar.notify_one();
            until(|| gone.load(SeqCst) == round);
            seen.note("tickets left", *tickets.lock().unwrap());
        }
    });
    seen.note("gone", gone.load(SeqCst));
    seen.end()
}

pub(crate) fn a_queue_of_two_condvars() -> Vec<String> {
    struct Queue {
        items: Mutex<Vec<u32>>,
        not_empty: Condvar,
        not_full: Condvar,
    }
    let mut seen = Seen::new();
    let queue = Queue { items: Mutex::new(Vec::new()), not_empty: Condvar::new(), not_full: Condvar::new() };
    let sum: u32 = thread::scope(|s| {
        for i in 0..3 {
            let queue = &queue;
            s.spawn(move || {
                for item in 0..20 {
                    let items = queue.items.lock().unwrap();
                    let mut items = queue.not_full.wait_while(items, |items| items.len() == 2).unwrap();
                    items.push(i * 100 + item);
                    queue.not_empty.notify_one();
                }
            });
        }
        let takers: Vec<_> = (0..2)
            .map(|_| {
                s.spawn(|| {
                    let mut sum = 0;
                    for _ in 0..30 {
                        let items = queue.items.lock().unwrap();
                        let mut items = queue.not_empty.wait_while(items, |items| items.is_empty()).unwrap();
                        sum += items.remove(0);
                        queue.not_full.notify_one();
                    }
                    sum
                })
            })
            .collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    seen.note("sum", sum);
    seen.note("left", queue.items.into_inner().unwrap());
    seen.end()
}

pub(crate) fn a_notification_without_a_waiter_is_lost() -> Vec<String> {
    let mut seen = Seen::new();
    let (mutex, condvar) = (Mutex::new(()), Condvar::default());
    condvar.notify_one();
    condvar.notify_all();
    let (guard, result) = condvar.wait_timeout_while(mutex.lock().unwrap(), SHORT, |_| true).unwrap();
    seen.note("timed out", result.timed_out());
    seen.note("the lock is held", elsewhere(|| mutex.try_lock().is_err()));
    drop(guard);
    condvar.notify_all();
    seen.texts("condvar", &condvar);
    seen.end()
}

pub(crate) fn conditions_are_asked_first() -> Vec<String> {
    let mut seen = Seen::new();
    let (mutex, condvar) = (Mutex::new(5), Condvar::new());
    let mut asked = 0;
    let guard = condvar
        .wait_while(mutex.lock().unwrap(), |value| {
            asked += 1;
            *value += 1;
            *value < 6
        })
        .unwrap();
    seen.note("wait_while", (*guard, asked));
    let mut asked = 0;
    let (guard, result) = condvar
        .wait_timeout_while(guard, Duration::ZERO, |_| {
            asked += 1;
            false
        })
        .unwrap();
    seen.note("wait_timeout_while", (*guard, asked, result.timed_out()));
    let (guard, result) = condvar.wait_timeout_while(guard, Duration::ZERO, |_| true).unwrap();
    seen.note("no time at all", (*guard, result.timed_out()));
    seen.note("it is held still", elsewhere(|| mutex.try_lock().is_err()));
    drop(guard);
    let mut asked = 0;
    let (_guard, result) = condvar
        .wait_timeout_while(mutex.lock().unwrap(), Duration::ZERO, |_| {
            asked += 1;
            asked < 2
        })
        .unwrap();
    seen.note("asked once", (asked, result));
    seen.end()
}

pub(crate) fn timeouts() -> Vec<String> {
    let mut seen = Seen::new();
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut guard = mutex.lock().unwrap();
    // It may wake without a reason, and then has not timed out.
    loop {
        let (back, result) = condvar.wait_timeout(guard, SHORT).unwrap();
        guard = back;
        if result.timed_out() {
            seen.texts("timed out", &result);
            break;
        }
    }
    let (mut guard, result) = condvar.wait_timeout(guard, Duration::ZERO).unwrap();
    seen.note("zero gives the lock back", (*guard, elsewhere(|| mutex.try_lock().is_err())));
    let copy = result;
    seen.note("equal", (copy == result, copy.eq(&result.clone())));
    loop {
        #[allow(deprecated)]
        let (back, in_time) = condvar.wait_timeout_ms(guard, 1).unwrap();
        guard = back;
        if !in_time {
            seen.note("in milliseconds", in_time);
            break;
        }
    }
    drop(guard);
    thread::scope(|s| {
        let guard = mutex.lock().unwrap();
        s.spawn(|| {
            *mutex.lock().unwrap() = 1;
            condvar.notify_all();
        });
        let (guard, result) = condvar.wait_timeout_while(guard, LONG, |value| *value == 0).unwrap();
        seen.texts("notified in time", &result);
        seen.note("value", *guard);
        drop(guard);
        let guard = mutex.lock().unwrap();
        s.spawn(|| {
            *mutex.lock().unwrap() = 2;
            condvar.notify_one();
        });
        let (guard, result) = condvar.wait_timeout_while(guard, Duration::MAX, |value| *value == 1).unwrap();
        seen.note("no limit", (*guard, result.timed_out()));
    });
    seen.end()
}

pub(crate) fn poison() -> Vec<String> {
    let mut seen = Seen::new();
    let (mutex, condvar, waits) = (Mutex::new(0), Condvar::new(), AtomicBool::new(false));
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            let guard = mutex.lock().unwrap();
            waits.store(true, SeqCst);
            match condvar.wait_while(guard, |value| *value == 0) {
                Ok(guard) => format!("not poisoned, {}", *guard),
                Err(error) => format!("{error}, {error:?}, {}", **error.get_ref()),
            }
        });
        until(|| waits.load(SeqCst));
        let end = s
            .spawn(|| {
                let mut guard = mutex.lock().unwrap();
                *guard = 1;
                condvar.notify_one();
                panic!("the notifier panics");
            })
            .join();
        seen.note("the notifier", end.is_err());
        seen.note("the waiter", waiter.join().unwrap());
    });
    let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    let error = condvar.wait_timeout(guard, Duration::ZERO).unwrap_err();
    seen.error("wait_timeout", &error);
    let (guard, _) = error.into_inner();
    let error = condvar.wait_timeout_while(guard, SHORT, |_| true).unwrap_err();
    seen.error("wait_timeout_while", &error);
    let (guard, result) = error.into_inner();
    seen.note("its result", (*guard, result.timed_out()));
    let mut asked = 0;
    let error = condvar.wait_timeout_while(guard, SHORT, |_| {
        asked += 1;
        false
    });
    seen.note("in time, wait_timeout_while", error.as_ref().map(|_| ()).map_err(|e| e.get_ref().1));
    drop(error);
    let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    let result = condvar.wait_while(guard, |_| {
        asked += 1;
        false
    });
    seen.note("no wait", result.is_ok());
    drop(result);
    seen.note("asked", asked);
    #[allow(deprecated)]
    let result = condvar.wait_timeout_ms(mutex.lock().unwrap_or_else(PoisonError::into_inner), 0);
    seen.note("wait_timeout_ms", result.map(drop).map_err(|e| e.to_string()));
    mutex.clear_poison();
    let result = condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO);
    seen.note("cleared", result.map(drop).map_err(|e| e.to_string()));
    seen.end()
}

pub(crate) fn a_condition_that_panics() -> Vec<String> {
    let mut seen = Seen::new();
    let (mutex, condvar) = (Mutex::new(1), Condvar::new());
    let end = caught(|| drop(condvar.wait_while(mutex.lock().unwrap(), |_| panic!("a condition"))));
    seen.note("ended", end);
    seen.note("poisoned", (mutex.is_poisoned(), mutex.try_lock().is_err()));
    mutex.clear_poison();
    let end = caught(|| {
        drop(condvar.wait_timeout_while(mutex.lock().unwrap(), SHORT, |_| -> bool { panic!("another") }))
    });
    seen.note("ended", end);
    seen.note("poisoned", mutex.is_poisoned());
    seen.end()
}

pub(crate) fn a_waiter_holds_other_locks() -> Vec<String> {
    let mut seen = Seen::new();
    let (other, mutex, condvar) = (Mutex::new(1), Mutex::new(false), Condvar::new());
    let held = AtomicBool::new(false);
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            let other = other.lock().unwrap();
            let guard = mutex.lock().unwrap();
            held.store(true, SeqCst);
            let guard = condvar.wait_while(guard, |ready| !*ready).unwrap();
            (*other, *guard)
        });
        until(|| held.load(SeqCst));
        let mut guard = mutex.lock().unwrap();
        seen.note("the other is held", other.try_lock().is_err());
        *guard = true;
        condvar.notify_one();
        drop(guard);
        seen.note("ended", waiter.join().unwrap());
    });
    seen.note("free", (other.try_lock().is_ok(), mutex.try_lock().is_ok()));
    seen.end()
}

pub(crate) fn statics_and_traits() -> Vec<String> {
    static MUTEX: Mutex<u32> = Mutex::new(0);
    static CONDVAR: Condvar = Condvar::new();
    fn same_lifetime<'a>(condvar: &Condvar, guard: MutexGuard<'a, u32>) -> MutexGuard<'a, u32> {
        condvar.wait_while(guard, |_| false).unwrap()
    }
    let mut seen = Seen::new();
    thread::scope(|s| {
        let mut guard = same_lifetime(&CONDVAR, MUTEX.lock().unwrap());
        s.spawn(|| {
            *MUTEX.lock().unwrap() += 1;
            CONDVAR.notify_all();
        });
        guard = CONDVAR.wait_while(guard, |value| *value == 0).unwrap();
        seen.note("static", std::mem::take(&mut *guard));
    });
    // One after another, a condvar may be used with several mutexes.
    for round in 0..3 {
        let mutex = Mutex::new(round);
        let (guard, result) =
            CONDVAR.wait_timeout_while(mutex.lock().unwrap(), Duration::ZERO, |_| true).unwrap();
        seen.note("another mutex", (*guard, result.timed_out()));
    }
    let unsized_value: &Mutex<[i32]> = &Mutex::new([1]);
    seen.note("text", &CONDVAR);
    seen.note("len", unsized_value.lock().unwrap().len());
    traits!(seen, Condvar, WaitTimeoutResult, Arc<Condvar>, &'static Condvar);
    seen.end()
}
