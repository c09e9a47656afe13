use std::{fmt, io, iter::FusedIterator, os::fd::AsRawFd};

use socket2::{Domain, Type};

use super::{SocketAddr, TcpStream, ToSocketAddrs, acceptor::Acceptor, each_addr, to_std};

/// How many connections may wait to be accepted; the system may set a lower limit.
const BACKLOG: i32 = 4096;

/// A TCP socket that listens for connections. As [`std::net::TcpListener`]; dropped, it is closed.
///
/// An accept parks its green thread until a connection comes; on a plain OS thread it blocks that thread.
///
/// # What differs from `std`
/// The descriptor is in non-blocking mode, whatever mode is set here, so that no accept ever stops a worker when
/// someone else takes the connection. Whoever shares it (by `as_fd`, or as a clone of the `std` listener that this
/// one was made from) sees that. When it becomes `std`'s type or an [`OwnedFd`](std::os::fd::OwnedFd), it has the
/// mode that the user has set.
///
/// ```
/// use std::io::{Read, Write};
/// use sward::net::{TcpListener, TcpStream};
///
/// sward::run(|| {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let addr = listener.local_addr()?;
///     sward::spawn(move || {
///         for stream in listener.incoming() {
///             // A green thread a connection.
///             sward::spawn(move || -> std::io::Result<()> {
///                 let mut stream = stream?;
///                 let mut buf = [0; 64];
///                 loop {
///                     match stream.read(&mut buf)? {
///                         0 => return Ok(()),
///                         n => stream.write_all(&buf[..n])?,
///                     }
///                 }
///             });
///         }
///     });
///
///     let mut stream = TcpStream::connect(addr)?;
///     stream.write_all(b"echo")?;
///     let mut back = [0; 4];
///     stream.read_exact(&mut back)?;
///     assert_eq!(&back, b"echo");
/// #   Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpListener(pub(super) Acceptor);

/// An iterator over the connections of a [`TcpListener`], which never ends. Made by
/// [`incoming`](TcpListener::incoming).
#[must_use = "iterators are lazy and do nothing unless consumed"]
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl TcpListener {
    /// Listens at `addr`. If that gives several addresses, at the first that can be had. Port 0 lets the system
    /// choose one, which [`local_addr`](Self::local_addr) tells.
    ///
    /// The address can be taken again as soon as an earlier listener is gone (`SO_REUSEADDR`). Up to 4096 connections
    /// wait to be accepted (`std`: 128), or as many as the system allows.
    ///
    /// # Errors
    /// The last address's, for example `AddrInUse`; the lookup's; `InvalidInput` if there is no address.
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        each_addr(addr, |addr| {
            let socket = socket2::Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
            socket.set_reuse_address(true)?;
            socket.bind(&addr.into())?;
            socket.listen(BACKLOG)?;
            Acceptor::own(socket).map(TcpListener)
        })
    }

    /// The address at which it listens.
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// assert!(listener.local_addr()?.ip().is_loopback());
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().local_addr()?)
    }

    /// One more handle of the same listener, with a descriptor of its own. A connection goes to whoever accepts it
    /// first; the mode is common to both. Several green threads may also accept from one listener by reference.
    ///
    /// # Errors
    /// The system's, if it has no more descriptors.
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let twin = listener.try_clone()?;
    /// let accepting = sward::spawn(move || twin.accept().map(|(stream, _)| stream));
    /// let near = TcpStream::connect(listener.local_addr()?)?;
    /// assert_eq!(accepting.join().unwrap()?.peer_addr()?, near.local_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        self.0.try_clone().map(TcpListener)
    }

    /// The next connection, and where it comes from. Parks until there is one; a cancel ends the wait.
    ///
    /// # Errors
    /// Those of the system are about one connection, or pass: go on accepting. When it is out of descriptors or
    /// memory (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`), the accept pauses for 10 ms before it fails, so that a loop around it
    /// does not spin; not in non-blocking mode.
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let near = TcpStream::connect(listener.local_addr()?)?;
    /// let (stream, from) = listener.accept()?;
    /// assert_eq!(from, near.local_addr()?);
    /// # drop(stream);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, from) = self.0.accept()?;
        Ok((TcpStream(socket), to_std(&from)?))
    }

    /// The connections one after the other, as by [`accept`](Self::accept). The iterator never ends.
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let near = TcpStream::connect(listener.local_addr()?)?;
    /// for stream in listener.incoming().take(1) {
    ///     assert_eq!(stream?.peer_addr()?, near.local_addr()?);
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// How many routers a packet of its connections may pass (`IP_TTL`), from 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other values.
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// listener.set_ttl(32)?;
    /// assert_eq!(listener.ttl()?, 32);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.inner().set_ttl_v4(ttl)
    }

    /// How many routers a packet may pass. See [`set_ttl`](Self::set_ttl).
    pub fn ttl(&self) -> io::Result<u32> {
        self.0.inner().ttl_v4()
    }

    /// Whether an IPv6 socket takes no IPv4 connections. The system refuses this once it is bound, and a listener
    /// always is.
    #[deprecated(note = "this option can only be set before the socket is bound")]
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        self.0.inner().set_only_v6(only_v6)
    }

    /// Whether an IPv6 socket takes no IPv4 connections.
    #[deprecated(note = "this option can only be set before the socket is bound")]
    pub fn only_v6(&self) -> io::Result<bool> {
        self.0.inner().only_v6()
    }

    /// The error that the system holds for this socket, if any, and clears it there (`SO_ERROR`).
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// assert!(listener.take_error()?.is_none());
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.inner().take_error()
    }

    /// In non-blocking mode an accept that would have to wait fails with `WouldBlock` at once. The mode is common
    /// to all clones.
    ///
    /// The descriptor itself is always in non-blocking mode (see the [type](TcpListener)): a mode that is set in
    /// another way than by this method, or before the conversion from `std`'s type, does not count.
    ///
    /// ```
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// use std::io::ErrorKind;
    ///
    /// listener.set_nonblocking(true)?;
    /// assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking);
        Ok(())
    }
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TcpListener");
        if let Ok(addr) = self.local_addr() {
            shown.field("addr", &addr);
        }
        shown.field("fd", &self.0.inner().as_raw_fd()).finish()
    }
}
