//! What the user's own code does inside: drops, texts, closures and conditions that use the same types again.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use super::{
    sync::{
        Arc, Condvar, LazyLock, Mutex, Once, OnceLock, PoisonError, RwLock, Weak,
        mpsc::{self, Receiver, Sender, SyncSender},
    },
    thread,
    tools::elsewhere,
};
use crate::seen::{Seen, caught};

/// A message that sends when it is dropped.
struct Echo(Option<Sender<Echo>>, Arc<AtomicUsize>);

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let sent = sender.send(Echo(None, Arc::clone(&self.1)));
            self.1.fetch_add(if sent.is_ok() { 1 } else { 100 }, SeqCst);
        }
    }
}

pub(crate) fn messages_that_send_when_they_are_dropped() -> Vec<String> {
    let mut seen = Seen::new();
    let count = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..40 {
        sender.send(Echo(Some(sender.clone()), Arc::clone(&count))).unwrap();
    }
    drop(receiver.recv());
    seen.note("one received", count.load(SeqCst));
    drop(receiver);
    seen.note("refused", count.load(SeqCst));
    drop(sender.send(Echo(Some(sender.clone()), Arc::clone(&count))));
    seen.note("came back", count.load(SeqCst));
    drop(sender);
    seen.note("references", Arc::strong_count(&count));
    seen.end()
}

/// A message that sends by a bounded channel when it is dropped.
struct BoundedEcho(Option<SyncSender<BoundedEcho>>, Arc<AtomicUsize>);

impl Drop for BoundedEcho {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let full = sender.try_send(BoundedEcho(None, Arc::clone(&self.1)));
            self.1.fetch_add(if full.is_ok() { 1 } else { 100 }, SeqCst);
        }
    }
}

pub(crate) fn the_same_when_there_is_a_bound() -> Vec<String> {
    let mut seen = Seen::new();
    let count = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::sync_channel(3);
    for _ in 0..3 {
        sender.send(BoundedEcho(Some(sender.clone()), Arc::clone(&count))).unwrap();
    }
    drop(sender.try_send(BoundedEcho(Some(sender.clone()), Arc::clone(&count))));
    seen.note("full", count.load(SeqCst));
    drop(receiver.recv());
    seen.note("room again", count.load(SeqCst));
    drop(receiver);
    seen.note("refused", count.load(SeqCst));
    drop(sender);
    seen.note("references", Arc::strong_count(&count));
    seen.end()
}

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{}", self.0);
        }
    }
}

pub(crate) fn drops_that_panic() -> Vec<String> {
    let mut seen = Seen::new();
    seen.note("a mutex", caught(|| drop(Mutex::new(Bomb("mutex")))));
    seen.note("a rwlock", caught(|| drop(RwLock::new(Bomb("rwlock")))));
    seen.note("a cell", caught(|| drop(OnceLock::from(Bomb("cell")))));
    let mutex = Mutex::new(Some(Bomb("replaced")));
    seen.note("under the lock", caught(|| *mutex.lock().unwrap() = None));
    seen.note("poisoned", (mutex.is_poisoned(), mutex.try_lock().is_err_and(|e| e.to_string().len() > 20)));
    let cell = OnceLock::from(Bomb("refused"));
    seen.note("set", caught(|| drop(cell.set(Bomb("given back")))));
    std::mem::forget(cell);
    let (sender, receiver) = mpsc::channel();
    sender.send(Bomb("first")).unwrap();
    seen.note("received", caught(|| drop(receiver.recv())));
    seen.note("then", receiver.try_recv().is_err());
    sender.send(Bomb("left")).unwrap();
    seen.note("with the receiver", caught(|| drop(receiver)));
    seen.note("disconnected", sender.send(Bomb("too late")).map_err(|e| std::mem::forget(e.0)));
    let mut lazy = LazyLock::new(|| Bomb("lazy"));
    seen.note("forced", LazyLock::force_mut(&mut lazy).0);
    seen.note("lazy", caught(|| drop(lazy)));
    seen.end()
}

/// Looks at its lock when its text is asked for.
struct Looks(Weak<Mutex<Looks>>);

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutex = self.0.upgrade().expect("alive");
        f.write_str(if mutex.try_lock().is_err() { "held" } else { "free" })
    }
}

pub(crate) fn texts_that_look_at_the_lock() -> Vec<String> {
    let mut seen = Seen::new();
    let mutex = Arc::new_cyclic(|me| Mutex::new(Looks(Weak::clone(me))));
    seen.texts("its own text holds it", &mutex);
    seen.note("free", mutex.try_lock().is_ok());
    let panics = Mutex::new(Mutex::new(()));
    let _inside = panics.lock().unwrap();
    seen.texts("held", &panics);
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in the text")
        }
    }
    let mutex = Mutex::new(Panics);
    seen.note("a text that panics", caught(|| format!("{mutex:?}")));
    seen.note("poisons", mutex.is_poisoned());
    let lock = RwLock::new(Panics);
    seen.note("a text that panics", caught(|| format!("{lock:?}")));
    seen.note("does not poison", (lock.is_poisoned(), lock.try_write().is_ok()));
    seen.end()
}

pub(crate) fn closures_that_look() -> Vec<String> {
    let mut seen = Seen::new();
    let cell = OnceLock::new();
    let value = *cell.get_or_init(|| {
        seen.note("inside", (cell.get(), elsewhere(|| cell.get().copied())));
        seen.texts("inside", &cell);
        1
    });
    seen.note("value", value);
    static OUTER: LazyLock<(usize, bool)> = LazyLock::new(|| (*INNER + 1, LazyLock::get(&OUTER).is_none()));
    static INNER: LazyLock<usize> = LazyLock::new(|| 4);
    seen.note("outer", *OUTER);
    let (mutex, condvar, once) = (Mutex::new(0), Condvar::new(), Once::new());
    let guard = condvar
        .wait_while(mutex.lock().unwrap(), |value| {
            *value += 1;
            condvar.notify_all();
            once.call_once(|| *value += 10);
            *value < 11
        })
        .unwrap();
    seen.note("condition", (*guard, mutex.try_lock().is_err()));
    seen.end()
}

/// Uses all of it when it is dropped in a panic.
struct UsesAll<'a> {
    mutex: &'a Mutex<i32>,
    lock: &'a RwLock<i32>,
    condvar: &'a Condvar,
    once: &'a Once,
    cell: &'a OnceLock<i32>,
    channel: (Sender<i32>, Receiver<i32>),
}

impl Drop for UsesAll<'_> {
    fn drop(&mut self) {
        assert!(thread::panicking());
        *self.mutex.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        *self.lock.write().unwrap_or_else(PoisonError::into_inner) += *self.lock.read().map_or(&1, |_| &2);
        self.condvar.notify_all();
        self.once.call_once(|| ());
        self.cell.get_or_init(|| 3);
        self.channel.0.send(4).unwrap();
        *self.mutex.lock().unwrap_or_else(PoisonError::into_inner) += self.channel.1.recv().unwrap();
    }
}

pub(crate) fn all_of_it_in_a_drop_of_a_panic() -> Vec<String> {
    let mut seen = Seen::new();
    let (mutex, lock, condvar) = (Mutex::new(0), RwLock::new(0), Condvar::new());
    let (once, cell) = (Once::new(), OnceLock::new());
    let end = elsewhere(|| {
        let _uses = UsesAll {
            mutex: &mutex,
            lock: &lock,
            condvar: &condvar,
            once: &once,
            cell: &cell,
            channel: mpsc::channel(),
        };
        panic!("and then it uses all");
    });
    seen.note("ended", end.map_err(drop));
    seen.note("values", (*mutex.lock().unwrap(), *lock.read().unwrap(), cell.get(), once.is_completed()));
    seen.note("poisoned", (mutex.is_poisoned(), lock.is_poisoned()));
    seen.end()
}

pub(crate) fn a_once_that_is_used_in_a_panic_of_another() -> Vec<String> {
    struct InDrop<'a>(&'a Once);
    impl Drop for InDrop<'_> {
        fn drop(&mut self) {
            self.0.call_once(|| assert!(thread::panicking()));
        }
    }
    let mut seen = Seen::new();
    let (outer, inner) = (Once::new(), Once::new());
    let end = caught(|| {
        outer.call_once(|| {
            let _in_drop = InDrop(&inner);
            panic!("the outer");
        });
    });
    seen.note("ended", end);
    seen.note("completed", (outer.is_completed(), inner.is_completed()));
    seen.note("the outer is poisoned", caught(|| outer.call_once(|| ())).is_err());
    seen.note("the inner is not", caught(|| inner.call_once(|| ())).is_ok());
    seen.end()
}

pub(crate) fn many_and_large_messages() -> Vec<String> {
    let mut seen = Seen::new();
    let (sender, receiver) = mpsc::channel::<[usize; 64]>();
    (0..500).for_each(|i| sender.send([i; 64]).unwrap());
    let firsts: usize = receiver.iter().take(250).map(|message| message[63]).sum();
    seen.note("the first half", firsts);
    let rest = thread::scope(|s| {
        s.spawn(move || {
            drop(sender);
            receiver.into_iter().map(|message| message[0]).collect::<Vec<_>>()
        })
        .join()
        .unwrap()
    });
    seen.note("the rest, elsewhere", (rest.len(), rest.is_sorted(), rest.first().copied()));
    let (sender, receiver) = mpsc::channel::<()>();
    let senders: Vec<_> = (0..100).map(|_| sender.clone()).collect();
    drop(sender);
    senders.iter().for_each(|sender| sender.send(()).unwrap());
    drop(senders);
    seen.note("of no size", receiver.iter().count());
    seen.end()
}
