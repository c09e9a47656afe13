//! UDP.

use super::net;
use super::tools::TICK;
use crate::seen::Seen;
use net::SocketAddr;
use net::UdpSocket;

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
    seen.result("peek_from", a.peek_from(&mut buf).map(|(n, from)| (n, from == at_b)));
    seen.result("peek", a.peek(&mut buf));
    seen.result("cut off", a.recv_from(&mut buf).map(|(n, from)| (n, from == at_b)));
    seen.result("empty", a.recv(&mut buf));
    seen.result("no room", a.recv(&mut []));
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
    seen.result("refused", a.recv(&mut buf));
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
