use std::{fmt, io, iter::FusedIterator, os::fd::AsRawFd};

use socket2::{Domain, Type};

use super::{SocketAddr, TcpStream, ToSocketAddrs, acceptor::Acceptor, each_addr, to_std};

/// How many connections may wait to be accepted; the system may set a lower limit.
const BACKLOG: i32 = 4096;

/// A TCP socket that listens for connections. As [`std::net::TcpListener`].
pub struct TcpListener(pub(super) Acceptor);

/// An iterator over the connections of a [`TcpListener`], which never ends.
#[must_use = "iterators are lazy and do nothing unless consumed"]
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl TcpListener {
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        each_addr(addr, |addr| {
            let socket = socket2::Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
            socket.set_reuse_address(true)?;
            socket.bind(&addr.into())?;
            socket.listen(BACKLOG)?;
            Acceptor::own(socket).map(TcpListener)
        })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().local_addr()?)
    }

    pub fn try_clone(&self) -> io::Result<TcpListener> {
        self.0.try_clone().map(TcpListener)
    }

    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, from) = self.0.accept()?;
        Ok((TcpStream(socket), to_std(&from)?))
    }

    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.inner().set_ttl_v4(ttl)
    }

    pub fn ttl(&self) -> io::Result<u32> {
        self.0.inner().ttl_v4()
    }

    #[deprecated(note = "this option can only be set before the socket is bound")]
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        self.0.inner().set_only_v6(only_v6)
    }

    #[deprecated(note = "this option can only be set before the socket is bound")]
    pub fn only_v6(&self) -> io::Result<bool> {
        self.0.inner().only_v6()
    }

    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.inner().take_error()
    }

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
