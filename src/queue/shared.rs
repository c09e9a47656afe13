//! What the three queues share: a buffer under a mutex, and the lines of those who wait for an item, for a place, for
//! the end of all tasks.
//!
//! The mutex is one that parks, for an order may be the user's code. It is taken with cancels held back: a get that was
//! promised an item takes it, whatever comes. What is a park point is the wait in line alone.
//!
//! **Invariant 1.** `promised_items` of the buffer's items are for getters that were called and have not come yet, and
//! `promised_places` of its places for putters alike. Nobody else takes those.
//! **Invariant 2.** While somebody is in the line for items, every item is promised; for places alike. [`pass_on`]
//! restores it after each change.
//! **Invariant 3.** Once it is closed nobody gets in line, and the lines for items and places are empty.
//!
//! [`pass_on`]: Shared::pass_on

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
};

use super::buffer::Buffer;
use crate::{
    lockfree::{
        call_line::{CallLine, Called},
        wait_list::Waiter,
    },
    sched::{
        self,
        clock::Nanos,
        wait::{self, TimedOut, WaitsFor, Who},
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
        if !state.is_closed && !state.has_place(self.places) {
            if let Err(why) = self.wait(&self.puts, state, patience) {
                return Err((why, item));
            }
            state = self.lock();
            state.promised_places -= 1;
        }
        if state.is_closed {
            drop(state);
            return Err((Why::Closed, item));
        }
        self.push(state, item);
        Ok(())
    }

    #[inline]
    pub(super) fn get(&self, patience: Patience) -> Result<B::Item, Why> {
        let mut state = self.lock();
        if !state.has_item() {
            if state.is_closed {
                return Err(Why::Closed);
            }
            self.wait(&self.gets, state, patience)?;
            state = self.lock();
            state.promised_items -= 1;
        }
        self.pop(state).ok_or(Why::Closed)
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
        let popped = panic::catch_unwind(AssertUnwindSafe(|| state.buffer.pop()));
        if popped.is_err() {
            // It is gone with the panic, and nobody will report it as done.
            let lost = before - state.buffer.len();
            self.finish(&mut state, lost);
        }
        self.pass_on(state);
        popped.unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    /// Calls who can go on (Invariant 2). One call of each kind is enough: there was one change.
    #[inline]
    fn pass_on(&self, mut state: MutexGuard<'_, State<B>>) {
        let getter = if state.has_item() { self.gets.call() } else { None };
        state.promised_items += usize::from(getter.is_some());
        let putter = if state.has_place(self.places) { self.puts.call() } else { None };
        state.promised_places += usize::from(putter.is_some());
        drop(state);
        [getter, putter].into_iter().flatten().for_each(<Who as Waiter>::deliver);
    }

    #[track_caller]
    pub(super) fn task_done(&self) {
        let mut state = self.lock();
        if state.unfinished == 0 {
            drop(state);
            panic!("task_done() was called more often than there were puts into the {}", self.name);
        }
        self.finish(&mut state, 1);
    }

    fn finish(&self, state: &mut State<B>, tasks: usize) {
        state.unfinished -= tasks;
        if state.unfinished == 0 {
            self.joins.close();
        }
    }

    /// False: the time is up.
    pub(super) fn join(&self, patience: Patience) -> bool {
        let state = self.lock();
        // Who was called is let go even if there are new tasks by now.
        state.unfinished == 0 || !matches!(self.wait(&self.joins, state, patience), Err(Why::Late))
    }

    pub(super) fn close(&self) {
        self.close_in(&mut self.lock());
    }

    fn close_in(&self, state: &mut State<B>) {
        state.is_closed = true;
        self.gets.close();
        self.puts.close();
    }

    pub(super) fn close_now(&self) -> Vec<B::Item> {
        let mut state = self.lock();
        self.close_in(&mut state);
        let left = state.buffer.take();
        // A getter that was called finds nothing, as after any close; it still counts itself out.
        self.finish(&mut state, left.len());
        drop(state);
        left.into_vec()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items()
    }

    pub(super) fn is_full(&self) -> bool {
        !self.lock().has_place(self.places)
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
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return debug.finish_non_exhaustive(),
        };
        let (len, unfinished, is_closed) = (state.items(), state.unfinished, state.is_closed);
        drop(state);
        debug.field("len", &len).field("unfinished", &unfinished).field("is_closed", &is_closed);
        debug.finish_non_exhaustive()
    }
}
