//! Whether a socket must ask the kernel for its mode and timeouts: what all handles of one open file description share.
//!
//! Nearly all sockets have one handle and ask never. That is to be seen without leaving the handle, whose line of the
//! cache is in use anyway. And nearly all that connect end without anybody having seen in which mode they are: it is put
//! right for the first who may look.

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
        /// In non-blocking mode, which nobody asked for.
        unsettled: bool,
    },
    Shared(Arc<Flag>),
}

impl Asks {
    pub(super) fn new() -> Self {
        Self::alone(false)
    }

    /// Of a descriptor that was made in non-blocking mode: the first who raises or shares this makes it a blocking one.
    pub(super) fn unsettled() -> Self {
        Self::alone(true)
    }

    fn alone(unsettled: bool) -> Self {
        Self { perhaps: Flag::new(), state: Mutex::new(State::Alone { raised: false, unsettled }) }
    }

    #[inline]
    pub(super) fn is_raised(&self) -> bool {
        self.perhaps.is_raised() && self.look()
    }

    #[cold]
    fn look(&self) -> bool {
        match &*self.lock() {
            State::Alone { raised, .. } => *raised,
            State::Shared(flag) => flag.is_raised(),
        }
    }

    /// `settle` is called under the lock, so that it is over for everybody who comes after.
    pub(super) fn raise(&self, settle: impl FnOnce()) {
        match &mut *self.lock() {
            State::Alone { raised, unsettled } => {
                *raised = true;
                if mem::take(unsettled) {
                    settle();
                }
            }
            State::Shared(flag) => _ = flag.raise(),
        }
        self.perhaps.raise();
    }

    /// For one more handle. `settle` as in [`raise`](Self::raise).
    pub(super) fn share(&self, settle: impl FnOnce()) -> Self {
        let mut state = self.lock();
        let flag = match mem::replace(&mut *state, State::Alone { raised: false, unsettled: false }) {
            State::Shared(flag) => flag,
            State::Alone { raised, unsettled } => {
                if unsettled {
                    settle();
                }
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
    use std::cell::Cell;

    use super::Asks;

    fn unreachable() {
        panic!("there is nothing to settle");
    }

    #[test]
    fn what_one_handle_raises_all_have_raised() {
        let first = Asks::new();
        let second = first.share(unreachable);
        let third = second.share(unreachable);
        assert!(![&first, &second, &third].iter().any(|asks| asks.is_raised()));
        third.raise(unreachable);
        assert!([&first, &second, &third].iter().all(|asks| asks.is_raised()));
        assert!(first.share(unreachable).is_raised());
    }

    #[test]
    fn what_was_raised_before_stays_so_in_the_next_handle() {
        let first = Asks::new();
        assert!(!first.is_raised());
        first.raise(unreachable);
        assert!(first.is_raised());
        assert!(first.share(unreachable).is_raised());
        assert!(first.is_raised());
    }

    #[test]
    fn the_first_who_raises_or_shares_settles() {
        let settled = Cell::new(0);
        let settle = || settled.set(settled.get() + 1);
        let shown = Asks::unsettled();
        assert!(!shown.is_raised());
        assert_eq!(settled.get(), 0);
        shown.raise(settle);
        assert_eq!(settled.get(), 1);
        shown.raise(unreachable);

        let cloned = Asks::unsettled();
        let clone = cloned.share(settle);
        assert_eq!(settled.get(), 2);
        assert!(!cloned.is_raised() && !clone.is_raised());
        clone.raise(unreachable);
        cloned.raise(unreachable);
    }
}
