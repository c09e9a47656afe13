//! TCP and UDP, by the names of [`std::net`].
//!
//! What `std` has is here with its signature, its trait impls, its errors and its meaning: a program is ported by
//! changing its `use` lines. Where `std` would block the OS thread, a green thread parks, and its worker runs the
//! others; on a plain OS thread the same call blocks that thread.

mod acceptor;
mod addrs;
mod dns;
mod fd;
mod listener;
pub(crate) mod socket;
mod stream;
mod udp;

pub use addrs::ToSocketAddrs;
pub use listener::{Incoming, TcpListener};
pub use std::net::{
    AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6,
};
pub use stream::TcpStream;
pub use udp::UdpSocket;

use std::io;

use socket2::SockAddr;

/// Tries each address in turn: the first success, or the last error.
fn each_addr<A: ToSocketAddrs, T>(addr: A, mut f: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut last = None;
    for addr in addr.to_socket_addrs()? {
        match f(addr) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| invalid_input("could not resolve to any addresses")))
}

/// What the kernel gave as an address of the internet.
fn to_std(addr: &SockAddr) -> io::Result<SocketAddr> {
    addr.as_socket().ok_or_else(|| invalid_input("invalid argument"))
}

fn invalid_input(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
