//! A group of limited size, and maps over it.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    iter::FusedIterator,
    panic::Location,
    sync::Arc,
};

use super::Group;
use crate::{
    sched::clock::Nanos,
    sync::Semaphore,
    thread::{Completions, JoinHandle, Result},
};

/// A [`Group`] in which at most so many run at once: `spawn` parks while it is full. As gevent's `Pool`.
///
/// A clone is the same pool.
///
/// ```
/// let pool = sward::Pool::new(10);
/// let squares = pool.map(0..100_u64, |i| i * i);
/// assert_eq!(squares.into_iter().map(Result::unwrap).sum::<u64>(), 328_350);
/// ```
#[derive(Clone)]
pub struct Pool {
    group: Group,
    size: usize,
    places: Arc<Semaphore>,
}

/// The results of [`Pool::imap`], in the order of the items.
pub struct Imap<I, F, T> {
    feed: Feed<I, F>,
    running: VecDeque<JoinHandle<T>>,
}

/// The results of [`Pool::imap_unordered`], in the order in which they come.
pub struct ImapUnordered<I, F, T> {
    feed: Feed<I, F>,
    running: BTreeMap<usize, JoinHandle<T>>,
    ended: Arc<Completions>,
    started: usize,
}

/// Where a map takes its next item from, and what it does with it.
struct Feed<I, F> {
    pool: Pool,
    items: I,
    f: Arc<F>,
    /// Where the map was called: there its green threads come from.
    site: &'static Location<'static>,
}

impl Pool {
    /// A pool in which `size` may run at once.
    ///
    /// # Panics
    /// If `size` is zero: nothing could ever run.
    ///
    /// ```
    /// let pool = sward::Pool::new(3);
    /// assert_eq!(pool.free_count(), 3);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new(size: usize) -> Self {
        assert!(size > 0, "a pool of size 0 never runs anything");
        // More than a semaphore can have are as good as no limit.
        let places = Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS)));
        Self { group: Group::new(), size, places }
    }

    /// As [`Group::spawn`]; parks while the pool is full. Places are given first in, first out: one that becomes free goes
    /// to the first in line, and whoever comes meanwhile stands behind.
    ///
    /// If the caller is cancelled while it waits it unwinds, and `f` is dropped.
    ///
    /// ```
    /// sward::run(|| {
    ///     let pool = sward::Pool::new(1);
    ///     let first = pool.spawn(|| 1);
    ///     let second = pool.spawn(|| 2); // parks until the first has ended
    ///     assert!(first.is_finished());
    ///     assert_eq!(second.join().unwrap(), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_at(Location::caller(), f)
    }

    fn spawn_at<F, T>(&self, site: &'static Location<'static>, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let permit = self.places.acquire_owned();
        self.group.spawn_at(site, move || {
            let _permit = permit;
            f()
        })
    }

    /// As [`spawn`](Self::spawn), without parking.
    ///
    /// # Errors
    /// `f`, if the pool is full or others are in line.
    ///
    /// ```
    /// let pool = sward::Pool::new(1);
    /// let parked = pool.try_spawn(sward::thread::park).ok().unwrap();
    /// assert!(pool.try_spawn(|| ()).is_err());
    /// parked.thread().unpark();
    /// pool.join();
    /// assert!(pool.try_spawn(|| ()).is_ok());
    /// ```
    #[track_caller]
    pub fn try_spawn<F, T>(&self, f: F) -> std::result::Result<JoinHandle<T>, F>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let Ok(permit) = self.places.try_acquire_owned() else { return Err(f) };
        Ok(self.group.spawn(move || {
            let _permit = permit;
            f()
        }))
    }

    /// Calls `f` with each item, as many at once as the pool allows, and returns every result in order. Parks. A panic
    /// of one is that item's error. If the caller is cancelled it unwinds, and what has started runs on.
    ///
    /// ```
    /// let pool = sward::Pool::new(4);
    /// let halves = pool.map([8, 0, 2], |n| if n == 0 { panic!("no half of nothing") } else { n / 2 });
    /// assert_eq!(*halves[0].as_ref().unwrap(), 4);
    /// assert!(halves[1].is_err());
    /// assert_eq!(*halves[2].as_ref().unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn map<I, F, T>(&self, items: I, f: F) -> Vec<Result<T>>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        let mut feed = self.feed(items, f);
        let handles: Vec<_> = std::iter::from_fn(|| feed.spawn_next()).collect();
        crate::thread::join_all(handles)
    }

    /// As [`map`](Self::map), lazily: no more items are taken than the pool can run at once. Dropped, it cancels what
    /// is still running.
    ///
    /// ```
    /// let pool = sward::Pool::new(4);
    /// let first: Vec<_> = pool.imap(1.., |i: u32| i * 10).take(3).map(Result::unwrap).collect();
    /// assert_eq!(first, [10, 20, 30]);
    /// ```
    #[track_caller]
    pub fn imap<I, F, T>(&self, items: I, f: F) -> Imap<I::IntoIter, F, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap { feed: self.feed(items, f), running: VecDeque::new() }
    }

    /// As [`imap`](Self::imap), in the order in which the results come.
    ///
    /// ```
    /// let pool = sward::Pool::new(4);
    /// let mut squares: Vec<_> = pool.imap_unordered(1..=3, |i: u32| i * i).map(Result::unwrap).collect();
    /// squares.sort();
    /// assert_eq!(squares, [1, 4, 9]);
    /// ```
    #[track_caller]
    pub fn imap_unordered<I, F, T>(&self, items: I, f: F) -> ImapUnordered<I::IntoIter, F, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        ImapUnordered {
            feed: self.feed(items, f),
            running: BTreeMap::new(),
            ended: Arc::default(),
            started: 0,
        }
    }

    /// How many more could run now.
    ///
    /// ```
    /// let pool = sward::Pool::new(2);
    /// let parked = pool.spawn(sward::thread::park);
    /// assert_eq!(pool.free_count(), 1);
    /// parked.cancel();
    /// pool.join();
    /// assert_eq!(pool.free_count(), 2);
    /// ```
    #[must_use]
    pub fn free_count(&self) -> usize {
        self.places.available_permits()
    }

    /// Parks until another could run, in line with those who [`spawn`](Self::spawn). It takes no place: who comes next may
    /// have it.
    ///
    /// ```
    /// sward::run(|| {
    ///     let pool = sward::Pool::new(1);
    ///     let job = pool.spawn(|| ());
    ///     pool.wait_available();
    ///     assert!(job.is_finished());
    /// });
    /// ```
    pub fn wait_available(&self) {
        drop(self.places.acquire());
    }

    /// How many have not ended.
    ///
    /// ```
    /// let pool = sward::Pool::new(2);
    /// let parked = pool.spawn(sward::thread::park);
    /// assert_eq!(pool.len(), 1);
    /// parked.cancel();
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.group.len()
    }

    /// Whether all have ended.
    ///
    /// ```
    /// let pool = sward::Pool::new(2);
    /// drop(pool.spawn(|| ()));
    /// pool.join();
    /// assert!(pool.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.group.is_empty()
    }

    /// As [`Group::join`].
    ///
    /// ```
    /// let pool = sward::Pool::new(2);
    /// let handles: Vec<_> = (0..10).map(|i| pool.spawn(move || i)).collect();
    /// pool.join();
    /// assert!(handles.iter().all(|handle| handle.is_finished()));
    /// ```
    pub fn join(&self) {
        self.group.join();
    }

    /// As [`Group::cancel_all`].
    ///
    /// ```
    /// let pool = sward::Pool::new(2);
    /// let parked = pool.spawn(sward::thread::park);
    /// pool.cancel_all();
    /// assert!(parked.join().unwrap_err().is_cancelled());
    /// ```
    pub fn cancel_all(&self) {
        self.group.cancel_all();
    }

    #[track_caller]
    fn feed<I: IntoIterator, F>(&self, items: I, f: F) -> Feed<I::IntoIter, F> {
        Feed { pool: self.clone(), items: items.into_iter(), f: Arc::new(f), site: Location::caller() }
    }
}

impl<I, F, T> Feed<I, F>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    /// Starts the next item when there is room.
    fn spawn_next(&mut self) -> Option<JoinHandle<T>> {
        let item = self.items.next()?;
        let f = Arc::clone(&self.f);
        Some(self.pool.spawn_at(self.site, move || f(item)))
    }

    /// Starts the next item if there is room for it now beside these, or, if there are none, when there is.
    fn spawn_beside(&mut self, running: usize) -> Option<JoinHandle<T>> {
        let may = running == 0 || running < self.pool.size && self.pool.free_count() > 0;
        may.then(|| self.spawn_next())?
    }
}

impl<I, F, T> Iterator for Imap<I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        while let Some(handle) = self.feed.spawn_beside(self.running.len()) {
            self.running.push_back(handle);
        }
        self.running.pop_front().map(JoinHandle::join)
    }
}

impl<I, F, T> Iterator for ImapUnordered<I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        while let Some(handle) = self.feed.spawn_beside(self.running.len()) {
            self.ended.watch(&handle, self.started);
            self.running.insert(self.started, handle);
            self.started += 1;
        }
        if self.running.is_empty() {
            return None;
        }
        let index = self.ended.next(Nanos::NEVER).expect("there is no deadline");
        self.running.remove(&index).map(JoinHandle::join)
    }
}

impl<I, F, T> FusedIterator for Imap<I, F, T>
where
    Imap<I, F, T>: Iterator,
    I: FusedIterator,
{
}
impl<I, F, T> FusedIterator for ImapUnordered<I, F, T>
where
    ImapUnordered<I, F, T>: Iterator,
    I: FusedIterator,
{
}

impl<I, F, T> Drop for Imap<I, F, T> {
    fn drop(&mut self) {
        self.running.iter().for_each(JoinHandle::cancel);
    }
}

impl<I, F, T> Drop for ImapUnordered<I, F, T> {
    fn drop(&mut self) {
        self.running.values().for_each(JoinHandle::cancel);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("len", &self.len())
            .field("free_count", &self.free_count())
            .finish_non_exhaustive()
    }
}

impl<I, F, T> fmt::Debug for Imap<I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap").field("running", &self.running.len()).finish_non_exhaustive()
    }
}

impl<I, F, T> fmt::Debug for ImapUnordered<I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapUnordered").field("running", &self.running.len()).finish_non_exhaustive()
    }
}
