//! Which case of a select is granted.
//!
//! ```text
//! FREE    -> case      // win: by who grants the select something in that case's line, under the line's lock
//! FREE    -> LEAVING   // leave: by the select, which goes elsewhere: from now on nobody grants it anything
//! LEAVING -> FREE      // free: by the select, when it is in no line
//! ```

use crate::atomic::{AtomicUsize, Ordering};

const FREE: usize = usize::MAX;
/// Won by the select itself.
const LEAVING: usize = usize::MAX - 1;

/// See the [module](self). Won once.
pub(crate) struct Claim(AtomicUsize);

impl Claim {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(FREE))
    }

    /// Wins it for `case`. What is granted is ordered by the line's lock and the node's mark.
    pub(super) fn win(&self, case: usize) -> bool {
        self.0.compare_exchange(FREE, case, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Wins it for the select itself. False: it has been granted something, or a select is about to send to it.
    pub(super) fn leave(&self) -> bool {
        self.win(LEAVING)
    }

    /// Makes it as new. The select is in no line, so nobody else knows of it.
    pub(super) fn free(&self) {
        self.0.store(FREE, Ordering::Relaxed);
    }

    pub(super) fn is_free(&self) -> bool {
        self.winner().is_none()
    }

    pub(super) fn winner(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&case| case != FREE)
    }
}
