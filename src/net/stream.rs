use std::{fmt, io, os::fd::AsRawFd, time::Duration};

use super::{Shutdown, SocketAddr, ToSocketAddrs, each_addr, socket::Socket, to_std};
use crate::sys::socket::Receive;

/// A TCP connection. As [`std::net::TcpStream`]: read and write it through [`Read`](io::Read) and [`Write`](io::Write), by value or by
/// reference; dropped, it is closed.
///
/// A call that would have to wait parks its green thread; on a plain OS thread it blocks that thread. A cancel
/// ends the wait, and the green thread unwinds. As in `std`, a write in blocking mode waits until all its bytes
/// are on their way, unless the time runs out or the connection breaks; a read gives what has come.
///
/// It may move between green threads, workers, runtimes and OS threads, and become `std`'s type or an
/// [`OwnedFd`](std::os::fd::OwnedFd) and come back.
///
/// `std`'s extensions of one system are sealed, and cannot be implemented for it; [`os`](crate::os) has them by the same names.
///
/// ```
/// use std::io::{Read, Write};
/// use sward::net::{TcpListener, TcpStream};
///
/// sward::run(|| {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let addr = listener.local_addr()?;
///     sward::spawn(move || -> std::io::Result<()> {
///         let (mut stream, _) = listener.accept()?;
///         let mut name = String::new();
///         stream.read_to_string(&mut name)?;
///         write!(stream, "hello {name}")
///     });
///
///     let mut stream = TcpStream::connect(addr)?;
///     stream.write_all(b"world")?;
///     stream.shutdown(std::net::Shutdown::Write)?;
///     let mut answer = String::new();
///     stream.read_to_string(&mut answer)?;
///     assert_eq!(answer, "hello world");
/// #   Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpStream(pub(super) Socket);

impl TcpStream {
    /// For the options of one system, in [`os`](crate::os).
    pub(crate) fn inner(&self) -> &socket2::Socket {
        self.0.inner()
    }

    /// Opens a connection to `addr`. If that gives several addresses they are tried in their order, until one
    /// answers.
    ///
    /// The green thread parks until the connection stands (and before that while a name is looked up), for as long
    /// as the system tries: a few minutes if nobody answers. A cancel meanwhile closes the socket.
    ///
    /// # Errors
    /// The last address's, for example `ConnectionRefused`; the lookup's; `InvalidInput` if there is no address.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let addr = listener.local_addr()?;
    /// let stream = TcpStream::connect(addr)?;
    /// assert_eq!(stream.peer_addr()?, addr);
    ///
    /// // The first of several that answers:
    /// let several = ["127.0.0.1:1".parse().unwrap(), addr];
    /// assert_eq!(TcpStream::connect(&several[..])?.peer_addr()?, addr);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        each_addr(addr, |addr| Socket::connect(&addr.into(), None)).map(TcpStream)
    }

    /// As [`connect`](Self::connect), for one address, and at the longest for `timeout`, which is the
    /// runtime's time.
    ///
    /// # Errors
    /// `TimedOut` if the time runs out, and else those of `connect`. `InvalidInput` for a timeout of zero, if the
    /// connection does not stand at once.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let addr = listener.local_addr()?;
    /// # use std::time::Duration;
    /// let stream = TcpStream::connect_timeout(&addr, Duration::from_secs(5))?;
    /// # drop(stream);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        Socket::connect(&(*addr).into(), Some(timeout)).map(TcpStream)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected` if it is gone.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().peer_addr()?)
    }

    /// The address of this end.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// assert!(stream.local_addr()?.ip().is_loopback());
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().local_addr()?)
    }

    /// Closes one direction, or both, for all clones at once. Who waits in that direction wakes: reads give the end
    /// of the file, writes fail with `BrokenPipe`. The other end reads the end of the file after a shutdown of the
    /// writing half.
    ///
    /// # Errors
    /// `NotConnected` if the connection is gone; on Linux a second shutdown is fine.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// use std::net::Shutdown;
    ///
    /// let (mut far, _) = listener.accept()?;
    /// stream.write_all(b"that is all")?;
    /// stream.shutdown(Shutdown::Write)?;
    /// let mut all = String::new();
    /// far.read_to_string(&mut all)?;
    /// assert_eq!(all, "that is all");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.inner().shutdown(how)
    }

    /// One more handle of the same connection, with a descriptor of its own. Data goes to whoever reads first;
    /// options, timeouts and the mode are common to both.
    ///
    /// A green thread may read while another one writes, with a clone each, or with one stream by reference: `&TcpStream`
    /// reads and writes too.
    ///
    /// # Errors
    /// The system's, if it has no more descriptors.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// # let (mut far, _) = listener.accept()?;
    /// let mut reader = stream.try_clone()?;
    /// let reading = sward::spawn(move || {
    ///     let mut answer = [0; 4];
    ///     reader.read_exact(&mut answer).map(|()| answer)
    /// });
    /// stream.write_all(b"ping")?;
    /// # let mut question = [0; 4];
    /// # far.read_exact(&mut question)?;
    /// # far.write_all(b"pong")?;
    /// assert_eq!(&reading.join().unwrap()?, b"pong");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        self.0.try_clone().map(TcpStream)
    }

    /// How long a read or peek may wait; `None`: for ever. When the time runs out it fails with `WouldBlock`, and nothing
    /// is lost. The system rounds the time up to its tick, of some milliseconds.
    ///
    /// To limit something larger than one read, cancel it.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// use std::{io::ErrorKind, time::Duration};
    ///
    /// stream.set_read_timeout(Some(Duration::from_millis(10)))?;
    /// let error = stream.read(&mut [0; 8]).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::WouldBlock);
    /// assert_eq!(stream.set_read_timeout(Some(Duration::ZERO)).unwrap_err().kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(dur)
    }

    /// How long a write may wait; `None`: for ever. When the time runs out, a write that has sent something says how
    /// much, and one that has sent nothing fails with `WouldBlock`.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// use std::time::Duration;
    ///
    /// stream.set_write_timeout(Some(Duration::from_millis(100)))?;
    /// assert_eq!(stream.write_timeout()?, Some(Duration::from_millis(100)));
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(dur)
    }

    /// How long a read may wait; `None`: for ever. It is what the system has made of
    /// [`set_read_timeout`](Self::set_read_timeout)'s value.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.inner().read_timeout()
    }

    /// How long a write may wait; `None`: for ever. It is what the system has made of
    /// [`set_write_timeout`](Self::set_write_timeout)'s value.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.inner().write_timeout()
    }

    /// Reads without taking: the next read gives the same bytes again. Parks until there are some, or the end of
    /// the file.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// let (mut far, _) = listener.accept()?;
    /// far.write_all(b"GET / HTTP/1.1")?;
    /// let mut start = [0; 3];
    /// assert_eq!(stream.peek(&mut start)?, 3);
    /// assert_eq!(&start, b"GET");
    /// assert_eq!(stream.read(&mut start)?, 3);
    /// assert_eq!(&start, b"GET");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf, Receive::Peek)
    }

    /// Whether small writes go out at once (`TCP_NODELAY`), and not together with what follows.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// stream.set_nodelay(true)?;
    /// assert!(stream.nodelay()?);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.inner().set_tcp_nodelay(nodelay)
    }

    /// Whether small writes go out at once. See [`set_nodelay`](Self::set_nodelay).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.inner().tcp_nodelay()
    }

    /// How many routers a packet may pass (`IP_TTL`), from 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other values.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// stream.set_ttl(32)?;
    /// assert_eq!(stream.ttl()?, 32);
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

    /// The error that the system holds for this socket, if any, and clears it there (`SO_ERROR`).
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// assert!(stream.take_error()?.is_none());
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.inner().take_error()
    }

    /// In non-blocking mode what would have to wait fails with `WouldBlock` at once, and nothing parks. The mode is
    /// common to all clones, and to all other handles of the same socket.
    ///
    /// A green thread needs it only for code that polls by itself: in blocking mode it does not stop its worker.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # sward::run(|| {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut stream = TcpStream::connect(listener.local_addr()?)?;
    /// use std::io::ErrorKind;
    ///
    /// stream.set_nonblocking(true)?;
    /// assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TcpStream");
        if let Ok(addr) = self.local_addr() {
            shown.field("addr", &addr);
        }
        if let Ok(peer) = self.peer_addr() {
            shown.field("peer", &peer);
        }
        shown.field("fd", &self.0.inner().as_raw_fd()).finish()
    }
}
