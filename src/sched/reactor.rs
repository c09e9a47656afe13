//! The reactor: a worker's poller, and the readiness it keeps for each source. The only `mio::Poll`.
//!
//! A source is registered, edge-triggered and for both directions, with each worker whose green threads have to wait
//! for it, at the first such wait: nobody depends on a worker that is busy, or blocked. From then on events set its
//! readiness there, and calls that come short clear it, so that the next call parks at once instead of asking the
//! kernel in vain (D5). A socket is hardly ever waited for on more than one worker.
//!
//! What a worker knows of a source is its own: its poller sets the readiness, and its green threads alone use that and
//! wait for it. So there is nothing to lock, and no order to argue about: a call and what it learned are one step, which
//! no event comes between.

mod side;

use std::{
    cell::{Cell, RefCell},
    io,
    os::fd::{AsFd, RawFd},
    ptr,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use mio::{Events, Poll, Registry, Token, Waker, event::Event, unix::SourceFd};

pub(super) use self::side::Side;
use super::{runtime::WorkerShared, worker::Worker};
use crate::sys::{
    cache::prefetch_all,
    poll::{self, Interest},
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
    sources: RefCell<Vec<Option<Rc<Source>>>>,
    free: RefCell<Vec<usize>>,
    used: Cell<usize>,
}

/// What a reactor is made of, on the thread of its worker.
pub(super) struct Poller(Poll);

/// What other threads may do with a reactor.
pub(super) struct Remote {
    waker: Waker,
    registry: Registry,
    /// Tokens of sources that were dropped on other threads.
    released: Mutex<Vec<Token>>,
}

/// What a worker knows of a descriptor.
pub(super) struct Source {
    read: Side,
    write: Side,
}

/// A source's place in a reactor, for any thread. Dropped, it is taken out there, in the poller at once: nothing may be
/// registered longer than its descriptor is open, whose number the next one gets.
pub(super) struct Registration {
    /// Weak: a source that outlives its worker keeps none of that one's descriptors open.
    worker: Weak<WorkerShared>,
    token: Token,
    fd: RawFd,
}

impl Reactor {
    pub(super) fn new(poller: Poller) -> Self {
        Self {
            poll: RefCell::new(poller.0),
            events: RefCell::new(Events::with_capacity(EVENTS_A_POLL)),
            sources: RefCell::default(),
            free: RefCell::default(),
            used: Cell::new(0),
        }
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
        // The waker's token is past the end.
        let told =
            || events.iter().filter_map(|event| Some((event, sources.get(event.token().0)?.as_ref()?)));
        // Hardly anything of this is in the cache; all of it is asked for at once, and then who waits.
        told().for_each(|(_, source)| prefetch_all(&**source));
        told().for_each(|(event, source)| source.prefetch_waiter(event));
        told().for_each(|(event, source)| source.tell(event));
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
        sources[index] = Some(Rc::new(Source { read: Side::default(), write: Side::default() }));
        self.used.set(self.used.get() + 1);
        Ok(Registration { worker: Arc::downgrade(worker), token: Token(index), fd })
    }

    /// What is known of a source that is registered here.
    #[inline]
    fn source(&self, token: Token) -> Rc<Source> {
        self.sources.borrow()[token.0].clone().expect("it is registered as long as its registration lives")
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

impl Poller {
    pub(super) fn new() -> io::Result<(Self, Remote)> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok((Self(poll), Remote { waker, registry, released: Mutex::default() }))
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
    #[inline]
    pub(super) fn side(&self, interest: Interest) -> &Side {
        match interest {
            Interest::Readable => &self.read,
            Interest::Writable => &self.write,
        }
    }

    /// Asks the processor for what it will wake first.
    fn prefetch_waiter(&self, event: &Event) {
        let side = if event.is_readable() { &self.read } else { &self.write };
        side.prefetch_waiter();
    }

    fn tell(&self, event: &Event) {
        let broken = event.is_error();
        // A read stops before urgent data, and there may be more behind it: a short one is no news any more.
        let urgent = event.is_priority();
        self.read.tell(event.is_readable(), broken || urgent || event.is_read_closed());
        self.write.tell(event.is_writable(), broken || event.is_write_closed());
    }
}

impl Registration {
    /// Whether it is in this worker's reactor. Addresses are enough: those of a worker that is gone are kept.
    #[inline]
    pub(super) fn is_with(&self, worker: &Worker) -> bool {
        ptr::eq(self.worker.as_ptr(), &*worker.shared)
    }

    /// What its worker, which `worker` is, knows of the source.
    #[inline]
    pub(super) fn source(&self, worker: &Worker) -> Rc<Source> {
        debug_assert!(self.is_with(worker));
        worker.reactor.source(self.token)
    }

    /// Whether its worker may be there still.
    pub(super) fn is_of_use(&self) -> bool {
        self.worker.strong_count() != 0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Self { worker, token, fd } = self;
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
