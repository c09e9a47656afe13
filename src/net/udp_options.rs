use std::io;

use super::{Ipv4Addr, Ipv6Addr, UdpSocket};

/// Options: broadcast, multicast, and how far a packet goes.
impl UdpSocket {
    /// Whether it may send to broadcast addresses (`SO_BROADCAST`).
    ///
    /// ```
    /// # use sward::net::UdpSocket;
    /// # sward::run(|| {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.set_broadcast(true)?;
    /// assert!(socket.broadcast()?);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.0.inner().set_broadcast(broadcast)
    }

    /// Whether it may send to broadcast addresses.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.0.inner().broadcast()
    }

    /// Whether IPv4 datagrams to a group come back to the members on this host. Some systems ask the sender for it, some
    /// the receiver.
    pub fn set_multicast_loop_v4(&self, multicast_loop_v4: bool) -> io::Result<()> {
        self.0.inner().set_multicast_loop_v4(multicast_loop_v4)
    }

    /// Whether IPv4 datagrams to a group come back to the members on this host.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.0.inner().multicast_loop_v4()
    }

    /// How many routers an IPv4 datagram to a group may pass; 1 (the local network) if not said.
    pub fn set_multicast_ttl_v4(&self, multicast_ttl_v4: u32) -> io::Result<()> {
        self.0.inner().set_multicast_ttl_v4(multicast_ttl_v4)
    }

    /// How many routers an IPv4 datagram to a group may pass.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.0.inner().multicast_ttl_v4()
    }

    /// Whether IPv6 datagrams to a group come back to the members on this host.
    pub fn set_multicast_loop_v6(&self, multicast_loop_v6: bool) -> io::Result<()> {
        self.0.inner().set_multicast_loop_v6(multicast_loop_v6)
    }

    /// Whether IPv6 datagrams to a group come back to the members on this host.
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.0.inner().multicast_loop_v6()
    }

    /// How many routers a packet may pass (`IP_TTL`), from 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other values.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.inner().set_ttl_v4(ttl)
    }

    /// How many routers a packet may pass. See [`set_ttl`](Self::set_ttl).
    pub fn ttl(&self) -> io::Result<u32> {
        self.0.inner().ttl_v4()
    }

    /// Joins an IPv4 group, on the interface with this address; with [`UNSPECIFIED`](Ipv4Addr::UNSPECIFIED) the system
    /// chooses one.
    ///
    /// # Errors
    /// `InvalidInput` if the address is none of a group; the system's.
    pub fn join_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.inner().join_multicast_v4(multiaddr, interface)
    }

    /// Joins an IPv6 group, on the interface with this index; with 0 the system chooses one.
    ///
    /// # Errors
    /// The system's.
    pub fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.inner().join_multicast_v6(multiaddr, interface)
    }

    /// Leaves a group that [`join_multicast_v4`](Self::join_multicast_v4) has joined.
    ///
    /// # Errors
    /// `AddrNotAvailable` if it has not.
    pub fn leave_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.inner().leave_multicast_v4(multiaddr, interface)
    }

    /// Leaves a group that [`join_multicast_v6`](Self::join_multicast_v6) has joined.
    ///
    /// # Errors
    /// `AddrNotAvailable` if it has not.
    pub fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.inner().leave_multicast_v6(multiaddr, interface)
    }
}
