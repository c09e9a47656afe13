use std::{fmt, io, os::fd::AsRawFd, time::Duration};

use socket2::{Domain, Type};

use super::{SocketAddr, ToSocketAddrs, each_addr, invalid_input, socket::Socket, to_std};
use crate::sys::socket::Receive;

/// A UDP socket. As [`std::net::UdpSocket`]; dropped, it is closed.
///
/// A receive parks its green thread until a datagram comes; on a plain OS thread it blocks that thread. A cancel
/// ends the wait. Any number of green threads may use one socket by reference.
///
/// ```
/// use sward::net::UdpSocket;
///
/// sward::run(|| {
///     let server = UdpSocket::bind("127.0.0.1:0")?;
///     let addr = server.local_addr()?;
///     sward::spawn(move || -> std::io::Result<()> {
///         let mut buf = [0; 512];
///         loop {
///             let (n, from) = server.recv_from(&mut buf)?;
///             server.send_to(&buf[..n], from)?;
///         }
///     });
///
///     let socket = UdpSocket::bind("127.0.0.1:0")?;
///     socket.connect(addr)?;
///     socket.send(b"echo")?;
///     let mut back = [0; 512];
///     assert_eq!(socket.recv(&mut back)?, 4);
/// #   Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UdpSocket(pub(super) Socket);

impl UdpSocket {
    /// A socket at `addr`. If that gives several addresses, at the first that can be had. Port 0 lets the system
    /// choose one, which [`local_addr`](Self::local_addr) tells.
    ///
    /// # Errors
    /// The last address's, for example `AddrInUse`; the lookup's; `InvalidInput` if there is no address.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// assert_ne!(socket.local_addr()?.port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        each_addr(addr, |addr| {
            let socket = socket2::Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
            socket.bind(&addr.into())?;
            Ok(UdpSocket(Socket::own(socket)))
        })
    }

    /// Receives a datagram, and tells its length and who sent it. Parks until one comes. What does not fit into
    /// `buf` is lost.
    ///
    /// # Errors
    /// `WouldBlock` if the [timeout](Self::set_read_timeout) runs out; on a connected socket also `ConnectionRefused` for what
    /// was sent before.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// let peer = UdpSocket::bind("127.0.0.1:0")?;
    /// peer.send_to(b"hello", socket.local_addr()?)?;
    /// let mut buf = [0; 64];
    /// let (n, from) = socket.recv_from(&mut buf)?;
    /// assert_eq!((&buf[..n], from), (&b"hello"[..], peer.local_addr()?));
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (n, from) = self.0.recv_from(buf, Receive::Take)?;
        Ok((n, to_std(&from)?))
    }

    /// As [`recv_from`](Self::recv_from), but leaves the datagram there: the next call gives it again.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// let peer = UdpSocket::bind("127.0.0.1:0")?;
    /// peer.send_to(b"hello", socket.local_addr()?)?;
    /// let mut start = [0; 1];
    /// assert_eq!(socket.peek_from(&mut start)?, (1, peer.local_addr()?));
    /// assert_eq!(socket.recv(&mut [0; 64])?, 5);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (n, from) = self.0.recv_from(buf, Receive::Peek)?;
        Ok((n, to_std(&from)?))
    }

    /// Sends a datagram to the first of the addresses that `addr` gives. It waits only for a name to be looked up, or
    /// when the system's buffer is full.
    ///
    /// # Errors
    /// The system's, for example if the datagram is too long; the lookup's; `InvalidInput` if there is no address.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// let peer = UdpSocket::bind("127.0.0.1:0")?;
    /// assert_eq!(socket.send_to(b"hello", peer.local_addr()?)?, 5);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> io::Result<usize> {
        match addr.to_socket_addrs()?.next() {
            Some(addr) => self.0.send_to(buf, &addr.into()),
            None => Err(invalid_input("no addresses to send data to")),
        }
    }

    /// The address that it is [connected](Self::connect) to.
    ///
    /// # Errors
    /// `NotConnected` if it is not.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().peer_addr()?)
    }

    /// The address at which it receives.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// assert!(socket.local_addr()?.ip().is_loopback());
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().local_addr()?)
    }

    /// One more handle of the same socket, with a descriptor of its own. A datagram goes to whoever receives it
    /// first; options, timeouts and the mode are common to both.
    ///
    /// # Errors
    /// The system's, if it has no more descriptors.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// let twin = socket.try_clone()?;
    /// let receiving = sward::spawn(move || twin.recv(&mut [0; 64]));
    /// socket.send_to(b"hello", socket.local_addr()?)?;
    /// assert_eq!(receiving.join().unwrap()?, 5);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        self.0.try_clone().map(UdpSocket)
    }

    /// How long a receive or peek may wait; `None`: for ever. When the time runs out it fails with `WouldBlock`.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// use std::{io::ErrorKind, time::Duration};
    ///
    /// socket.set_read_timeout(Some(Duration::from_millis(10)))?;
    /// assert_eq!(socket.recv(&mut [0; 64]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(dur)
    }

    /// How long a send may wait; `None`: for ever. When the time runs out it fails with `WouldBlock`.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(dur)
    }

    /// How long a receive may wait; `None`: for ever. It is what the system has made of
    /// [`set_read_timeout`](Self::set_read_timeout)'s value.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.inner().read_timeout()
    }

    /// How long a send may wait; `None`: for ever. It is what the system has made of
    /// [`set_write_timeout`](Self::set_write_timeout)'s value.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.inner().write_timeout()
    }

    /// The error that the system holds for this socket, if any, and clears it there (`SO_ERROR`).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.inner().take_error()
    }

    /// Names the peer that [`send`](Self::send) sends to, and takes datagrams from nobody else from now on. Nothing goes
    /// over the network. If `addr` gives several addresses, the first that can be had.
    ///
    /// # Errors
    /// The last address's; the lookup's; `InvalidInput` if there is no address.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// let peer = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.connect(peer.local_addr()?)?;
    /// assert_eq!(socket.peer_addr()?, peer.local_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        each_addr(addr, |addr| self.0.inner().connect(&addr.into()))
    }

    /// Sends a datagram to the peer that it is [connected](Self::connect) to. Waits only when the system's buffer is full.
    ///
    /// # Errors
    /// `ConnectionRefused` if the peer has refused an earlier one; if there is no peer, the system's error for that.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// let peer = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.connect(peer.local_addr()?)?;
    /// socket.send(b"hello")?;
    /// assert_eq!(peer.recv(&mut [0; 64])?, 5);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.send(buf)
    }

    /// As [`recv_from`](Self::recv_from), without the address.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.send_to(b"hello", socket.local_addr()?)?;
    /// let mut buf = [0; 64];
    /// let n = socket.recv(&mut buf)?;
    /// assert_eq!(&buf[..n], b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buf, Receive::Take)
    }

    /// As [`peek_from`](Self::peek_from), without the address.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.send_to(b"hello", socket.local_addr()?)?;
    /// assert_eq!(socket.peek(&mut [0; 64])?, 5);
    /// assert_eq!(socket.recv(&mut [0; 64])?, 5);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buf, Receive::Peek)
    }

    /// In non-blocking mode what would have to wait fails with `WouldBlock` at once, and nothing parks. The mode is
    /// common to all clones, and to all other handles of the same socket.
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// use std::io::ErrorKind;
    ///
    /// socket.set_nonblocking(true)?;
    /// assert_eq!(socket.recv(&mut [0; 64]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("UdpSocket");
        if let Ok(addr) = self.local_addr() {
            shown.field("addr", &addr);
        }
        shown.field("fd", &self.0.inner().as_raw_fd()).finish()
    }
}
