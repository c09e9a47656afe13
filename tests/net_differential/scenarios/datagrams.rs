//! UDP.

use std::time::Duration;

use super::net;
use super::tools::TICK;
use crate::seen::Seen;
use net::{Ipv4Addr, SocketAddr, UdpSocket};

pub(crate) fn datagrams() -> Vec<String> {
    let mut seen = Seen::default();
    let mut buf = [0; 4];
    let a = UdpSocket::bind("127.0.0.1:0").unwrap();
    let b = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (at_a, at_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    a.set_read_timeout(TICK).unwrap();
    seen.result("nothing comes", a.recv(&mut buf));
    seen.result("nothing comes, from", a.recv_from(&mut buf).map(drop));
    seen.result("nothing comes, peek", a.peek(&mut buf));
    seen.result("nothing comes, peek_from", a.peek_from(&mut buf).map(drop));
    seen.result("nothing comes, no room", a.recv(&mut []));
    seen.result("send, not connected", a.send(b"x"));
    seen.result("send_to", b.send_to(b"too long", at_a));
    seen.result("send_to, empty", b.send_to(b"", at_a));
    seen.result("send_to", b.send_to(b"cd", at_a));
    a.set_read_timeout(None).unwrap();
    seen.result("peek_from", a.peek_from(&mut buf).map(|(n, from)| (n, from == at_b)));
    seen.result("peek", a.peek(&mut buf));
    seen.result("cut off", a.recv_from(&mut buf).map(|(n, from)| (n, from == at_b)));
    seen.result("empty", a.recv(&mut buf));
    seen.result("no room", a.recv(&mut []));
    a.set_read_timeout(TICK).unwrap();
    seen.result("gone", a.recv(&mut buf));
    seen.result("too big", b.send_to(&[0; 70_000], at_a));
    seen.result("connect", a.connect(at_b));
    seen.note("peer", a.peer_addr().unwrap() == at_b);
    seen.result("send", a.send(b"ef"));
    seen.result("recv", b.recv(&mut buf));
    let c = UdpSocket::bind("127.0.0.1:0").unwrap();
    c.send_to(b"from a stranger", at_a).unwrap();
    seen.result("not from strangers", a.recv(&mut buf));
    drop(b);
    seen.result("to nobody", a.send(b"x"));
    a.set_read_timeout(None).unwrap();
    seen.result("refused", a.recv(&mut buf));
    a.set_read_timeout(TICK).unwrap();
    seen.result("then", a.recv(&mut buf));
    seen.result("to nobody", a.send(b"x"));
    seen.result("refused", a.send(b"x"));
    seen.result("error", a.take_error().map(|e| e.map(|e| e.kind())));
    let everybody = "255.255.255.255:9".parse::<SocketAddr>().unwrap();
    seen.result("broadcast, not allowed", c.send_to(b"x", everybody));
    c.set_nonblocking(true).unwrap();
    seen.result("non-blocking", c.recv(&mut buf));
    seen.result("a clone", c.try_clone().unwrap().recv_from(&mut buf).map(drop));
    seen.result("family", c.send_to(b"x", "[::1]:9"));
    seen.0
}

pub(crate) fn groups() -> Vec<String> {
    let mut seen = Seen::default();
    let mut buf = [0; 4];
    let group = Ipv4Addr::new(239, 255, 77, 1);
    let a = UdpSocket::bind("0.0.0.0:0").unwrap();
    // It may not come at all, where there is no route for it.
    a.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let there = SocketAddr::from((group, a.local_addr().unwrap().port()));
    let b = UdpSocket::bind("127.0.0.1:0").unwrap();
    seen.result("join", a.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
    seen.result("join again", a.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
    seen.result("send", b.send_to(b"all", there));
    seen.result("recv", a.recv(&mut buf));
    a.set_read_timeout(TICK).unwrap();
    b.set_multicast_loop_v4(false).unwrap();
    seen.result("send, not to oneself", b.send_to(b"all", there));
    seen.result("recv", a.recv(&mut buf));
    seen.result("leave", a.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
    seen.result("leave again", a.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
    seen.result("a ttl too large", a.set_multicast_ttl_v4(256));
    seen.result("ttl of none", a.set_ttl(0));
    let group6 = "ff01::77".parse().unwrap();
    let c = UdpSocket::bind("[::]:0").unwrap();
    seen.result("join v6, no such interface", c.join_multicast_v6(&group6, 9999));
    seen.result("leave v6", c.leave_multicast_v6(&group6, 1));
    seen.result("no group", c.join_multicast_v6(&"::1".parse().unwrap(), 1));
    seen.result("disconnected", a.connect("0.0.0.0:0").and_then(|()| a.peer_addr()));
    seen.result("port 0", a.send_to(b"x", "127.0.0.1:0"));
    seen.result("vain peek", a.peek(&mut []));
    seen.0
}
