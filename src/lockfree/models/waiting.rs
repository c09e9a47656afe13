//! A waiter for the models of what waits in line: it stops on a park word as a green thread does, and may be cancelled
//! (which stands for a timeout as well: both end in `give_up`).

use std::pin::{Pin, pin};

use loom::sync::Arc;

use super::{Before, Bell};
use crate::lockfree::{
    park_word::{Await, ParkWord, Prepared, Received, Sent},
    wait_list::{Node, Operation, Waiter},
};

/// A thread that waits in line. Its core, as the runtime's: kept alive by who parks until nobody has it queued, not by who
/// wakes.
pub(super) struct Thread {
    word: ParkWord,
    /// Its worker's: the two are one OS thread.
    inbox: Bell,
    before: Before,
}

/// Where it is used by wakers: an address, as in the runtime.
pub(super) struct InLine(*const Thread);

/// To be delivered.
#[must_use]
pub(super) struct Wake(Option<*const Thread>);

// SAFETY: by Invariants 1 and 2 of `wait_list` and `park_word` the thread lives where these follow the address, which
// loom cannot check; that it is pushed once is checked by `Bell`.
unsafe impl Send for Wake {}

// SAFETY: as above.
unsafe impl Waiter for InLine {
    type Wake = Wake;

    fn wake(&self) -> Wake {
        // SAFETY: under the list's lock, so the waiter has not left (Invariant 1).
        match unsafe { &*self.0 }.word.unpark() {
            Sent::Push => Wake(Some(self.0)),
            Sent::Nothing => Wake(None),
            Sent::WakeFutex => unreachable!("none sleeps in place"),
        }
    }

    fn deliver(wake: Wake) {
        if let Some(thread) = wake.0 {
            // SAFETY: it has turned `QUEUED` on, so the thread lives until it has received this.
            unsafe { &*thread }.inbox.schedule();
        }
    }
}

impl InLine {
    /// For a node that stands in line without a thread that parks.
    pub(super) fn of(thread: &Thread) -> Self {
        Self(thread)
    }
}

impl Drop for Thread {
    /// As the worker's, at its end.
    fn drop(&mut self) {
        if self.word.leave() {
            self.inbox.wait();
            assert_eq!(self.word.receive(), Received::Left);
        }
    }
}

impl Thread {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { word: ParkWord::running(), inbox: Bell::new(), before: Before::new() })
    }

    /// It, as it stands in the lines of a select.
    pub(super) fn in_line(&self) -> InLine {
        InLine(self)
    }

    fn park(&self) {
        self.before.the_look();
        if self.word.prepare(Await::Wakeup) == Prepared::Park {
            loop {
                self.inbox.wait();
                if self.word.receive() == Received::Schedule {
                    return;
                }
            }
        }
    }

    /// As the runtime's: the operation's result, or `None` if it was cancelled before.
    pub(super) fn block_on<O: Operation<InLine>>(&self, mut operation: O) -> Option<O::Output> {
        let payload = operation.payload();
        let node = pin!(Node::new(InLine(self), payload));
        let node = node.as_ref();
        let mut done = operation.begin(node);
        while done.is_none() {
            if self.word.is_cancelled() {
                return operation.give_up(node);
            }
            self.park();
            if self.word.is_cancelled() {
                return operation.give_up(node);
            }
            done = operation.look(node);
        }
        done
    }

    /// As a future that is dropped when it is cancelled: it passes on what it was granted by then.
    pub(super) fn block_on_or_drop<O: Operation<InLine>>(&self, operation: O) -> Option<O::Output> {
        struct Droppable<O>(O);
        // SAFETY: as `O` is one, whose contract `give_up` keeps by its own.
        unsafe impl<O: Operation<InLine>> Operation<InLine> for Droppable<O> {
            type Payload = O::Payload;
            type Output = O::Output;

            fn payload(&mut self) -> O::Payload {
                self.0.payload()
            }

            fn begin(&mut self, node: Pin<&Node<InLine, O::Payload>>) -> Option<O::Output> {
                self.0.begin(node)
            }

            fn look(&mut self, node: Pin<&Node<InLine, O::Payload>>) -> Option<O::Output> {
                self.0.look(node)
            }

            fn give_up(&mut self, node: Pin<&Node<InLine, O::Payload>>) -> Option<O::Output> {
                if let Some(output) = self.0.give_up(node) {
                    self.0.put_back(output);
                }
                None
            }

            fn put_back(&mut self, output: O::Output) {
                self.0.put_back(output);
            }
        }
        self.block_on(Droppable(operation))
    }

    pub(super) fn cancel(&self) {
        self.before.the_move();
        if self.word.cancel() == Sent::Push {
            self.inbox.schedule();
        }
    }
}
