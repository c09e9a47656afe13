use std::{fmt, io, os::fd::AsRawFd, time::Duration};

use socket2::{Domain, Type};

use super::{
    Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, each_addr, invalid_input, socket::Socket, to_std,
};
use crate::sys::socket::Receive;

/// A UDP socket. As [`std::net::UdpSocket`].
pub struct UdpSocket(pub(super) Socket);

impl UdpSocket {
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        each_addr(addr, |addr| {
            let socket = socket2::Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
            socket.bind(&addr.into())?;
            Ok(UdpSocket(Socket::own(socket)))
        })
    }

    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (n, from) = self.0.recv_from(buf, Receive::Take)?;
        Ok((n, to_std(&from)?))
    }

    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (n, from) = self.0.recv_from(buf, Receive::Peek)?;
        Ok((n, to_std(&from)?))
    }

    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> io::Result<usize> {
        match addr.to_socket_addrs()?.next() {
            Some(addr) => self.0.send_to(buf, &addr.into()),
            None => Err(invalid_input("no addresses to send data to")),
        }
    }

    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().peer_addr()?)
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        to_std(&self.0.inner().local_addr()?)
    }

    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        self.0.try_clone().map(UdpSocket)
    }

    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(dur)
    }

    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(dur)
    }

    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.inner().read_timeout()
    }

    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.inner().write_timeout()
    }

    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.0.inner().set_broadcast(broadcast)
    }

    pub fn broadcast(&self) -> io::Result<bool> {
        self.0.inner().broadcast()
    }

    pub fn set_multicast_loop_v4(&self, multicast_loop_v4: bool) -> io::Result<()> {
        self.0.inner().set_multicast_loop_v4(multicast_loop_v4)
    }

    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.0.inner().multicast_loop_v4()
    }

    pub fn set_multicast_ttl_v4(&self, multicast_ttl_v4: u32) -> io::Result<()> {
        self.0.inner().set_multicast_ttl_v4(multicast_ttl_v4)
    }

    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.0.inner().multicast_ttl_v4()
    }

    pub fn set_multicast_loop_v6(&self, multicast_loop_v6: bool) -> io::Result<()> {
        self.0.inner().set_multicast_loop_v6(multicast_loop_v6)
    }

    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.0.inner().multicast_loop_v6()
    }

    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.inner().set_ttl_v4(ttl)
    }

    pub fn ttl(&self) -> io::Result<u32> {
        self.0.inner().ttl_v4()
    }

    pub fn join_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.inner().join_multicast_v4(multiaddr, interface)
    }

    pub fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.inner().join_multicast_v6(multiaddr, interface)
    }

    pub fn leave_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.inner().leave_multicast_v4(multiaddr, interface)
    }

    pub fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.inner().leave_multicast_v6(multiaddr, interface)
    }

    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.inner().take_error()
    }

    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        each_addr(addr, |addr| self.0.inner().connect(&addr.into()))
    }

    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.send(buf)
    }

    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buf, Receive::Take)
    }

    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buf, Receive::Peek)
    }

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
