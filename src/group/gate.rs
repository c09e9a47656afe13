//! A gate that lets so many through at once, and tells those who wait for one to leave.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::sched::{
    cancel,
    clock::Nanos,
    park::{self, Unparker, Wake},
};

/// See the [module](self).
pub(super) struct Gate {
    size: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    inside: usize,
    /// Who waits, first in line first.
    line: VecDeque<(u64, Unparker)>,
    last_ticket: u64,
}

/// One that is inside. Dropped, it leaves.
pub(super) struct Permit(Arc<Gate>);

/// A place in the line. Dropped, it is given up; a wake-up that came for it goes to the next.
struct Ticket<'a> {
    gate: &'a Gate,
    number: u64,
}

impl Gate {
    pub(super) fn new(size: usize) -> Arc<Self> {
        Arc::new(Self { size, state: Mutex::default() })
    }

    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        (state.inside < self.size).then(|| {
            state.inside += 1;
            Permit(Arc::clone(self))
        })
    }

    /// Parks until it is let in.
    pub(super) fn enter(self: &Arc<Self>) -> Permit {
        loop {
            if let Some(permit) = self.try_enter() {
                return permit;
            }
            self.wait_for_room();
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn room(&self) -> usize {
        self.size - self.lock().inside
    }

    /// Parks until there is room, which another may take first.
    pub(super) fn wait_for_room(&self) {
        let ticket = self.stand_in_line();
        while self.room() == 0 {
            if park::park(Nanos::NEVER) == Wake::Cancelled {
                drop(ticket);
                cancel::unwind();
            }
        }
    }

    fn stand_in_line(&self) -> Ticket<'_> {
        let mut state = self.lock();
        state.last_ticket += 1;
        let number = state.last_ticket;
        state.line.push_back((number, park::current_unparker()));
        Ticket { gate: self, number }
    }

    fn call_next(state: &State) {
        if let Some((_, first)) = state.line.front() {
            first.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.line.retain(|(number, _)| *number != self.number);
        if state.inside < self.gate.size {
            Gate::call_next(&state);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.inside -= 1;
        Gate::call_next(&state);
    }
}
