//! Addresses, and how a connection comes about.

use std::{
    io::{Read, Write},
    os::fd::{FromRawFd, IntoRawFd, OwnedFd},
    time::Duration,
};

use super::net;
use super::tools::pair;
use crate::seen::Seen;
use net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use socket2::SockRef;

pub(crate) fn addresses() -> Vec<String> {
    let mut seen = Seen::default();
    for text in [
        "127.0.0.1:80",
        "[::1]:80",
        "[fe80::1%3]:9",
        "",
        ":",
        "x",
        "x:y",
        "1.2.3.4",
        "a:99999",
        ":80",
        "\0:1",
    ] {
        seen.result(text, text.to_socket_addrs().map(Vec::from_iter));
        seen.result(text, text.to_string().to_socket_addrs().map(Vec::from_iter));
    }
    for host in ["127.0.0.1", "::1", "localhost", "no such name", "[::1]", "does-not-exist.invalid"] {
        seen.result(host, (host, 7).to_socket_addrs().map(Vec::from_iter));
        seen.result(host, (host.to_string(), 7).to_socket_addrs().map(Vec::from_iter));
    }
    let (v4, v6) = (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
    seen.result("v4", (v4, 1).to_socket_addrs().map(Vec::from_iter));
    seen.result("v6", (v6, 1).to_socket_addrs().map(Vec::from_iter));
    seen.result("ip", (IpAddr::V4(v4), 1).to_socket_addrs().map(Vec::from_iter));
    seen.result("v4", SocketAddrV4::new(v4, 1).to_socket_addrs().map(Vec::from_iter));
    seen.result("v6", SocketAddrV6::new(v6, 1, 2, 3).to_socket_addrs().map(Vec::from_iter));
    let many = [SocketAddr::from((v4, 1)), SocketAddr::from((v6, 2))];
    seen.result("slice", (&many[..]).to_socket_addrs().map(Vec::from_iter));
    seen.result("ref", (&&&many[0]).to_socket_addrs().map(Vec::from_iter));
    let none: &[SocketAddr] = &[];
    seen.result("connect to none", TcpStream::connect(none));
    seen.result("bind to none", TcpListener::bind(none));
    seen.result("connect to a bad one", TcpStream::connect("x:y"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    seen.result("send to none", socket.send_to(b"x", none));
    seen.result("connect to none", socket.connect(none));
    seen.0
}

pub(crate) fn binding_and_connecting() -> Vec<String> {
    let mut seen = Seen::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    seen.result("bind to a taken address", TcpListener::bind(taken));
    seen.result("bind to a foreign address", TcpListener::bind("192.0.2.1:0"));
    let second = TcpListener::bind(&[taken, "127.0.0.1:0".parse().unwrap()][..]);
    seen.result("bind to the second", second.map(|l| l.local_addr().unwrap() != taken));
    drop(listener);
    let again = TcpListener::bind(taken);
    seen.result("bind again", again.as_ref().map(drop).map_err(|e| e.kind().into()));
    drop(again);
    // Taken, so that nobody else listens there meanwhile.
    let silent = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    silent.bind(&taken.into()).unwrap();
    seen.result("connect, refused", TcpStream::connect(taken));
    seen.result("connect, refused", TcpStream::connect_timeout(&taken, Duration::from_secs(5)));
    seen.result("connect, no time", TcpStream::connect_timeout(&taken, Duration::ZERO));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = listener.local_addr().unwrap();
    let both = TcpStream::connect(&[taken, there][..]).unwrap();
    seen.note("second address", both.peer_addr().unwrap() == there);
    let timed = TcpStream::connect_timeout(&there, Duration::from_secs(5)).unwrap();
    seen.result("no read timeout", timed.read_timeout());
    seen.note("mode", SockRef::from(&timed).nonblocking().unwrap());
    // A queue of one, full: the next connection hangs.
    let narrow = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    narrow.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    narrow.listen(0).unwrap();
    let narrow_addr = narrow.local_addr().unwrap().as_socket().unwrap();
    let first = TcpStream::connect(narrow_addr);
    seen.note("first", first.is_ok());
    seen.result("connect, in time", TcpStream::connect_timeout(&narrow_addr, Duration::from_millis(30)));
    seen.result("connect, no time", TcpStream::connect_timeout(&narrow_addr, Duration::ZERO));
    drop(silent);
    seen.0
}

pub(crate) fn odd_places() -> Vec<String> {
    let mut seen = Seen::default();
    let no_v6 = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = no_v6.local_addr().unwrap().port();
    for (what, ip) in [
        ("unspecified", "0.0.0.0"),
        ("unspecified v6", "::"),
        ("mapped", "::ffff:127.0.0.1"),
        ("v6", "::1"),
        ("a group", "224.0.0.1"),
        ("a group of v6", "ff02::1"),
        ("everybody", "255.255.255.255"),
        ("a class of its own", "240.0.0.1"),
    ] {
        let at = SocketAddr::new(ip.parse().unwrap(), port);
        seen.result(what, TcpStream::connect(at).map(drop));
        seen.result(what, TcpStream::connect_timeout(&at, Duration::from_secs(5)).map(drop));
        seen.result(what, TcpListener::bind((at.ip(), 0)).map(drop));
        let socket = UdpSocket::bind(if at.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).unwrap();
        seen.result(what, socket.connect(at));
        seen.result(what, socket.send(b"x"));
    }
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    seen.result("port 0", TcpStream::connect(nowhere).map(drop));
    seen.result("port 0", TcpStream::connect_timeout(&nowhere, Duration::MAX).map(drop));
    let refused = [nowhere, SocketAddr::from((Ipv4Addr::new(240, 0, 0, 1), 1)), nowhere];
    seen.result("the last one's error", TcpStream::connect(&refused[..]).map(drop));
    seen.0
}

pub(crate) fn conversions() -> Vec<String> {
    let mut seen = Seen::default();
    let mut buf = [0; 8];
    let (near, mut far) = pair();
    let near = TcpStream::from(OwnedFd::from(near));
    // SAFETY: `into_raw_fd` hands over an open descriptor that nobody else owns.
    let mut near = unsafe { TcpStream::from_raw_fd(near.into_raw_fd()) };
    far.write_all(b"hi").unwrap();
    seen.result("read", near.read(&mut buf));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = listener.local_addr().unwrap();
    let listener = TcpListener::from(OwnedFd::from(listener));
    // SAFETY: `into_raw_fd` hands over an open descriptor that nobody else owns.
    let listener = unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
    let _client = TcpStream::connect(there).unwrap();
    seen.note("accept", listener.accept().is_ok());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let there = socket.local_addr().unwrap();
    let socket = UdpSocket::from(OwnedFd::from(socket));
    // SAFETY: `into_raw_fd` hands over an open descriptor that nobody else owns.
    let socket = unsafe { UdpSocket::from_raw_fd(socket.into_raw_fd()) };
    seen.result("send", socket.send_to(b"me", there));
    seen.result("recv", socket.recv(&mut buf));
    // What is no socket at all.
    let file = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let mut odd = TcpStream::from(file);
    seen.result("odd read", odd.read(&mut buf));
    seen.result("odd write", odd.write(&buf));
    seen.result("odd peer", odd.peer_addr());
    let file = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    seen.result("odd accept", TcpListener::from(file).accept().map(drop));
    seen.0
}
