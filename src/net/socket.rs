//! What all sockets that carry data have in common.
//!
//! The descriptor's own mode stays the user's: the calls here say `MSG_DONTWAIT`, so a socket converts to a type of
//! `std` and back for nothing. Whether a call may wait, and for how long, is a matter of the open file
//! description, which other handles may share: the truth is in the kernel. It is asked for when a call first has
//! to wait, and not even then while nobody can have changed it ([`Socket::asks`]).

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::{AsFd, BorrowedFd},
    panic::{RefUnwindSafe, UnwindSafe},
    time::Duration,
};

use socket2::SockAddr;

use super::asks::Asks;
use crate::{
    sched::io::{Done, Interest, Patience, Source},
    sys::socket::{self as sys, Receive},
};

/// See the [module](self).
pub(crate) struct Socket {
    /// Above the descriptor, and so dropped before it: what is registered must be open.
    source: Source,
    fd: socket2::Socket,
    /// Raised if the kernel must be asked for mode and timeouts. While it is not, they are to be taken as in a new socket:
    /// blocking, without timeouts. Shared by the clones, as those are.
    asks: Asks,
}

// What a panic could leave half done here is the registration, and that is guarded by its own locks.
impl UnwindSafe for Socket {}
impl RefUnwindSafe for Socket {}

impl Socket {
    /// A socket that was just made here.
    pub(crate) fn own(fd: socket2::Socket) -> Self {
        Self { source: Source::new(), fd, asks: Asks::new() }
    }

    /// A socket with a past.
    pub(crate) fn adopt(fd: socket2::Socket) -> Self {
        let socket = Self::own(fd);
        socket.raise_asks();
        socket
    }

    /// A stream connected to `addr`. The error of a `limit` that runs out is `TimedOut`.
    pub(crate) fn connect(addr: &SockAddr, limit: Option<Duration>) -> io::Result<Self> {
        let fd = sys::nonblocking_stream(addr.domain())?;
        let socket = Self { source: Source::new(), fd, asks: Asks::unsettled() };
        let patience = || match limit {
            None => Ok(Patience::Forever),
            Some(limit) => check_limit(limit).map(Patience::For),
        };
        // The first call begins. When there is news, which no error came with, it is connected; else one more says how it went.
        let connected = socket.source.retry(socket.fd.as_fd(), Interest::Writable, patience, || {
            let good_news = sys::CONNECT_FAILS_LOUDLY && socket.source.is_open(Interest::Writable);
            if good_news { Ok(whole(())) } else { sys::connect(&socket.fd, addr).map(whole) }
        });
        match connected {
            Err(error) if limit.is_some() && error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out"));
            }
            other => other?,
        }
        Ok(socket)
    }

    /// The next bytes of a stream.
    #[inline]
    pub(crate) fn read(&self, buf: &mut [u8], how: Receive) -> io::Result<usize> {
        let len = buf.len();
        let result = self.receive(|fd| {
            let n = sys::recv(fd, buf, how)?;
            Ok(Done { value: n, short: how == Receive::Take && is_short(n, len) })
        });
        if len == 0 { self.read_nothing(result) } else { result }
    }

    /// A read of no bytes waits for some, as the system's does, but when its time runs out it has all it wanted.
    #[cold]
    fn read_nothing(&self, result: io::Result<usize>) -> io::Result<usize> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !self.fd.nonblocking()? => Ok(0),
            result => result,
        }
    }

    /// The next bytes of a stream, into several buffers.
    pub(crate) fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let len = total(bufs.iter().map(|buf| buf.len()));
        if len == 0 {
            return Ok(0); // as `readv`; `recvmsg` would wait
        }
        self.receive(|fd| {
            let n = sys::recv_vectored(fd, bufs)?;
            Ok(Done { value: n, short: is_short(n, len) })
        })
    }

    /// Writes all of `buf` to a stream, as the system's blocking call does: less only if the time runs out or the
    /// connection breaks in the middle, and at once if the socket is non-blocking.
    #[inline]
    pub(crate) fn write(&self, buf: &[u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return sys::send(&self.fd, buf); // it never waits, but it tells of a broken connection
        }
        self.send_all(buf.len(), |fd, sent| sys::send(fd, &buf[sent..]))
    }

    /// As [`write`](Self::write), from several buffers.
    pub(crate) fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let bufs = &bufs[..bufs.len().min(sys::MAX_SLICES)];
        let len = total(bufs.iter().map(|buf| buf.len()));
        if len == 0 {
            return Ok(0); // as `writev`
        }
        self.send_all(len, |fd, sent| match sent {
            0 => sys::send_vectored(fd, bufs),
            _ => sys::send_vectored(fd, &after(bufs, sent)),
        })
    }

    /// One datagram.
    pub(crate) fn recv(&self, buf: &mut [u8], how: Receive) -> io::Result<usize> {
        self.receive(|fd| sys::recv(fd, buf, how).map(whole))
    }

    /// One datagram, and who sent it.
    pub(crate) fn recv_from(&self, buf: &mut [u8], how: Receive) -> io::Result<(usize, SockAddr)> {
        self.receive(|fd| sys::recv_from(fd, buf, how).map(whole))
    }

    /// Sends one datagram to the peer.
    pub(crate) fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.transmit(|fd| sys::send(fd, buf).map(whole))
    }

    /// Sends one datagram to `to`.
    pub(crate) fn send_to(&self, buf: &[u8], to: &SockAddr) -> io::Result<usize> {
        self.transmit(|fd| sys::send_to(fd, buf, to).map(whole))
    }

    /// Sends `len` bytes by calls that are told how many have gone.
    #[inline]
    fn send_all(
        &self,
        len: usize,
        mut send: impl FnMut(&socket2::Socket, usize) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut sent = 0;
        let result = self.transmit(|fd| {
            // What broke meanwhile is the next call's to tell: this one has sent something.
            if sent > 0 && sys::is_broken(fd.as_fd()) {
                return Ok(whole(sent));
            }
            sent += send(fd, sent)?;
            if sent < len { Err(sys::would_block()) } else { Ok(whole(sent)) }
        });
        match result {
            Err(_) if sent > 0 => Ok(sent),
            result => result,
        }
    }

    #[inline]
    fn receive<R>(&self, mut op: impl FnMut(&socket2::Socket) -> io::Result<Done<R>>) -> io::Result<R> {
        let patience = || self.patience(socket2::Socket::read_timeout);
        self.source.retry(self.fd.as_fd(), Interest::Readable, patience, || op(&self.fd))
    }

    #[inline]
    fn transmit<R>(&self, mut op: impl FnMut(&socket2::Socket) -> io::Result<Done<R>>) -> io::Result<R> {
        let patience = || self.patience(socket2::Socket::write_timeout);
        self.source.retry(self.fd.as_fd(), Interest::Writable, patience, || op(&self.fd))
    }

    fn patience(
        &self,
        timeout: impl FnOnce(&socket2::Socket) -> io::Result<Option<Duration>>,
    ) -> io::Result<Patience> {
        if !self.asks.is_raised() {
            return Ok(Patience::Forever);
        }
        if self.fd.nonblocking()? {
            return Ok(Patience::None);
        }
        Ok(timeout(&self.fd)?.map_or(Patience::Forever, Patience::For))
    }

    pub(crate) fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set_timeout(limit, socket2::Socket::set_read_timeout)
    }

    pub(crate) fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set_timeout(limit, socket2::Socket::set_write_timeout)
    }

    fn set_timeout(
        &self,
        limit: Option<Duration>,
        set: impl FnOnce(&socket2::Socket, Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(limit) = limit {
            check_limit(limit)?;
            self.raise_asks();
        }
        // The kernel counts in microseconds, and takes zero for no limit.
        set(&self.fd, limit.map(|limit| limit.max(Duration::from_micros(1))))
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        if nonblocking {
            self.raise_asks();
        }
        sys::set_nonblocking(&self.fd, nonblocking)
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { source: Source::new(), fd: self.fd.try_clone()?, asks: self.asks.share(|| self.settle()) })
    }

    /// For options, addresses and the like: what does not change mode or timeouts.
    pub(crate) fn inner(&self) -> &socket2::Socket {
        &self.fd
    }

    /// The descriptor for others, who may change what they like.
    pub(crate) fn show(&self) -> BorrowedFd<'_> {
        self.raise_asks();
        self.fd.as_fd()
    }

    /// The descriptor, which sward gives up.
    pub(crate) fn release(self) -> socket2::Socket {
        self.raise_asks();
        drop(self.source);
        self.fd
    }

    fn raise_asks(&self) {
        self.asks.raise(|| self.settle());
    }

    /// Puts a socket that connected into the mode that everybody expects it to be in.
    fn settle(&self) {
        let settled = sys::set_nonblocking(&self.fd, false);
        debug_assert!(settled.is_ok(), "what is open has a mode: {settled:?}");
    }
}

/// A datagram, or all that was asked for: no news about what comes next.
fn whole<R>(value: R) -> Done<R> {
    Done { value, short: false }
}

/// Whether a stream gave its last bytes for now. None at all is the end of the file, which is ready for ever.
fn is_short(n: usize, len: usize) -> bool {
    n > 0 && n < len
}

fn total(lens: impl Iterator<Item = usize>) -> usize {
    lens.take(sys::MAX_SLICES).fold(0, usize::saturating_add)
}

/// What is left of `bufs` after `sent` bytes.
fn after<'a>(bufs: &[IoSlice<'a>], sent: usize) -> Vec<IoSlice<'a>> {
    let mut copy = bufs.to_vec();
    let mut rest = &mut copy[..];
    IoSlice::advance_slices(&mut rest, sent);
    rest.to_vec()
}

/// As `std`, which has no use for a limit of zero.
pub(super) fn check_limit(limit: Duration) -> io::Result<Duration> {
    if limit.is_zero() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
    }
    Ok(limit)
}
