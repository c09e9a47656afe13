//! A bag of green threads.

use std::{
    collections::BTreeMap,
    fmt,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    sched::{
        cancel,
        clock::Nanos,
        park::{self, Unparker, Wake},
    },
    thread::{Canceller, JoinHandle, Thread, ThreadId, spawn_inheriting},
};

/// A bag of green threads: spawn into it, wait until it is empty, cancel all that is in it. As gevent's `Group`.
///
/// A green thread leaves the group when it ends. Handles are the spawner's, to join or to drop; a clone is the same
/// group; dropping the last one leaves its green threads running. They inherit the spawner's
/// [deadline](crate::deadline).
///
/// ```
/// let group = sward::Group::new();
/// let handles: Vec<_> = (0..10).map(|i| group.spawn(move || i * i)).collect();
/// group.join();
/// assert!(group.is_empty());
/// assert_eq!(handles.into_iter().map(|handle| handle.join().unwrap()).sum::<i32>(), 285);
/// ```
#[derive(Clone, Default)]
pub struct Group(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// In the order of their spawns, so that what is done to all has one order.
    members: BTreeMap<ThreadId, Canceller>,
    /// In the order in which they came.
    waiters: BTreeMap<u64, Unparker>,
    /// How many have come.
    came: u64,
}

impl Group {
    /// An empty group.
    ///
    /// ```
    /// assert!(sward::Group::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`sward::spawn`](crate::spawn), into the group. Never parks.
    ///
    /// ```
    /// let group = sward::Group::new();
    /// let handle = group.spawn(|| 6 * 7);
    /// assert_eq!(handle.join().unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_at(Location::caller(), f)
    }

    /// As [`spawn`](Self::spawn) at `site`, for who spawns on behalf of others.
    pub(super) fn spawn_at<F, T>(&self, site: &'static Location<'static>, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let handle = spawn_inheriting(f, site);
        let id = handle.id();
        // In before the callback that takes it out, which may run at once.
        self.lock().members.insert(id, handle.canceller());
        let group = Arc::clone(&self.0);
        handle.on_done(move |_| Group(group).leave(id));
        handle
    }

    /// How many have not ended.
    ///
    /// ```
    /// let group = sward::Group::new();
    /// let handles: Vec<_> = (0..3).map(|_| group.spawn(sward::thread::park)).collect();
    /// assert_eq!(group.len(), 3);
    /// sward::cancel_all(&handles);
    /// group.join();
    /// assert_eq!(group.len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().members.len()
    }

    /// Whether all have ended.
    ///
    /// ```
    /// let group = sward::Group::new();
    /// drop(group.spawn(|| ()));
    /// group.join();
    /// assert!(group.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until the group is empty, also of those that are spawned meanwhile. Parks.
    ///
    /// If the caller is cancelled it unwinds, and the group runs on.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    ///
    /// static DONE: AtomicU32 = AtomicU32::new(0);
    /// let group = sward::Group::new();
    /// (0..10).for_each(|_| drop(group.spawn(|| DONE.fetch_add(1, SeqCst))));
    /// group.join();
    /// assert_eq!(DONE.load(SeqCst), 10);
    /// ```
    pub fn join(&self) {
        while let Some(place) = self.queue_up() {
            let wake = park::park(Nanos::NEVER);
            // Who was woken for another reason than the last one's end is still there, and would be for as long as the group.
            self.lock().waiters.remove(&place);
            if wake == Wake::Cancelled {
                cancel::unwind();
            }
        }
    }

    /// Cancels all that are in the group now. Never parks; [`join`](Self::join) tells when they have ended.
    ///
    /// ```
    /// let group = sward::Group::new();
    /// let parked = group.spawn(sward::thread::park);
    /// group.cancel_all();
    /// group.join();
    /// assert!(parked.join().unwrap_err().is_cancelled());
    /// ```
    #[doc(alias = "kill")]
    pub fn cancel_all(&self) {
        for canceller in self.cancellers() {
            canceller.cancel();
        }
    }

    /// Those that are in the group now, in the order of their spawns.
    ///
    /// ```
    /// let group = sward::Group::new();
    /// group.spawn(sward::thread::park);
    /// group.threads().iter().for_each(sward::thread::Thread::unpark);
    /// group.join();
    /// ```
    #[must_use]
    pub fn threads(&self) -> Vec<Thread> {
        self.lock().members.values().map(Canceller::thread).collect()
    }

    /// What cancels each of those that are in the group now.
    ///
    /// ```
    /// let group = sward::Group::new();
    /// let (first, second) = (group.spawn(sward::thread::park), group.spawn(sward::thread::park));
    /// group.cancellers()[0].cancel();
    /// assert!(first.join().unwrap_err().is_cancelled());
    /// second.thread().unpark();
    /// assert!(second.join().is_ok());
    /// ```
    #[must_use]
    pub fn cancellers(&self) -> Vec<Canceller> {
        self.lock().members.values().cloned().collect()
    }

    /// Notes the caller as one who waits, and tells its place; `None` if the group is empty.
    fn queue_up(&self) -> Option<u64> {
        let me = park::current_unparker();
        let mut state = self.lock();
        if state.members.is_empty() {
            return None;
        }
        state.came += 1;
        let place = state.came;
        state.waiters.insert(place, me);
        Some(place)
    }

    fn leave(&self, id: ThreadId) {
        let mut state = self.lock();
        state.members.remove(&id);
        let waiters =
            if state.members.is_empty() { std::mem::take(&mut state.waiters) } else { BTreeMap::new() };
        drop(state);
        waiters.values().for_each(Unparker::unpark);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn who_gives_up_waiting_leaves_nothing_behind() {
        let group = Group::new();
        let parked = group.spawn(crate::thread::park);
        let in_vain = || crate::timeout(Duration::from_millis(1), || group.join()).is_err();
        assert!(in_vain() && in_vain());
        assert!(crate::run(|| in_vain() && in_vain()));
        assert!(group.lock().waiters.is_empty());
        parked.cancel();
        group.join();
    }
}
