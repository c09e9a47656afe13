//! Options, and what is shown.

use std::time::Duration;

use super::net;
use super::tools::pair;
use crate::seen::Seen;
use net::{Ipv4Addr, Shutdown};
use net::{TcpListener, UdpSocket};

pub(crate) fn options() -> Vec<String> {
    let mut seen = Seen::default();
    let (near, far) = pair();
    let tick = Duration::from_millis(100);
    for (what, stream) in [("near", &near), ("far", &far)] {
        seen.result(what, stream.nodelay());
        seen.result(what, stream.set_nodelay(true));
        seen.result(what, stream.nodelay());
        seen.result(what, stream.ttl());
        seen.result(what, stream.set_ttl(7));
        seen.result(what, stream.ttl());
        seen.result(what, stream.set_ttl(0));
        seen.result(what, stream.take_error());
        seen.result(what, stream.read_timeout());
        seen.result(what, stream.set_read_timeout(Some(Duration::ZERO)));
        seen.result(what, stream.set_write_timeout(Some(Duration::ZERO)));
        seen.result(what, stream.set_read_timeout(Some(tick)));
        seen.result(what, stream.set_write_timeout(Some(tick * 2)));
        seen.result(what, stream.read_timeout());
        seen.result(what, stream.write_timeout());
        seen.result(what, stream.set_read_timeout(Some(Duration::from_nanos(1))));
        seen.result(what, stream.read_timeout());
        seen.result(what, stream.set_read_timeout(Some(Duration::MAX)));
        seen.result(what, stream.read_timeout());
        seen.result(what, stream.set_write_timeout(None));
        seen.result(what, stream.write_timeout());
    }
    let listener = TcpListener::bind("[::1]:0").unwrap();
    seen.result("only_v6", listener.only_v6());
    seen.result("set_only_v6", listener.set_only_v6(true));
    seen.result("ttl", listener.set_ttl(9).and_then(|()| listener.ttl()));
    seen.result("take_error", listener.take_error());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    seen.result("only_v6 of v4", listener.only_v6());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    seen.result("peer", socket.peer_addr());
    seen.result("broadcast", socket.broadcast());
    seen.result("broadcast", socket.set_broadcast(true).and_then(|()| socket.broadcast()));
    seen.result("loop", socket.multicast_loop_v4());
    seen.result("loop", socket.set_multicast_loop_v4(false).and_then(|()| socket.multicast_loop_v4()));
    seen.result("mttl", socket.multicast_ttl_v4());
    seen.result("mttl", socket.set_multicast_ttl_v4(5).and_then(|()| socket.multicast_ttl_v4()));
    seen.result("loop6", socket.multicast_loop_v6());
    seen.result("ttl", socket.set_ttl(6).and_then(|()| socket.ttl()));
    seen.result("join a bad group", socket.join_multicast_v4(&Ipv4Addr::LOCALHOST, &Ipv4Addr::UNSPECIFIED));
    seen.result("leave", socket.leave_multicast_v4(&Ipv4Addr::new(224, 0, 0, 9), &Ipv4Addr::UNSPECIFIED));
    let group6 = "ff02::1".parse().unwrap();
    seen.result("join v6 on v4", socket.join_multicast_v6(&group6, 0));
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    seen.result("loop6", socket.multicast_loop_v6());
    seen.result("loop6", socket.set_multicast_loop_v6(false).and_then(|()| socket.multicast_loop_v6()));
    seen.result("leave v6", socket.leave_multicast_v6(&group6, 0));
    seen.0
}

pub(crate) fn debug_output() -> Vec<String> {
    let mut seen = Seen::default();
    let (near, _far) = pair();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let digits = |text: String| text.replace(|c: char| c.is_ascii_digit(), "").replace("\n", " ");
    seen.note("stream", digits(format!("{near:?} {near:#?}")));
    seen.note("listener", digits(format!("{listener:?}")));
    seen.note("incoming", digits(format!("{:?}", listener.incoming())));
    seen.note("udp", digits(format!("{socket:?}")));
    near.shutdown(Shutdown::Both).unwrap();
    seen.note("shut", digits(format!("{near:?}")).contains("peer"));
    seen.0
}
