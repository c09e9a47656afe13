//! What the three queues share: a buffer under a mutex, and the lines of those who wait for an item, for a place, for
//! the end of all tasks.
//!
//! The mutex is one that parks, for an order may be the user's code. It is taken with cancels held back: a get that was
//! promised an item takes it, whatever comes. What is a park point is the wait in line alone. A future takes it in its
//! polls, for as long as a call does, and never keeps it between two; one that is dropped does without it.
//!
//! **Invariant 1.** `promised_items` of the buffer's items are for getters that were called and have not come yet, and
//! `promised_places` of its places for putters alike. Nobody else takes those. A future that was called and is dropped
//! gives what it was promised to the next in line, or *returns* it: then it is counted in until somebody [looks].
//! **Invariant 2.** While somebody is in the line for items, every item is promised; for places alike. [`pass_on`]
//! restores it after each change.
//! **Invariant 3.** Once it is closed nobody gets in line, and who is in the lines for items and places is let go.
//! **Invariant 4.** Nobody is woken under the lock: the waker of a task is foreign code, and may use the queue.
//!
//! [`pass_on`]: Shared::pass_on
//! [looks]: Shared::take_returned

use std::{
    fmt, mem,
    panic::{self, AssertUnwindSafe},
};

use super::buffer::Buffer;
use crate::{
    lockfree::{
        call_line::{CallLine, Called, Closing, let_go},
        wait_list::Waiter,
    },
    sched::{
        self,
        clock::Nanos,
        wait::{self, TimedOut, Waiting, WaitsFor, Who},
    },
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

/// See the [module](self).
pub(super) struct Shared<B> {
    /// The type, as the user knows it.
    name: &'static str,
    /// `usize::MAX`: as many as there is memory for.
    places: usize,
    state: Mutex<State<B>>,
    gets: CallLine<Who>,
    puts: CallLine<Who>,
    joins: CallLine<Who>,
}

struct State<B> {
    buffer: B,
    is_closed: bool,
    /// Items that were put and not yet reported as done.
    unfinished: usize,
    promised_items: usize,
    promised_places: usize,
}

/// How long a call waits.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    None,
    For(Duration),
    Forever,
}

/// Why a call ends without what it came for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// It would have to wait, or has waited long enough.
    Late,
    Closed,
}

impl<B> Shared<B> {
    pub(super) const fn new(name: &'static str, maxsize: Option<usize>, buffer: B) -> Self {
        let places = match maxsize {
            None => usize::MAX,
            Some(0) => panic!("a queue needs a place: to hand over without one, use channel::bounded(0)"),
            Some(places) => places,
        };
        let state = State { buffer, is_closed: false, unfinished: 0, promised_items: 0, promised_places: 0 };
        let (gets, puts, joins) = (CallLine::new(), CallLine::new(), CallLine::new());
        Self { name, places, state: Mutex::new(state), gets, puts, joins }
    }

    pub(super) fn maxsize(&self) -> Option<usize> {
        Some(self.places).filter(|places| *places != usize::MAX)
    }

    /// Locks, with cancels held back. What panicked under the lock has left the state as it should be.
    #[inline]
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => self.wait_for_lock(),
        }
    }

    #[cold]
    fn wait_for_lock(&self) -> MutexGuard<'_, State<B>> {
        sched::shielded(|| self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets go of the lock, and waits to be called.
    #[cold]
    fn wait(
        &self,
        line: &CallLine<Who>,
        state: MutexGuard<'_, State<B>>,
        patience: Patience,
    ) -> Result<(), Why> {
        let deadline = match patience {
            Patience::None => return Err(Why::Late),
            Patience::For(limit) => sched::now().saturating_add(limit),
            Patience::Forever => Nanos::NEVER,
        };
        let stand = line.stand(|| drop(state));
        match wait::block_on(stand, WaitsFor::signal(self.name, self), deadline) {
            Ok(Called::Turn) => Ok(()),
            Ok(Called::Closed) => Err(Why::Closed),
            Err(TimedOut) => Err(Why::Late),
        }
    }
}

impl<B: Buffer> Shared<B> {
    /// An error gives the item back.
    #[inline]
    pub(super) fn put(&self, item: B::Item, patience: Patience) -> Result<(), (Why, B::Item)> {
        let mut state = self.lock();
        if !state.is_closed && !self.has_place(&mut state) {
            if let Err(why) = self.wait(&self.puts, state, patience) {
                return Err((why, item));
            }
            state = self.lock();
            state.promised_places -= 1;
        }
        self.push_unless_closed(state, item).map_err(|item| (Why::Closed, item))
    }

    #[inline]
    pub(super) fn get(&self, patience: Patience) -> Result<B::Item, Why> {
        let mut state = self.lock();
        if !self.has_item(&mut state) {
            if state.is_closed {
                return Err(Why::Closed);
            }
            self.wait(&self.gets, state, patience)?;
            state = self.lock();
            state.promised_items -= 1;
        }
        self.pop(state).ok_or(Why::Closed)
    }

    /// As [`put`](Self::put). An error is the item: it is closed.
    pub(super) async fn put_async(&self, item: B::Item) -> Result<(), B::Item> {
        let mut item = Some(item);
        let enter = || {
            let mut state = self.lock();
            if !state.is_closed && !self.has_place(&mut state) {
                return Err(|| drop(state));
            }
            Ok(item.take().map_or(Ok(()), |item| self.push_unless_closed(state, item)))
        };
        let entered = Waiting::new(self.puts.enter(enter)).await;
        match (entered, item) {
            (Err(Called::Turn), Some(item)) => {
                let mut state = self.lock();
                state.promised_places -= 1;
                self.push_unless_closed(state, item)
            }
            (Err(Called::Closed), Some(item)) => Err(item),
            (entered, _) => entered.unwrap_or(Ok(())),
        }
    }

    /// As [`get`](Self::get). `None`: it is closed.
    pub(super) async fn get_async(&self) -> Option<B::Item> {
        let enter = || {
            let mut state = self.lock();
            if self.has_item(&mut state) {
                return Ok(self.pop(state));
            }
            if state.is_closed { Ok(None) } else { Err(|| drop(state)) }
        };
        match Waiting::new(self.gets.enter(enter)).await {
            Ok(got) => got,
            Err(Called::Closed) => None,
            Err(Called::Turn) => {
                let mut state = self.lock();
                state.promised_items -= 1;
                self.pop(state)
            }
        }
    }

    pub(super) async fn join_async(&self) {
        let enter = || {
            let state = self.lock();
            if state.unfinished == 0 { Ok(()) } else { Err(|| drop(state)) }
        };
        // Either way they were all done at some moment.
        let _ = Waiting::new(self.joins.enter(enter)).await;
    }

    #[inline]
    fn has_item(&self, state: &mut State<B>) -> bool {
        state.has_item() || self.take_returned(state) && state.has_item()
    }

    #[inline]
    fn has_place(&self, state: &mut State<B>) -> bool {
        state.has_place(self.places) || self.take_returned(state) && state.has_place(self.places)
    }

    /// Counts out what was promised to futures that are gone (Invariant 1). Nobody waits for it: it would be theirs.
    #[cold]
    fn take_returned(&self, state: &mut State<B>) -> bool {
        let (items, places) = (self.gets.take_returned(), self.puts.take_returned());
        state.promised_items -= items;
        state.promised_places -= places;
        items + places > 0
    }

    /// As [`push`](Self::push). An error gives the item back.
    #[inline]
    fn push_unless_closed(&self, state: MutexGuard<'_, State<B>>, item: B::Item) -> Result<(), B::Item> {
        if state.is_closed {
            drop(state);
            return Err(item);
        }
        self.push(state, item);
        Ok(())
    }

    /// Puts an item into a place that is free, or was promised to the caller.
    fn push(&self, mut state: MutexGuard<'_, State<B>>, item: B::Item) {
        let before = state.buffer.len();
        // The user's order may panic. The item is in then, somewhere, and is put as every other.
        let pushed = panic::catch_unwind(AssertUnwindSafe(|| state.buffer.push(item)));
        state.unfinished += state.buffer.len() - before;
        self.pass_on(state);
        pushed.unwrap_or_else(|payload| panic::resume_unwind(payload));
    }

    /// Takes an item that is free, or was promised to the caller. `None`: all were thrown away.
    fn pop(&self, mut state: MutexGuard<'_, State<B>>) -> Option<B::Item> {
        let before = state.buffer.len();
        match panic::catch_unwind(AssertUnwindSafe(|| state.buffer.pop())) {
            Ok(item) => {
                self.pass_on(state);
                item
            }
            Err(payload) => {
                // It is gone with the panic, and nobody will report it as done.
                let lost = before - state.buffer.len();
                let done = self.finish(&mut state, lost);
                let passed = panic::catch_unwind(AssertUnwindSafe(|| self.pass_on(state)));
                let_go([done]);
                // A waker that panics, too, comes second: to drop that may panic again.
                mem::forget(passed);
                panic::resume_unwind(payload)
            }
        }
    }

    /// Calls who can go on (Invariant 2). One call of each kind is enough: there was one change.
    #[inline]
    fn pass_on(&self, mut state: MutexGuard<'_, State<B>>) {
        let getter = if state.has_item() { self.gets.call() } else { None };
        state.promised_items += usize::from(getter.is_some());
        let putter = if state.has_place(self.places) { self.puts.call() } else { None };
        state.promised_places += usize::from(putter.is_some());
        drop(state);
        // It is one of them at most: who takes an item has not made one, and who takes a place has not.
        [getter, putter].into_iter().flatten().for_each(<Who as Waiter>::deliver);
    }

    #[track_caller]
    pub(super) fn task_done(&self) {
        let mut state = self.lock();
        if state.unfinished == 0 {
            drop(state);
            panic!("task_done() was called more often than there were puts into the {}", self.name);
        }
        let done = self.finish(&mut state, 1);
        drop(state);
        let_go([done]);
    }

    /// To be let go of, without the lock.
    fn finish(&self, state: &mut State<B>, tasks: usize) -> Option<Closing<'_, Who>> {
        // One may have been reported before it was taken out, and be thrown away now.
        state.unfinished = state.unfinished.saturating_sub(tasks);
        if state.unfinished == 0 { self.joins.close() } else { None }
    }

    /// False: the time is up.
    pub(super) fn join(&self, patience: Patience) -> bool {
        let state = self.lock();
        // Who was called is let go even if there are new tasks by now.
        state.unfinished == 0 || !matches!(self.wait(&self.joins, state, patience), Err(Why::Late))
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        let waiting = self.close_in(&mut state);
        drop(state);
        let_go(waiting);
    }

    /// To be let go of, without the lock.
    fn close_in(&self, state: &mut State<B>) -> [Option<Closing<'_, Who>>; 2] {
        state.is_closed = true;
        [self.gets.close(), self.puts.close()]
    }

    pub(super) fn close_now(&self) -> Vec<B::Item> {
        let mut state = self.lock();
        let [getters, putters] = self.close_in(&mut state);
        let left = state.buffer.take();
        // A getter that was called finds nothing, as after any close; it still counts itself out.
        let done = self.finish(&mut state, left.len());
        drop(state);
        let_go([getters, putters, done]);
        left.into_vec()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(super) fn len(&self) -> usize {
        let mut state = self.lock();
        self.take_returned(&mut state);
        state.items()
    }

    pub(super) fn is_full(&self) -> bool {
        !self.has_place(&mut self.lock())
    }
}

impl<B: Buffer> State<B> {
    /// Without those that are promised. After [`Shared::close_now`] there may be promises without items.
    fn items(&self) -> usize {
        self.buffer.len().saturating_sub(self.promised_items)
    }

    fn has_item(&self) -> bool {
        self.items() > 0
    }

    /// Besides those that are promised.
    fn has_place(&self, places: usize) -> bool {
        self.buffer.len() + self.promised_places < places
    }
}

impl<B: Buffer> fmt::Debug for Shared<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct(self.name);
        debug.field("maxsize", &self.maxsize());
        // Who prints it may be under the lock already; who is written to may use the queue.
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return debug.finish_non_exhaustive(),
        };
        self.take_returned(&mut state);
        let (len, unfinished, is_closed) = (state.items(), state.unfinished, state.is_closed);
        drop(state);
        debug.field("len", &len).field("unfinished", &unfinished).field("is_closed", &is_closed);
        debug.finish_non_exhaustive()
    }
}
