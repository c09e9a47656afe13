//! Blocking IO from non-blocking calls: try first, park on `WouldBlock` (D5). One retry helper for all of it.
//!
//! The file descriptor's own mode is left alone: the calls that are retried here must not block by
//! themselves (`MSG_DONTWAIT`, or a descriptor that sward made non-blocking). On a plain OS thread, and where
//! a green thread must not switch, the wait is a `poll` of the one descriptor.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    rc::Rc,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

pub(crate) use crate::sys::poll::Interest;

use super::{
    cancel,
    clock::Nanos,
    park::{self, Wake},
    reactor::{Registration, Side, Source as Known},
    slot::Slot,
    worker::{self, Worker},
};
use crate::sys::{self, poll};

/// A file descriptor's ties to reactors, each made at the first wait there. Dropped before the descriptor is closed.
#[derive(Default)]
pub(crate) struct Source {
    /// With the worker that waited first; hardly any source is ever waited for on another one.
    first: OnceLock<Registration>,
    others: Mutex<Vec<Registration>>,
}

/// What a call did.
pub(crate) struct Done<R> {
    pub(crate) value: R,
    /// It moved less than was asked for, so the kernel has no more for now (a stream's short read or write).
    pub(crate) short: bool,
}

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all: `WouldBlock` goes to the caller.
    None,
    Forever,
    For(Duration),
}

impl Source {
    pub(crate) const fn new() -> Self {
        Self { first: OnceLock::new(), others: Mutex::new(Vec::new()) }
    }

    /// Calls `op` until it does not say `WouldBlock`, waiting for `interest` in between. `op` must not switch.
    ///
    /// `patience` is asked when it first has to wait. When it runs out the error is `WouldBlock`, as for a
    /// socket with a timeout in `std`. A cancelled green thread unwinds from the wait.
    #[inline]
    pub(crate) fn retry<R>(
        &self,
        fd: BorrowedFd<'_>,
        interest: Interest,
        patience: impl FnOnce() -> io::Result<Patience>,
        mut op: impl FnMut() -> io::Result<Done<R>>,
    ) -> io::Result<R> {
        let here = spend();
        let mut wait = Wait { source: self, fd, interest, until: None };
        let mut patience = Some(patience);
        loop {
            // Where it blocks in place nobody may be there to tell of events: it asks the kernel each time.
            let source = here.and_then(|worker| self.find(worker));
            let side = source.as_ref().map(|source| source.side(interest));
            if side.is_none_or(Side::is_ready) {
                match op() {
                    Ok(done) => {
                        if done.short {
                            side.inspect(|side| side.came_short());
                        }
                        return Ok(done.value);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        side.inspect(|side| side.would_block());
                    }
                    Err(error) => return Err(error),
                }
            }
            if let Some(patience) = patience.take() {
                match patience()? {
                    // What the reactor does not know yet, the kernel may: this mode is for those who ask.
                    Patience::None => return op().map(|done| done.value),
                    Patience::Forever => wait.until = None,
                    Patience::For(limit) => wait.until = Some(super::now().saturating_add(limit)),
                }
            }
            if !wait.once()? {
                return Err(crate::sys::socket::would_block());
            }
        }
    }

    /// Waits until `fd` is ready, or until the time runs out (`Ok(false)`).
    pub(crate) fn wait(fd: BorrowedFd<'_>, interest: Interest, limit: Option<Duration>) -> io::Result<bool> {
        let source = Source::new();
        let until = limit.map(|limit| super::now().saturating_add(limit));
        Wait { source: &source, fd, interest, until }.once()
    }

    /// Whether this worker was told that `interest` is ready, and neither broken nor closed.
    pub(crate) fn is_open(&self, interest: Interest) -> bool {
        let known = worker::current().and_then(|(worker, _)| self.find(worker));
        known.is_some_and(|known| known.side(interest).is_open())
    }

    /// What this worker knows of it, if it is registered with it.
    #[inline]
    fn find(&self, worker: &Worker) -> Option<Rc<Known>> {
        let first = self.first.get()?;
        if first.is_with(worker) {
            return Some(first.source(worker));
        }
        self.find_other(worker)
    }

    #[cold]
    fn find_other(&self, worker: &Worker) -> Option<Rc<Known>> {
        let others = self.lock_others();
        Some(others.iter().find(|other| other.is_with(worker))?.source(worker))
    }

    /// The same, registered now if it is not.
    #[inline]
    fn tie(&self, fd: BorrowedFd<'_>, worker: &Worker) -> io::Result<Rc<Known>> {
        match self.find(worker) {
            Some(known) => Ok(known),
            None => self.register(fd, worker),
        }
    }

    /// Each worker that waits for a source registers it: another one may be busy, or blocked, and would not tell of the
    /// event in time. Not inlined: what it needs of the stack would lie between the lines that every wait touches.
    #[cold]
    #[inline(never)]
    fn register(&self, fd: BorrowedFd<'_>, worker: &Worker) -> io::Result<Rc<Known>> {
        // Nobody else registers it with this worker.
        let registration = worker.reactor.register(fd.as_raw_fd(), &worker.shared)?;
        let known = registration.source(worker);
        if let Err(registration) = self.first.set(registration) {
            let mut others = self.lock_others();
            // A descriptor may outlive any number of runtimes.
            others.retain(Registration::is_of_use);
            others.push(registration);
        }
        Ok(known)
    }

    fn lock_others(&self) -> MutexGuard<'_, Vec<Registration>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One wait for one descriptor.
struct Wait<'a> {
    source: &'a Source,
    fd: BorrowedFd<'a>,
    interest: Interest,
    until: Option<Nanos>,
}

impl Wait<'_> {
    /// Waits once. `Ok(false)`: the time ran out.
    fn once(&self) -> io::Result<bool> {
        match worker::current() {
            Some((worker, slot)) if !park::must_stay(slot) => self.park(worker, slot),
            _ => self.block(),
        }
    }

    fn park(&self, worker: &Worker, slot: &Slot) -> io::Result<bool> {
        let known = self.source.tie(self.fd, worker)?;
        let side = known.side(self.interest);
        slot.will_touch(side);
        let wake = side.while_in_line(slot.core(), || match fails_cancelled(slot) {
            true => Wake::Notified,
            false => park::park(self.until.unwrap_or(Nanos::NEVER)),
        });
        let Some(wake) = wake else { return Ok(true) };
        if fails_cancelled(slot) {
            return Err(sys::socket::cancelled());
        }
        match wake {
            Wake::Notified => Ok(true),
            Wake::TimedOut => Ok(side.is_ready()),
            Wake::Cancelled if side.is_ready() => Ok(true), // it is due at the next wait
            Wake::Cancelled => cancel::unwind(),
        }
    }

    /// Blocks the OS thread. A timeout around the call counts on a plain one; a green thread that must not switch
    /// must not unwind either.
    #[cold]
    fn block(&self) -> io::Result<bool> {
        let until = self.until.unwrap_or(Nanos::NEVER);
        let timeout = match worker::current() {
            None => park::os_thread_timeout(),
            Some(_) => Nanos::NEVER,
        };
        let nearest = until.min(timeout);
        loop {
            let left = (nearest != Nanos::NEVER).then(|| nearest.since(super::now()));
            match poll::wait(self.fd.as_fd(), self.interest, left) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(false) if timeout < until => cancel::unwind(),
                other => return other,
            }
        }
    }
}

/// Whether a wait of a cancelled green thread fails, because it cannot unwind.
fn fails_cancelled(slot: &Slot) -> bool {
    !cancel::CAN_UNWIND && slot.core().park.is_cancelled() && !slot.interrupts.is_shielded()
}

/// Spends a unit of the caller's budget for a call that may not have to wait, whatever comes of it: whoever tries in
/// vain again and again must not starve its worker either. With the budget spent, the others run first, and what is due is
/// met: before the call and not after, so that nothing that was read is lost. A park gives a new budget.
///
/// The worker is that of a green thread that parks when it has to wait.
#[inline]
pub(crate) fn spend<'a>() -> Option<&'a Worker> {
    let (worker, slot) = worker::current()?;
    if park::must_stay(slot) {
        return None;
    }
    match slot.budget.get() {
        0 => {
            cancel::unwind_if_due();
            worker.yield_now(slot);
        }
        left => slot.budget.set(left - 1),
    }
    Some(worker)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn tie(source: &Source, socket: &UdpSocket) {
        source.tie(socket.as_fd(), worker::current().unwrap().0).map(drop).unwrap();
    }

    #[test]
    fn a_source_goes_from_each_poller_before_its_descriptor() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let source = Source::new();
        crate::run(|| tie(&source, &socket));
        crate::run(|| {
            let worker = worker::current().unwrap().0;
            tie(&source, &socket);
            assert!(worker.reactor.is_in_use());
            drop(source);
            assert!(!worker.reactor.is_in_use());
        });
    }

    #[test]
    fn a_source_that_outlives_many_runtimes_keeps_nothing_of_them() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let source = Source::new();
        for _ in 0..100 {
            crate::run(|| tie(&source, &socket));
        }
        assert_eq!(source.lock_others().len(), 1, "the last, which nothing has followed");
    }
}
