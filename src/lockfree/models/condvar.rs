use std::pin::pin;

use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::{
    condvar::{Condvar, Wait},
    mutex::{Lock, Mutex},
    plain::Plain,
    wait_list::{Node, Operation},
};

/// Items that some take and others put there.
struct Store {
    mutex: Mutex<InLine>,
    condvar: Condvar<InLine>,
    items: UnsafeCell<usize>,
}

// SAFETY: the items are guarded by the mutex, which is what loom checks here.
unsafe impl Sync for Store {}
// SAFETY: as above.
unsafe impl Send for Store {}

impl Store {
    fn new() -> Arc<Self> {
        Arc::new(Self { mutex: Mutex::new(), condvar: Condvar::new(), items: UnsafeCell::new(0) })
    }

    /// False: cancelled.
    fn lock(&self, me: &Thread) -> bool {
        self.mutex.try_lock() || me.block_on(Lock(&self.mutex)).is_some()
    }

    /// With the lock held.
    fn change(&self, f: impl FnOnce(&mut usize)) {
        // SAFETY: loom checks it.
        self.items.with_mut(|items| f(unsafe { &mut *items }));
    }

    /// With the lock held.
    fn is_empty(&self) -> bool {
        // SAFETY: loom checks it.
        self.items.with(|items| unsafe { *items == 0 })
    }

    /// As the shell's wait. False: cancelled, and the lock not held.
    fn wait(&self, me: &Thread) -> bool {
        let wait = Wait { condvar: &self.condvar, mutex: &self.mutex };
        let Some(notified) = me.block_on(wait) else { return false };
        let locked = self.lock(me);
        if !locked {
            self.condvar.pass_on(notified);
        }
        locked
    }

    /// False: cancelled.
    fn take(&self, me: &Thread) -> bool {
        if !self.lock(me) {
            return false;
        }
        while self.is_empty() {
            if !self.wait(me) {
                return false;
            }
        }
        self.change(|items| *items -= 1);
        self.mutex.unlock();
        true
    }

    /// Does not notify.
    fn put(&self, more: usize) {
        assert!(self.lock(&Thread::new()));
        self.change(|items| *items += more);
        self.mutex.unlock();
    }

    fn taker(store: &Arc<Self>, me: Arc<Thread>) -> thread::JoinHandle<bool> {
        let theirs = Arc::clone(store);
        thread::spawn(move || theirs.take(&me))
    }
}

/// Catches: a wait that lets the mutex go before it stands in line, a word that is not set, a mark that comes late.
#[test]
fn a_notification_meets_the_begin_of_a_wait() {
    check_bounded(3, || {
        let store = Store::new();
        let taker = Store::taker(&store, Thread::new());
        store.put(1);
        store.condvar.notify_one();
        assert!(taker.join().unwrap());
    });
}

/// Catches: a second waiter whom the word does not tell of, two notifications that wake the same one.
#[test]
fn two_notifications_wake_two() {
    check_bounded(2, || {
        let store = Store::new();
        let takers = [(); 2].map(|()| Store::taker(&store, Thread::new()));
        for _ in 0..2 {
            store.put(1);
            store.condvar.notify_one();
        }
        takers.into_iter().for_each(|taker| assert!(taker.join().unwrap()));
    });
}

/// Catches: a notification to all that ends after its first batch.
#[test]
fn one_notification_to_all_wakes_two() {
    check_bounded(2, || {
        let store = Store::new();
        let takers = [(); 2].map(|()| Store::taker(&store, Thread::new()));
        store.put(2);
        store.condvar.notify_all();
        takers.into_iter().for_each(|taker| assert!(taker.join().unwrap()));
    });
}

/// Catches: a cancelled waiter that takes a notification with it as it leaves the line.
#[test]
fn a_cancel_meets_a_notification() {
    check_bounded(2, || {
        let store = Store::new();
        let cancelled = Thread::new();
        let first = Store::taker(&store, Arc::clone(&cancelled));
        let second = Store::taker(&store, Thread::new());
        store.put(1);
        store.condvar.notify_one();
        cancelled.cancel();
        if first.join().unwrap() {
            store.put(1);
            store.condvar.notify_one();
        }
        assert!(second.join().unwrap());
    });
}

/// Catches: a cancelled waiter that takes a notification with it as it waits for the mutex.
#[test]
fn a_cancel_meets_a_notification_with_the_mutex_held() {
    check_bounded(2, || {
        let store = Store::new();
        let cancelled = Thread::new();
        let first = Store::taker(&store, Arc::clone(&cancelled));
        let second = Store::taker(&store, Thread::new());
        assert!(store.lock(&Thread::new()));
        store.change(|items| *items += 1);
        store.condvar.notify_one();
        cancelled.cancel();
        store.mutex.unlock();
        if first.join().unwrap() {
            store.put(1);
            store.condvar.notify_one();
        }
        assert!(second.join().unwrap());
    });
}

/// Stands in line without parking.
fn stand(store: &Store, node: std::pin::Pin<&Node<InLine, Plain<u64>>>) {
    assert!(store.lock(&Thread::new()));
    assert!(Wait { condvar: &store.condvar, mutex: &store.mutex }.begin(node).is_none());
}

/// Catches: a notification to one that is given to one of those who are owed one by a notification to all, in between
/// its batches, and is so lost to who began to wait afterwards.
#[test]
fn a_notification_comes_between_the_batches() {
    check_bounded(3, || {
        let store = Store::new();
        let threads = [(); 3].map(|()| Thread::new());
        let node = |i: usize| Node::new(InLine::of(&threads[i]), Plain::new(0));
        let (first, second, late) = (pin!(node(0)), pin!(node(1)), pin!(node(2)));
        let [first, second, late] = [first.as_ref(), second.as_ref(), late.as_ref()];
        stand(&store, first);
        stand(&store, second);
        let theirs = Arc::clone(&store);
        let all = thread::spawn(move || theirs.condvar.notify_all());
        stand(&store, late);
        store.condvar.notify_one();
        all.join().unwrap();
        assert!([first, second, late].iter().all(|node| node.is_granted()));
    });
}

/// Catches: a notification that is passed on to one who began to wait after it was given.
#[test]
fn nobody_inherits_a_notification_that_is_older_than_its_wait() {
    check_bounded(3, || {
        let store = Store::new();
        let threads = [(); 3].map(|()| Thread::new());
        let node = |i: usize| Node::new(InLine::of(&threads[i]), Plain::new(0));
        let (first, second, late) = (pin!(node(0)), pin!(node(1)), pin!(node(2)));
        let [first, second, late] = [first.as_ref(), second.as_ref(), late.as_ref()];
        let wait = || Wait { condvar: &store.condvar, mutex: &store.mutex };
        stand(&store, first);
        stand(&store, second);
        store.condvar.notify_one();
        stand(&store, late);
        // The first does not want it, and meanwhile the only heir leaves.
        let notified = wait().look(first).expect("it is notified");
        let theirs = Arc::clone(&store);
        let pass_on = thread::spawn(move || theirs.condvar.pass_on(notified));
        if let Some(notified) = wait().give_up(second) {
            store.condvar.pass_on(notified);
        }
        pass_on.join().unwrap();
        assert!(wait().give_up(late).is_none());
    });
}

/// Catches: a notification to all that goes on with one who came after it had begun, or leaves out one who came before.
#[test]
fn a_notification_to_all_meets_one_who_comes() {
    check_bounded(3, || {
        let store = Store::new();
        let threads = [(); 3].map(|()| Thread::new());
        let node = |i: usize| Node::new(InLine::of(&threads[i]), Plain::new(0));
        let (first, second, late) = (pin!(node(0)), pin!(node(1)), pin!(node(2)));
        let [first, second, late] = [first.as_ref(), second.as_ref(), late.as_ref()];
        let wait = || Wait { condvar: &store.condvar, mutex: &store.mutex };
        stand(&store, first);
        stand(&store, second);
        let theirs = Arc::clone(&store);
        let all = thread::spawn(move || theirs.condvar.notify_all());
        let has_begun = first.is_granted();
        stand(&store, late);
        all.join().unwrap();
        assert!(first.is_granted() && second.is_granted());
        assert!(!has_begun || !late.is_granted(), "it came later");
        let granted = late.is_granted();
        assert_eq!(wait().give_up(late).is_some(), granted);
        // The word tells of nobody, and nobody is there.
        store.condvar.notify_all();
    });
}
