//! Socket calls that never wait, whatever mode the descriptor is in, and what their errors mean.
//!
//! `recv` and `send` of glibc and musl are points where a thread may be cancelled: with more than one thread each costs two
//! exchanges, for what cannot happen here, where nothing waits and nobody calls `pthread_cancel`. So on Linux the two are
//! made by the number of the system call (`bare_calls`), but under a sanitizer, which watches the library's.

#[cfg(bare_calls)]
use std::ptr;
use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd},
};

use socket2::{Domain, SockAddr, Socket, Type};

#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: libc::c_int = libc::MSG_NOSIGNAL;
/// There it is an option of the socket, which socket2 sets.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: libc::c_int = 0;

/// What a call takes in one go, as `IOV_MAX`.
pub(crate) const MAX_SLICES: usize = 1024;

/// What a receive does with what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receive {
    Take,
    /// Leaves it for the next one.
    Peek,
}

impl Receive {
    fn flags(self) -> libc::c_int {
        match self {
            Receive::Take => libc::MSG_DONTWAIT,
            Receive::Peek => libc::MSG_DONTWAIT | libc::MSG_PEEK,
        }
    }
}

#[inline]
pub(crate) fn recv(socket: &Socket, buf: &mut [u8], how: Receive) -> io::Result<usize> {
    #[cfg(bare_calls)]
    // SAFETY: the descriptor is open and the buffer borrowed for the call, which writes at most its length; no address
    // is asked for. All six arguments have the width that `syscall` reads.
    return unsafe {
        let (fd, flags, none) = (word(socket.as_raw_fd()), word(how.flags()), ptr::null_mut::<u8>());
        counted(libc::syscall(libc::SYS_recvfrom, fd, buf.as_mut_ptr(), buf.len(), flags, none, none))
    };
    #[cfg(not(bare_calls))]
    socket.recv_with_flags(as_uninit(buf), how.flags())
}

pub(crate) fn recv_from(socket: &Socket, buf: &mut [u8], how: Receive) -> io::Result<(usize, SockAddr)> {
    socket.recv_from_with_flags(as_uninit(buf), how.flags())
}

/// Receives into up to [`MAX_SLICES`] buffers.
pub(crate) fn recv_vectored(socket: &Socket, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    // SAFETY: plain data of the C library, for which zeroes mean "nothing": no address, no control data.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = bufs.as_mut_ptr().cast();
    message.msg_iovlen = bufs.len().min(MAX_SLICES) as _;
    // SAFETY: `std` promises that an `IoSliceMut` has the layout of an `iovec`. The slices and what they point to
    // are borrowed mutably for the call, the header is a local, and the descriptor is open while it is borrowed.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_DONTWAIT) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

#[inline]
pub(crate) fn send(socket: &Socket, buf: &[u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | NO_SIGNAL;
    #[cfg(bare_calls)]
    // SAFETY: the descriptor is open and the buffer borrowed for the call, which reads at most its length; no address is
    // given. All six arguments have the width that `syscall` reads.
    return unsafe {
        let (fd, flags, none) = (word(socket.as_raw_fd()), word(flags), ptr::null::<u8>());
        counted(libc::syscall(libc::SYS_sendto, fd, buf.as_ptr(), buf.len(), flags, none, 0usize))
    };
    #[cfg(not(bare_calls))]
    socket.send_with_flags(buf, flags)
}

/// An argument as wide as `syscall`, which knows no types, reads it.
#[cfg(bare_calls)]
#[inline]
fn word(argument: libc::c_int) -> libc::c_long {
    argument.into()
}

/// What a call of the system's own says.
#[cfg(bare_calls)]
#[inline]
fn counted(result: libc::c_long) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Sends up to [`MAX_SLICES`] buffers.
pub(crate) fn send_vectored(socket: &Socket, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = &bufs[..bufs.len().min(MAX_SLICES)];
    socket.send_vectored_with_flags(bufs, libc::MSG_DONTWAIT | NO_SIGNAL)
}

pub(crate) fn send_to(socket: &Socket, buf: &[u8], to: &SockAddr) -> io::Result<usize> {
    socket.send_to_with_flags(buf, to, libc::MSG_DONTWAIT | NO_SIGNAL)
}

/// A new stream socket in non-blocking mode.
pub(crate) fn nonblocking_stream(domain: Domain) -> io::Result<Socket> {
    #[cfg(linux_like)]
    return Socket::new(domain, Type::STREAM.nonblocking(), None);
    #[cfg(not(linux_like))]
    {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        set_nonblocking(&socket, true)?;
        Ok(socket)
    }
}

/// Sets the mode of the open file description, in one call.
pub(crate) fn set_nonblocking(socket: &Socket, nonblocking: bool) -> io::Result<()> {
    let mut on = libc::c_int::from(nonblocking);
    // SAFETY: this request reads an `int`, which is a local; the descriptor is open while it is borrowed.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONBIO, &mut on) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Accepts a connection, which is in blocking mode. The listener's own mode decides whether this waits.
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    loop {
        match listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok((socket, from)) => {
                // Elsewhere the mode is inherited.
                #[cfg(not(linux_like))]
                set_nonblocking(&socket, false)?;
                return Ok((socket, from));
            }
            Err(error) => return Err(error),
        }
    }
}

/// What to tell who would have to wait: the error that the system has for it.
pub(crate) fn would_block() -> io::Error {
    io::Error::from_raw_os_error(libc::EAGAIN)
}

/// The error of a call whose green thread was cancelled and cannot unwind.
pub(crate) fn cancelled() -> io::Error {
    io::Error::from_raw_os_error(libc::ECANCELED)
}

/// Begins to connect a socket in non-blocking mode, or says how the connect that was begun went: POSIX has the
/// same call for both. `WouldBlock` while it goes on by itself.
pub(crate) fn connect(socket: &Socket, to: &SockAddr) -> io::Result<()> {
    match socket.connect(to) {
        Err(error) => match error.raw_os_error() {
            Some(libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => Err(would_block()),
            Some(libc::EISCONN) => Ok(()),
            _ => Err(error),
        },
        connected => connected,
    }
}

/// Whether the poller tells of an error whenever it tells that a connect has failed. Linux does: before it is connected,
/// a socket becomes writable by an error alone.
pub(crate) const CONNECT_FAILS_LOUDLY: bool = cfg!(linux_like);

/// Whether a call failed for want of descriptors or memory, and so may fail for a while.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

/// Whether the socket has an error to tell, or is closed in both directions. Leaves the error there.
pub(crate) fn is_broken(fd: BorrowedFd<'_>) -> bool {
    let mut slot = libc::pollfd { fd: fd.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: one element, borrowed for the call, which does not wait.
    let found = unsafe { libc::poll(&mut slot, 1, 0) };
    found == 1 && slot.revents & (libc::POLLERR | libc::POLLHUP) != 0
}

/// A buffer as one that may be written to before it is read.
#[inline]
fn as_uninit(buf: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the layout is the same, and the borrow goes over to the result. It reaches only socket2's receiving
    // calls (the callers above), which promise to write nothing uninitialised to it.
    unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) }
}
