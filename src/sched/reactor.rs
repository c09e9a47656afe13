//! The reactor: a worker's poller, and the readiness it keeps for each source. The only `mio::Poll`.
//!
//! A source is registered once, edge-triggered and for both directions, with the worker whose green thread
//! first has to wait for it. From then on events set its readiness, and calls that come short clear it, so
//! that the next call parks at once instead of asking the kernel in vain (D5). Waiters of any worker may wait
//! on it; those of others are woken through their inboxes.

use std::{
    cell::{Cell, RefCell},
    io,
    os::fd::{AsFd, RawFd},
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use mio::{Events, Poll, Registry, Token, Waker, event::Event, unix::SourceFd};

use super::{park, runtime::WorkerShared, task::TaskRef};
use crate::{
    lockfree::readiness::Readiness,
    sys::poll::{self, Interest},
};

const WAKER: Token = Token(usize::MAX);
const EVENTS_A_POLL: usize = 1024;
/// mio counts in milliseconds, rounded up. Waits longer than this are left to it but for their last part.
const COARSE: Duration = Duration::from_millis(10);
const FINE_PART: Duration = Duration::from_millis(2);

/// See the [module](self). The worker's own.
pub(super) struct Reactor {
    poll: RefCell<Poll>,
    events: RefCell<Events>,
    sources: RefCell<Vec<Option<Arc<Source>>>>,
    free: RefCell<Vec<usize>>,
    used: Cell<usize>,
}

/// What other threads may do with a reactor.
pub(super) struct Remote {
    waker: Waker,
    registry: Registry,
    /// Tokens of sources that were dropped on other threads.
    released: Mutex<Vec<Token>>,
}

/// The readiness of one source, and who waits for it.
#[derive(Default)]
pub(super) struct Source {
    read: Side,
    write: Side,
}

/// One direction of a source.
pub(super) struct Side {
    pub(super) readiness: Readiness,
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    next: u64,
    list: Vec<(u64, TaskRef)>,
}

/// Names a waiter on one side.
pub(super) struct Ticket(u64);

/// A source's place in a reactor. Dropped, it is taken out there.
pub(super) struct Registration {
    source: Arc<Source>,
    /// Weak: a source that outlives its worker keeps none of that one's descriptors open.
    worker: Weak<WorkerShared>,
    token: Token,
    fd: RawFd,
}

impl Reactor {
    pub(super) fn new() -> io::Result<(Self, Remote)> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let reactor = Self {
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(EVENTS_A_POLL)),
            sources: RefCell::default(),
            free: RefCell::default(),
            used: Cell::new(0),
        };
        Ok((reactor, Remote { waker, registry, released: Mutex::default() }))
    }

    /// Whether there is any source, and so any reason to look while there is something to run.
    pub(super) fn is_in_use(&self) -> bool {
        self.used.get() != 0
    }

    /// Waits for events, at most for `timeout`, and wakes who waited for them.
    pub(super) fn poll(&self, timeout: Option<Duration>) {
        let mut poll = self.poll.borrow_mut();
        let coarse = match timeout {
            Some(fine) if !fine.is_zero() && fine <= COARSE => {
                if !matches!(poll::wait(poll.registry().as_fd(), Interest::Readable, timeout), Ok(true)) {
                    return;
                }
                Some(Duration::ZERO)
            }
            Some(Duration::ZERO) | None => timeout,
            Some(long) => Some(long - FINE_PART),
        };
        let mut events = self.events.borrow_mut();
        match poll.poll(&mut events, coarse) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => panic!("the poller failed: {error}"),
        }
        let sources = self.sources.borrow();
        for event in &*events {
            // The waker's token is past the end.
            if let Some(Some(source)) = sources.get(event.token().0) {
                source.tell(event);
            }
        }
    }

    /// Registers `fd` with this reactor, which is `worker`'s.
    pub(super) fn register(&self, fd: RawFd, worker: &Arc<WorkerShared>) -> io::Result<Registration> {
        self.forget_released(worker);
        let mut sources = self.sources.borrow_mut();
        let index = self.free.borrow_mut().pop().unwrap_or_else(|| {
            sources.push(None);
            sources.len() - 1
        });
        let interests = mio::Interest::READABLE | mio::Interest::WRITABLE;
        #[cfg(linux_like)]
        let interests = interests | mio::Interest::PRIORITY;
        let registered = self.poll.borrow().registry().register(&mut SourceFd(&fd), Token(index), interests);
        if let Err(error) = registered {
            self.free.borrow_mut().push(index);
            return Err(error);
        }
        let source = Arc::<Source>::default();
        sources[index] = Some(Arc::clone(&source));
        self.used.set(self.used.get() + 1);
        Ok(Registration { source, worker: Arc::downgrade(worker), token: Token(index), fd })
    }

    /// Forgets the sources that were dropped on other threads.
    pub(super) fn forget_released(&self, shared: &WorkerShared) {
        for token in std::mem::take(&mut *shared.remote.lock_released()) {
            self.forget(token);
        }
    }

    /// The worker goes: its sources' waiters look for another one.
    pub(super) fn orphan_all(&self) {
        for source in self.sources.borrow_mut().drain(..).flatten() {
            for side in [&source.read, &source.write] {
                side.readiness.orphan();
                side.wake_all();
            }
        }
    }

    fn forget(&self, token: Token) {
        let forgotten = self.sources.borrow_mut().get_mut(token.0).and_then(Option::take);
        if forgotten.is_some() {
            self.free.borrow_mut().push(token.0);
            self.used.set(self.used.get() - 1);
        }
    }
}

impl Remote {
    /// Ends the worker's wait in its poller.
    pub(super) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            // It would sleep for ever, and to unwind from here is not safe for all callers.
            eprintln!("sward: a worker's poller cannot be woken: {error}");
            std::process::abort();
        }
    }

    fn lock_released(&self) -> MutexGuard<'_, Vec<Token>> {
        self.released.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Source {
    fn tell(&self, event: &Event) {
        let broken = event.is_error();
        // A read stops before urgent data, and there may be more behind it: a short one is no news any more.
        let urgent = event.is_priority();
        self.read.tell(event.is_readable(), broken || urgent || event.is_read_closed());
        self.write.tell(event.is_writable(), broken || event.is_write_closed());
    }
}

impl Default for Side {
    fn default() -> Self {
        Self { readiness: Readiness::new(), waiters: Mutex::default() }
    }
}

impl Side {
    fn tell(&self, ready: bool, closed: bool) {
        if closed {
            self.readiness.close();
        } else if ready {
            self.readiness.set();
        } else {
            return;
        }
        self.wake_all();
    }

    /// Stands in line, unless it is ready already.
    pub(super) fn join_line(&self, task: &TaskRef) -> Option<Ticket> {
        let mut waiters = self.lock();
        // Under the lock: an event from now on finds this waiter in the list.
        if self.readiness.load().is_ready() {
            return None;
        }
        let ticket = waiters.next;
        waiters.next += 1;
        waiters.list.push((ticket, task.clone()));
        Some(Ticket(ticket))
    }

    pub(super) fn leave_line(&self, Ticket(ticket): Ticket) {
        self.lock().list.retain(|(waiting, _)| *waiting != ticket);
    }

    fn wake_all(&self) {
        for (_, task) in self.lock().list.drain(..) {
            park::deliver(&task.core, task.core.park.unpark());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Registration {
    pub(super) fn side(&self, interest: Interest) -> &Side {
        match interest {
            Interest::Readable => &self.source.read,
            Interest::Writable => &self.source.write,
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // With its worker the poller has gone, and all that was registered there.
        let Some(owner) = self.worker.upgrade() else { return };
        let remote = &owner.remote;
        // An error means that the poller has no such source any more: nothing to undo.
        let _ = remote.registry.deregister(&mut SourceFd(&self.fd));
        match super::worker::of_this_thread() {
            Some(worker) if Arc::ptr_eq(&worker.shared, &owner) => worker.reactor.forget(self.token),
            _ => remote.lock_released().push(self.token),
        }
    }
}
