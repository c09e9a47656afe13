//! What listening sockets have in common.
//!
//! There is no `MSG_DONTWAIT` for accept, and whoever else listens on the same socket, in this process or another,
//! may take the connection that was seen to come. So here the descriptor itself is non-blocking, and what mode the
//! user wants is kept beside it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    panic::{RefUnwindSafe, UnwindSafe},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use socket2::SockAddr;

use super::socket::Socket;
use crate::{
    sched::{
        self,
        io::{Done, Interest, Patience, Source},
        park,
    },
    sys::{poll, socket as sys},
};

/// How long an accept pauses when the system is out of what it takes, so that a loop around it does not spin.
const PAUSE: Duration = Duration::from_millis(10);

/// See the [module](self).
pub(crate) struct Acceptor {
    /// Above the descriptor, and so dropped before it: what is registered must be open.
    source: Source,
    fd: socket2::Socket,
    /// One for all clones, as the mode of the description is. Held during the call itself, which does not wait.
    mode: Arc<Mutex<Mode>>,
}

struct Mode {
    /// What the user has set.
    nonblocking: bool,
    /// Set if others know the descriptor: it may be in blocking mode in spite of what is wanted here, and it may
    /// have timeouts.
    shared: bool,
}

// What a panic could leave half done here is the registration, and that is guarded by its own locks.
impl UnwindSafe for Acceptor {}
impl RefUnwindSafe for Acceptor {}

impl Acceptor {
    /// A listening socket that was just made here.
    pub(crate) fn own(fd: socket2::Socket) -> io::Result<Self> {
        sys::set_nonblocking(&fd, true)?;
        Ok(Self::new(fd, Mode { nonblocking: false, shared: false }))
    }

    /// A listening socket with a past.
    pub(crate) fn adopt(fd: socket2::Socket) -> Self {
        let nonblocking = fd.nonblocking().unwrap_or(false);
        // If this cannot be had, each accept looks whether it would wait.
        let _ = sys::set_nonblocking(&fd, true);
        Self::new(fd, Mode { nonblocking, shared: true })
    }

    fn new(fd: socket2::Socket, mode: Mode) -> Self {
        Self { source: Source::new(), fd, mode: Arc::new(Mutex::new(mode)) }
    }

    /// The next connection.
    pub(crate) fn accept(&self) -> io::Result<(Socket, SockAddr)> {
        let accepted = self.source.retry(
            self.fd.as_fd(),
            Interest::Readable,
            || self.patience(),
            || Ok(Done { value: self.try_accept()?, short: false }),
        );
        if let Err(error) = &accepted
            && sys::is_exhaustion(error)
            && !self.mode().nonblocking
        {
            let until = sched::now().saturating_add(PAUSE);
            sched::unwind_if(!park::sleep_until(until));
        }
        accepted
    }

    fn try_accept(&self) -> io::Result<(Socket, SockAddr)> {
        let mode = self.mode();
        if mode.shared && !self.fd.nonblocking()? && !poll::is_ready(self.fd.as_fd(), Interest::Readable)? {
            return Err(sys::would_block());
        }
        let (fd, from) = sys::accept(&self.fd)?;
        // A connection has the timeouts of its listener.
        let has_timeouts =
            mode.shared && (self.fd.read_timeout()?.is_some() || self.fd.write_timeout()?.is_some());
        Ok((if has_timeouts { Socket::adopt(fd) } else { Socket::own(fd) }, from))
    }

    fn patience(&self) -> io::Result<Patience> {
        let mode = self.mode();
        if mode.nonblocking {
            return Ok(Patience::None);
        }
        let limit = if mode.shared { self.fd.read_timeout()? } else { None };
        Ok(limit.map_or(Patience::Forever, Patience::For))
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.mode().nonblocking = nonblocking;
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { source: Source::new(), fd: self.fd.try_clone()?, mode: Arc::clone(&self.mode) })
    }

    /// For options, addresses and the like: what does not change mode or timeouts.
    pub(crate) fn inner(&self) -> &socket2::Socket {
        &self.fd
    }

    /// The descriptor for others, who may change what they like.
    pub(crate) fn show(&self) -> BorrowedFd<'_> {
        self.mode().shared = true;
        self.fd.as_fd()
    }

    /// The descriptor, which sward gives up, in the mode that the user has set.
    pub(crate) fn release(self) -> socket2::Socket {
        let mut mode = self.mode();
        mode.shared = true;
        // It fails for no open descriptor.
        let _ = sys::set_nonblocking(&self.fd, mode.nonblocking);
        drop(mode);
        drop(self.source);
        self.fd
    }

    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
