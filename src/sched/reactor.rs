//! The reactor: a worker's poller, and the readiness it keeps for each source. The only `mio::Poll`.
//!
//! A source is registered, edge-triggered and for both directions, with each worker whose green threads have to wait
//! for it, at the first such wait: nobody depends on a worker that is busy, or blocked. From then on events set its
//! readiness there, and calls that come short clear it, so that the next call parks at once instead of asking the
//! kernel in vain (D5). A socket is hardly ever waited for on more than one worker.

use std::{
    cell::{Cell, RefCell},
    io,
    ops::Deref,
    os::fd::{AsFd, RawFd},
    ptr,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use mio::{Events, Poll, Registry, Token, Waker, event::Event, unix::SourceFd};

use super::{park, runtime::WorkerShared, task::TaskRef, worker::Worker};
use crate::{
    lockfree::readiness::{Readiness, Told},
    sys::poll::{self, Interest},
};

const WAKER: Token = Token(usize::MAX);
/// As many as are served between two looks. What else is ready stays in the kernel's list: what the look finds is then
/// used soon, and still in the cache.
pub(super) const EVENTS_A_POLL: usize = 64;
/// mio counts in milliseconds, rounded up. Waits longer than this are left to it but for their last part.
const COARSE: Duration = Duration::from_millis(10);
const FINE_PART: Duration = Duration::from_millis(2);
/// mio hands its count on in 31 bits, which is 24 days.
const LONGEST: Duration = Duration::from_hours(24);

/// See the [module](self). The worker's own.
pub(super) struct Reactor {
    poll: RefCell<Poll>,
    events: RefCell<Events>,
    sources: RefCell<Vec<Option<Arc<Registered>>>>,
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

/// A descriptor in a reactor: its readiness, who waits for it, and where it is registered.
pub(super) struct Registered {
    read: Side,
    write: Side,
    /// Weak: a source that outlives its worker keeps none of that one's descriptors open.
    worker: Weak<WorkerShared>,
    token: Token,
    fd: RawFd,
}

/// One direction of a source.
pub(super) struct Side {
    pub(super) readiness: Readiness,
    line: Mutex<Line>,
}

/// Who waits: hardly ever more than one, whose place is here.
#[derive(Default)]
struct Line {
    first: Option<TaskRef>,
    others: Vec<TaskRef>,
}

/// A source's place in a reactor. Dropped, it is taken out there: the reactor that goes may hold the source a moment
/// longer, but nothing must be registered longer than its descriptor is open, whose number the next one gets.
pub(super) struct Registration(Arc<Registered>);

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
            Some(long) => Some((long - FINE_PART).min(LONGEST)),
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
        let source = Arc::new(Registered {
            read: Side::new(),
            write: Side::new(),
            worker: Arc::downgrade(worker),
            token: Token(index),
            fd,
        });
        sources[index] = Some(Arc::clone(&source));
        self.used.set(self.used.get() + 1);
        Ok(Registration(source))
    }

    /// Forgets the sources that were dropped on other threads.
    pub(super) fn forget_released(&self, shared: &WorkerShared) {
        for token in std::mem::take(&mut *shared.remote.lock_released()) {
            self.forget(token);
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

impl Registered {
    #[inline]
    pub(super) fn side(&self, interest: Interest) -> &Side {
        match interest {
            Interest::Readable => &self.read,
            Interest::Writable => &self.write,
        }
    }

    fn tell(&self, event: &Event) {
        let broken = event.is_error();
        // A read stops before urgent data, and there may be more behind it: a short one is no news any more.
        let urgent = event.is_priority();
        self.read.tell(event.is_readable(), broken || urgent || event.is_read_closed());
        self.write.tell(event.is_writable(), broken || event.is_write_closed());
    }
}

impl Side {
    fn new() -> Self {
        Self { readiness: Readiness::new(), line: Mutex::default() }
    }

    fn tell(&self, ready: bool, closed: bool) {
        if closed {
            self.wake(self.readiness.close());
        } else if ready {
            self.wake(self.readiness.set());
        }
    }

    /// Stands in line. False: it is ready already.
    #[must_use]
    pub(super) fn join_line(&self, task: &TaskRef) -> bool {
        // Under the lock: who takes `WAITED` out from now on finds this waiter in the line.
        let mut line = self.lock();
        if !self.readiness.await_event() {
            return false;
        }
        match &mut line.first {
            first @ None => *first = Some(task.clone()),
            Some(_) => line.others.push(task.clone()),
        }
        true
    }

    /// Leaves the line, if no event has dissolved it. One that is about to may still wake `task`, for nothing.
    #[inline]
    pub(super) fn leave_line(&self, task: &TaskRef) {
        if self.readiness.load().is_waited() {
            let mut line = self.lock();
            line.first.take_if(|waiting| Arc::ptr_eq(waiting, task));
            line.others.retain(|waiting| !Arc::ptr_eq(waiting, task));
        }
    }

    fn wake(&self, told: Told) {
        if told == Told::Nobody {
            return;
        }
        let mut line = self.lock();
        let Line { first, others } = &mut *line;
        for task in first.take().into_iter().chain(others.drain(..)) {
            park::deliver(&task.core, task.core.park.unpark());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Registration {
    /// Whether it is in this worker's reactor. Addresses are enough: those of a worker that is gone are kept.
    #[inline]
    pub(super) fn is_with(&self, worker: &Worker) -> bool {
        ptr::eq(self.worker.as_ptr(), &*worker.shared)
    }

    /// Whether its worker may be there still.
    pub(super) fn is_of_use(&self) -> bool {
        self.worker.strong_count() != 0
    }

    /// For one who waits.
    pub(super) fn share(&self) -> Arc<Registered> {
        Arc::clone(&self.0)
    }
}

impl Deref for Registration {
    type Target = Registered;

    #[inline]
    fn deref(&self) -> &Registered {
        &self.0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Registered { worker, token, fd, .. } = &**self;
        // With its worker's last trace the poller has gone, and all that was registered there.
        let Some(owner) = worker.upgrade() else { return };
        let remote = &owner.remote;
        // An error means that the poller has no such source any more: nothing to undo.
        let _ = remote.registry.deregister(&mut SourceFd(fd));
        match super::worker::of_this_thread() {
            Some(worker) if Arc::ptr_eq(&worker.shared, &owner) => worker.reactor.forget(*token),
            _ => remote.lock_released().push(*token),
        }
    }
}
