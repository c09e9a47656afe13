//! TCP and UDP, by the names of [`std::net`].
//!
//! What `std` has is here with its signature, its trait impls, its errors and its meaning: a program is ported by
//! changing its `use` lines. Where `std` would block the OS thread, a green thread parks, and its worker runs the
//! others; on a plain OS thread the same call blocks that thread.
//!
//! ```
//! use std::io::{Read, Write};
//! use sward::net::{TcpListener, TcpStream}; // the one line that changes
//!
//! # sward::run(|| {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! sward::spawn(move || -> std::io::Result<()> {
//!     let (mut stream, _) = listener.accept()?;
//!     stream.write_all(b"hello")
//! });
//! let mut text = String::new();
//! TcpStream::connect(addr)?.read_to_string(&mut text)?;
//! assert_eq!(text, "hello");
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What differs from `std`
//! - The descriptor of a [`TcpListener`] is in non-blocking mode (see there). Those of the others are in the mode that
//!   the user sets, and never touched.
//! - [`TcpListener::bind`] has a longer queue, and an [`accept`](TcpListener::accept) that fails for want of descriptors
//!   pauses first.
//! - No call fails with `Interrupted`: a signal is a matter of the OS thread.
//! - There is [`ToSocketAddrs`] for the same types as in `std`, but it is a trait of its own.
//!
//! # What it costs
//! A call that need not wait is one system call, as in `std`. To wait costs none, beyond the worker's poll, while
//! nothing but blocking mode without timeouts can be the case. Once a timeout is set, the mode is changed, or
//! `as_fd` or a conversion has shown the descriptor to others, a call that has to wait asks the kernel for
//! mode and timeout first: two cheap system calls.
//!
//! Names are looked up by the system's resolver on OS threads of their own: at most 64 lookups at once, and one at a
//! time for one name. Others wait for their turn.

mod acceptor;
mod addrs;
mod asks;
mod dns;
mod fd;
mod listener;
mod rw;
pub(crate) mod socket;
mod stream;
mod udp;
mod udp_options;

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
