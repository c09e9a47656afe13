//! `net`.

use std::{
    fmt::Debug,
    io::{self, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd},
    time::Duration,
};

use super::net::{
    self, AddrParseError, Incoming, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4,
    SocketAddrV6, TcpListener, TcpStream, ToSocketAddrs, UdpSocket,
};
#[cfg(target_os = "linux")]
use super::os::linux::net::TcpStreamExt;
use crate::traits::Has;

type Limit = Option<Duration>;

pub(crate) fn pointers() {
    streams();
    listeners();
    datagrams();
    options_of_datagrams();
    addresses();
    descriptors();
}

fn streams() {
    let _: fn(SocketAddr) -> io::Result<TcpStream> = TcpStream::connect::<SocketAddr>;
    let _: fn(&'static str) -> io::Result<TcpStream> = TcpStream::connect::<&'static str>;
    let _: fn(&SocketAddr, Duration) -> io::Result<TcpStream> = TcpStream::connect_timeout;
    let _: fn(&TcpStream) -> io::Result<SocketAddr> = TcpStream::peer_addr;
    let _: fn(&TcpStream) -> io::Result<SocketAddr> = TcpStream::local_addr;
    let _: fn(&TcpStream, Shutdown) -> io::Result<()> = TcpStream::shutdown;
    let _: fn(&TcpStream) -> io::Result<TcpStream> = TcpStream::try_clone;
    let _: fn(&TcpStream, Limit) -> io::Result<()> = TcpStream::set_read_timeout;
    let _: fn(&TcpStream, Limit) -> io::Result<()> = TcpStream::set_write_timeout;
    let _: fn(&TcpStream) -> io::Result<Limit> = TcpStream::read_timeout;
    let _: fn(&TcpStream) -> io::Result<Limit> = TcpStream::write_timeout;
    let _: fn(&TcpStream, &mut [u8]) -> io::Result<usize> = TcpStream::peek;
    let _: fn(&TcpStream, bool) -> io::Result<()> = TcpStream::set_nodelay;
    let _: fn(&TcpStream) -> io::Result<bool> = TcpStream::nodelay;
    let _: fn(&TcpStream, u32) -> io::Result<()> = TcpStream::set_ttl;
    let _: fn(&TcpStream) -> io::Result<u32> = TcpStream::ttl;
    let _: fn(&TcpStream) -> io::Result<Option<io::Error>> = TcpStream::take_error;
    let _: fn(&TcpStream, bool) -> io::Result<()> = TcpStream::set_nonblocking;
    bound!(&'static TcpStream: Read);
    bound!(&'static TcpStream: Write);
    #[cfg(target_os = "linux")]
    {
        let _: fn(&TcpStream, bool) -> io::Result<()> = TcpStreamExt::set_quickack;
        let _: fn(&TcpStream) -> io::Result<bool> = TcpStreamExt::quickack;
    }
}

fn listeners() {
    let _: fn(SocketAddr) -> io::Result<TcpListener> = TcpListener::bind::<SocketAddr>;
    let _: fn(&TcpListener) -> io::Result<SocketAddr> = TcpListener::local_addr;
    let _: fn(&TcpListener) -> io::Result<TcpListener> = TcpListener::try_clone;
    let _: fn(&TcpListener) -> io::Result<(TcpStream, SocketAddr)> = TcpListener::accept;
    let _: fn(&TcpListener) -> Incoming<'_> = TcpListener::incoming;
    let _: fn(&TcpListener, u32) -> io::Result<()> = TcpListener::set_ttl;
    let _: fn(&TcpListener) -> io::Result<u32> = TcpListener::ttl;
    let _: fn(&TcpListener, bool) -> io::Result<()> = TcpListener::set_only_v6;
    let _: fn(&TcpListener) -> io::Result<bool> = TcpListener::only_v6;
    let _: fn(&TcpListener) -> io::Result<Option<io::Error>> = TcpListener::take_error;
    let _: fn(&TcpListener, bool) -> io::Result<()> = TcpListener::set_nonblocking;
    bound!(Incoming<'static>: Iterator<Item = io::Result<TcpStream>>);
}

fn datagrams() {
    let _: fn(SocketAddr) -> io::Result<UdpSocket> = UdpSocket::bind::<SocketAddr>;
    let _: fn(&UdpSocket, &mut [u8]) -> io::Result<(usize, SocketAddr)> = UdpSocket::recv_from;
    let _: fn(&UdpSocket, &mut [u8]) -> io::Result<(usize, SocketAddr)> = UdpSocket::peek_from;
    let _: fn(&UdpSocket, &[u8], SocketAddr) -> io::Result<usize> = UdpSocket::send_to::<SocketAddr>;
    let _: fn(&UdpSocket) -> io::Result<SocketAddr> = UdpSocket::peer_addr;
    let _: fn(&UdpSocket) -> io::Result<SocketAddr> = UdpSocket::local_addr;
    let _: fn(&UdpSocket) -> io::Result<UdpSocket> = UdpSocket::try_clone;
    let _: fn(&UdpSocket, SocketAddr) -> io::Result<()> = UdpSocket::connect::<SocketAddr>;
    let _: fn(&UdpSocket, &[u8]) -> io::Result<usize> = UdpSocket::send;
    let _: fn(&UdpSocket, &mut [u8]) -> io::Result<usize> = UdpSocket::recv;
    let _: fn(&UdpSocket, &mut [u8]) -> io::Result<usize> = UdpSocket::peek;
}

fn options_of_datagrams() {
    let _: fn(&UdpSocket, Limit) -> io::Result<()> = UdpSocket::set_read_timeout;
    let _: fn(&UdpSocket, Limit) -> io::Result<()> = UdpSocket::set_write_timeout;
    let _: fn(&UdpSocket) -> io::Result<Limit> = UdpSocket::read_timeout;
    let _: fn(&UdpSocket) -> io::Result<Limit> = UdpSocket::write_timeout;
    let _: fn(&UdpSocket, bool) -> io::Result<()> = UdpSocket::set_broadcast;
    let _: fn(&UdpSocket) -> io::Result<bool> = UdpSocket::broadcast;
    let _: fn(&UdpSocket, bool) -> io::Result<()> = UdpSocket::set_multicast_loop_v4;
    let _: fn(&UdpSocket) -> io::Result<bool> = UdpSocket::multicast_loop_v4;
    let _: fn(&UdpSocket, u32) -> io::Result<()> = UdpSocket::set_multicast_ttl_v4;
    let _: fn(&UdpSocket) -> io::Result<u32> = UdpSocket::multicast_ttl_v4;
    let _: fn(&UdpSocket, bool) -> io::Result<()> = UdpSocket::set_multicast_loop_v6;
    let _: fn(&UdpSocket) -> io::Result<bool> = UdpSocket::multicast_loop_v6;
    let _: fn(&UdpSocket, u32) -> io::Result<()> = UdpSocket::set_ttl;
    let _: fn(&UdpSocket) -> io::Result<u32> = UdpSocket::ttl;
    let _: fn(&UdpSocket, &Ipv4Addr, &Ipv4Addr) -> io::Result<()> = UdpSocket::join_multicast_v4;
    let _: fn(&UdpSocket, &Ipv6Addr, u32) -> io::Result<()> = UdpSocket::join_multicast_v6;
    let _: fn(&UdpSocket, &Ipv4Addr, &Ipv4Addr) -> io::Result<()> = UdpSocket::leave_multicast_v4;
    let _: fn(&UdpSocket, &Ipv6Addr, u32) -> io::Result<()> = UdpSocket::leave_multicast_v6;
    let _: fn(&UdpSocket) -> io::Result<Option<io::Error>> = UdpSocket::take_error;
    let _: fn(&UdpSocket, bool) -> io::Result<()> = UdpSocket::set_nonblocking;
}

fn addresses() {
    type Few = std::option::IntoIter<SocketAddr>;
    type Many = std::vec::IntoIter<SocketAddr>;
    bound!(SocketAddr: ToSocketAddrs<Iter = Few>);
    bound!(SocketAddrV4: ToSocketAddrs<Iter = Few>);
    bound!(SocketAddrV6: ToSocketAddrs<Iter = Few>);
    bound!((IpAddr, u16): ToSocketAddrs<Iter = Few>);
    bound!((Ipv4Addr, u16): ToSocketAddrs<Iter = Few>);
    bound!((Ipv6Addr, u16): ToSocketAddrs<Iter = Few>);
    bound!((&'static str, u16): ToSocketAddrs<Iter = Many>);
    bound!((String, u16): ToSocketAddrs<Iter = Many>);
    bound!(str: ToSocketAddrs<Iter = Many>);
    bound!(String: ToSocketAddrs<Iter = Many>);
    bound!(&'static [SocketAddr]: ToSocketAddrs<Iter = std::iter::Cloned<std::slice::Iter<'static, SocketAddr>>>);
    bound!(&'static &'static str: ToSocketAddrs<Iter = Many>);
    let _: fn(&str) -> io::Result<Many> = ToSocketAddrs::to_socket_addrs;
    let _: fn(&str) -> Result<IpAddr, AddrParseError> = str::parse;
}

fn descriptors() {
    let _: fn(&TcpStream) -> BorrowedFd<'_> = AsFd::as_fd;
    let _: fn(&TcpStream) -> RawFd = AsRawFd::as_raw_fd;
    let _: fn(TcpStream) -> RawFd = IntoRawFd::into_raw_fd;
    let _: unsafe fn(RawFd) -> TcpStream = FromRawFd::from_raw_fd;
    bound!(TcpStream: From<OwnedFd>);
    bound!(TcpListener: From<OwnedFd>);
    bound!(UdpSocket: From<OwnedFd>);
    bound!(OwnedFd: From<TcpStream>);
    bound!(OwnedFd: From<TcpListener>);
    bound!(OwnedFd: From<UdpSocket>);
    bound!(socket2::Socket: From<TcpStream>);
    bound!(TcpStream: From<socket2::Socket>);
}

pub(crate) fn traits() -> Vec<Has> {
    traits_of![
        net::TcpStream,
        net::TcpListener,
        net::UdpSocket,
        net::Incoming<'static>,
        &'static net::TcpStream,
        &'static net::TcpListener,
        net::SocketAddr,
        net::Shutdown,
    ]
}

pub(crate) fn seen() -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut seen = Vec::new();
    let mut note = |what: &str, value: &dyn Debug| seen.push(format!("{what}: {value:?}"));
    #[cfg(target_os = "linux")]
    for on in [false, true] {
        note("set", &stream.set_quickack(on).is_ok());
        note("quickack", &stream.quickack().unwrap());
    }
    let text = |socket: &dyn Debug| format!("{socket:#?}").replace(char::is_numeric, "");
    note("stream", &text(&stream));
    note("listener", &text(&listener));
    note("incoming", &text(&listener.incoming()));
    note("socket", &text(&UdpSocket::bind("127.0.0.1:0").unwrap()));
    seen
}
