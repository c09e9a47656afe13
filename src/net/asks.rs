//! Whether a socket must ask the kernel for its mode and timeouts: what all handles of one open file description share.
//!
//! Nearly all sockets have one handle and ask never. That is to be seen without leaving the handle, whose line of the
//! cache is in use anyway.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::lockfree::counter::Flag;

/// See the [module](self). Once raised it stays so, for all handles.
pub(super) struct Asks {
    /// Raised if the answer may be yes: it was raised here, or there are other handles that may raise it.
    perhaps: Flag,
    state: Mutex<State>,
}

enum State {
    /// The only handle.
    Alone {
        raised: bool,
    },
    Shared(Arc<Flag>),
}

impl Asks {
    pub(super) fn new() -> Self {
        Self { perhaps: Flag::new(), state: Mutex::new(State::Alone { raised: false }) }
    }

    #[inline]
    pub(super) fn is_raised(&self) -> bool {
        self.perhaps.is_raised() && self.look()
    }

    #[cold]
    fn look(&self) -> bool {
        match &*self.lock() {
            State::Alone { raised } => *raised,
            State::Shared(flag) => flag.is_raised(),
        }
    }

    pub(super) fn raise(&self) {
        match &mut *self.lock() {
            State::Alone { raised } => *raised = true,
            State::Shared(flag) => _ = flag.raise(),
        }
        self.perhaps.raise();
    }

    /// For one more handle.
    pub(super) fn share(&self) -> Self {
        let mut state = self.lock();
        let flag = match mem::replace(&mut *state, State::Alone { raised: false }) {
            State::Shared(flag) => flag,
            State::Alone { raised } => {
                let flag = Flag::new();
                if raised {
                    flag.raise();
                }
                Arc::new(flag)
            }
        };
        *state = State::Shared(Arc::clone(&flag));
        self.perhaps.raise();
        let other = Self { perhaps: Flag::new(), state: Mutex::new(State::Shared(flag)) };
        other.perhaps.raise();
        other
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Asks;

    #[test]
    fn what_one_handle_raises_all_have_raised() {
        let first = Asks::new();
        let second = first.share();
        let third = second.share();
        assert!(![&first, &second, &third].iter().any(|asks| asks.is_raised()));
        third.raise();
        assert!([&first, &second, &third].iter().all(|asks| asks.is_raised()));
        assert!(first.share().is_raised());
    }

    #[test]
    fn what_was_raised_before_stays_so_in_the_next_handle() {
        let first = Asks::new();
        assert!(!first.is_raised());
        first.raise();
        assert!(first.is_raised());
        assert!(first.share().is_raised());
        assert!(first.is_raised());
    }
}
