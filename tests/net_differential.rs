//! The same source against `std::net` and against `sward::net`: what it sees must be the same, error kinds and all.

#![allow(deprecated)] // `only_v6` of a listener

mod support;

use support::{in_run, watched};

/// The scenarios, for one implementation. Each tells what it saw.
macro_rules! scenarios {
    ($implementation:ident, $net:path, $thread:path) => {
        mod $implementation {
            use std::{
                fmt::Debug,
                io::{self, IoSlice, IoSliceMut, Read, Write},
                os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd},
                time::Duration,
            };

            use socket2::SockRef;
            use $net as net;
            use $thread as thread;

            use net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};
            use net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

            /// What was seen, line by line.
            #[derive(Default)]
            struct Seen(Vec<String>);

            impl Seen {
                fn note(&mut self, what: &str, value: impl Debug) {
                    self.0.push(format!("{what}: {value:?}"));
                }

                /// A result, with all that can be told of its error.
                fn result<T: Debug>(&mut self, what: &str, result: io::Result<T>) {
                    match result {
                        Ok(value) => self.note(what, value),
                        Err(e) => self.note(what, (e.kind(), e.raw_os_error(), e.to_string())),
                    }
                }
            }

            const TICK: Option<Duration> = Some(Duration::from_millis(20));

            fn pair() -> (TcpStream, TcpStream) {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let (far, from) = listener.accept().unwrap();
                assert_eq!(from, near.local_addr().unwrap());
                (near, far)
            }

            fn reset(stream: TcpStream) {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            }

            pub(super) fn addresses() -> Vec<String> {
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
                for host in
                    ["127.0.0.1", "::1", "localhost", "no such name", "[::1]", "does-not-exist.invalid"]
                {
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

            pub(super) fn binding_and_connecting() -> Vec<String> {
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
                let narrow =
                    socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
                narrow.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
                narrow.listen(0).unwrap();
                let narrow_addr = narrow.local_addr().unwrap().as_socket().unwrap();
                let first = TcpStream::connect(narrow_addr);
                seen.note("first", first.is_ok());
                seen.result(
                    "connect, in time",
                    TcpStream::connect_timeout(&narrow_addr, Duration::from_millis(30)),
                );
                seen.result("connect, no time", TcpStream::connect_timeout(&narrow_addr, Duration::ZERO));
                seen.0
            }

            pub(super) fn options() -> Vec<String> {
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
                seen.result(
                    "loop",
                    socket.set_multicast_loop_v4(false).and_then(|()| socket.multicast_loop_v4()),
                );
                seen.result("mttl", socket.multicast_ttl_v4());
                seen.result("mttl", socket.set_multicast_ttl_v4(5).and_then(|()| socket.multicast_ttl_v4()));
                seen.result("loop6", socket.multicast_loop_v6());
                seen.result("ttl", socket.set_ttl(6).and_then(|()| socket.ttl()));
                seen.result(
                    "join a bad group",
                    socket.join_multicast_v4(&Ipv4Addr::LOCALHOST, &Ipv4Addr::UNSPECIFIED),
                );
                seen.result(
                    "leave",
                    socket.leave_multicast_v4(&Ipv4Addr::new(224, 0, 0, 9), &Ipv4Addr::UNSPECIFIED),
                );
                let group6 = "ff02::1".parse().unwrap();
                seen.result("join v6 on v4", socket.join_multicast_v6(&group6, 0));
                let socket = UdpSocket::bind("[::1]:0").unwrap();
                seen.result("loop6", socket.multicast_loop_v6());
                seen.result(
                    "loop6",
                    socket.set_multicast_loop_v6(false).and_then(|()| socket.multicast_loop_v6()),
                );
                seen.result("leave v6", socket.leave_multicast_v6(&group6, 0));
                seen.0
            }

            pub(super) fn debug_output() -> Vec<String> {
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

            pub(super) fn reading() -> Vec<String> {
                let mut seen = Seen::default();
                let (mut near, mut far) = pair();
                let mut buf = [0; 8];
                near.set_read_timeout(TICK).unwrap();
                seen.result("nothing comes", near.read(&mut buf));
                seen.result("nothing comes, peek", near.peek(&mut buf));
                seen.result("nothing comes, vectored", near.read_vectored(&mut [IoSliceMut::new(&mut buf)]));
                seen.result("nothing comes, no room", near.read(&mut []));
                seen.result("nothing comes, no room to peek", near.peek(&mut []));
                seen.result("nothing comes, no slices", near.read_vectored(&mut []));
                seen.result(
                    "nothing comes, an empty slice",
                    near.read_vectored(&mut [IoSliceMut::new(&mut [])]),
                );
                seen.result("exact", near.read_exact(&mut buf));
                far.write_all(b"hello world").unwrap();
                seen.result("no room", near.read(&mut []));
                seen.result("peek", near.peek(&mut buf));
                seen.note("peeked", buf);
                seen.result("read", near.read(&mut buf));
                seen.note("got", buf);
                let (mut a, mut b, mut c) = ([0; 1], [0; 0], [0; 8]);
                let mut slices = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b), IoSliceMut::new(&mut c)];
                seen.result("read_vectored", (&near).read_vectored(&mut slices));
                seen.note("got", (a, c));
                far.write_all(b"xy").unwrap();
                far.shutdown(Shutdown::Write).unwrap();
                seen.result("last bytes", near.read(&mut buf));
                seen.result("end", near.read(&mut buf));
                seen.result("end again", near.read(&mut buf));
                seen.result("end, peek", near.peek(&mut buf));
                seen.result("the other way", near.write(b"still open"));
                seen.result("the other way", far.read(&mut buf));
                far.shutdown(Shutdown::Read).unwrap();
                seen.result("rest after shutdown", far.read(&mut buf));
                seen.result("end after shutdown", far.read(&mut buf));
                seen.0
            }

            pub(super) fn writing() -> Vec<String> {
                let mut seen = Seen::default();
                let (mut near, far) = pair();
                seen.result("nothing", near.write(&[]));
                seen.result("no slices", near.write_vectored(&[]));
                seen.result("an empty slice", near.write_vectored(&[IoSlice::new(&[])]));
                seen.result(
                    "slices",
                    near.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cd")]),
                );
                let many = vec![IoSlice::new(b"z"); 3000];
                seen.result("more slices than go", near.write_vectored(&many));
                seen.result("flush", near.flush());
                near.set_write_timeout(TICK).unwrap();
                // The peer does not read, and neither end's buffer grows.
                SockRef::from(&near).set_send_buffer_size(32 << 10).unwrap();
                SockRef::from(&far).set_recv_buffer_size(32 << 10).unwrap();
                let big = vec![7; 16 << 20];
                let part = near.write(&big).unwrap();
                seen.note("part", part > 0 && part < big.len());
                while (0..3).any(|_| near.write(&big).is_ok()) {}
                seen.result("full", near.write(&big));
                seen.result("full, vectored", near.write_vectored(&[IoSlice::new(&big)]));
                seen.result("full, nothing", near.write(&[]));
                near.shutdown(Shutdown::Write).unwrap();
                seen.result("after shutdown", near.write(b"x"));
                seen.result("after shutdown, nothing", near.write(&[]));
                seen.result("after shutdown, empty slices", near.write_vectored(&[IoSlice::new(&[])]));
                drop(far);
                seen.0
            }

            pub(super) fn a_blocking_write_is_whole() -> Vec<String> {
                let mut seen = Seen::default();
                let (mut near, mut far) = pair();
                let reader = thread::spawn(move || {
                    let mut all = Vec::new();
                    far.read_to_end(&mut all).unwrap();
                    let sum = all.iter().map(|&byte| u64::from(byte)).sum::<u64>();
                    (all.len(), sum)
                });
                let bytes: Vec<u8> = (0..9 << 20).map(|i| (i % 251) as u8).collect();
                seen.result("write", near.write(&bytes));
                let (a, b) = bytes.split_at(12_345);
                seen.result("write_vectored", near.write_vectored(&[IoSlice::new(a), IoSlice::new(b)]));
                drop(near);
                seen.note("read", reader.join().unwrap());
                seen.0
            }

            pub(super) fn broken_connections() -> Vec<String> {
                let mut seen = Seen::default();
                let mut buf = [0; 8];

                let (mut near, far) = pair();
                reset(far);
                seen.result("read after reset", near.read(&mut buf));
                seen.result("read again", near.read(&mut buf));
                seen.result("write then", near.write(b"x"));
                seen.result("peer", near.peer_addr());
                seen.result("shutdown", near.shutdown(Shutdown::Both));

                let (mut near, far) = pair();
                reset(far);
                seen.result("write after reset", near.write(b"x"));
                seen.result("write again", near.write(b"x"));
                seen.result("read then", near.read(&mut buf));

                let (near, far) = pair();
                reset(far);
                seen.result(
                    "error after reset",
                    near.take_error().map(|e| e.map(|e| (e.kind(), e.raw_os_error()))),
                );
                seen.result("no error then", near.take_error().map(|e| e.map(|e| e.kind())));

                // Closed with bytes unread, it is reset too; what was on its way before can still be read.
                let (mut near, mut far) = pair();
                near.write_all(b"unread").unwrap();
                far.write_all(b"last").unwrap();
                far.peek(&mut buf).unwrap();
                drop(far);
                seen.result("read", near.read(&mut buf));

                // Broken in the middle of a large write.
                let (mut near, mut far) = pair();
                let breaker = thread::spawn(move || {
                    let mut some = vec![0; 1 << 20];
                    far.read_exact(&mut some).unwrap();
                    reset(far);
                });
                let big = vec![1; 32 << 20];
                let part = near.write(&big);
                seen.note("part", part.is_ok_and(|part| part < big.len()));
                seen.result("then", near.write(&big));
                seen.result("then", near.write(&big));
                breaker.join().unwrap();

                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let gone = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                reset(gone);
                let (mut stream, _) = listener.accept().unwrap();
                seen.result("accepted, reset", stream.read(&mut buf));
                seen.0
            }

            pub(super) fn modes() -> Vec<String> {
                let mut seen = Seen::default();
                let mut buf = [0; 8];
                let (mut near, mut far) = pair();
                near.set_nonblocking(true).unwrap();
                seen.result("read", near.read(&mut buf));
                seen.result("no room", near.read(&mut []));
                seen.result("peek", near.peek(&mut buf));
                let big = vec![7; 16 << 20];
                seen.note("part", near.write(&big).is_ok_and(|part| part > 0 && part < big.len()));
                while near.write(&big).is_ok() {}
                seen.result("full", near.write(&big));
                let mut clone = near.try_clone().unwrap();
                seen.result("clone", clone.read(&mut buf));
                clone.set_nonblocking(false).unwrap();
                clone.set_read_timeout(TICK).unwrap();
                seen.result("timeout of a clone", near.read(&mut buf));
                seen.result("timeout of a clone", near.read_timeout());
                far.write_all(b"now").unwrap();
                seen.result("after the timeout", near.read(&mut buf));

                // Through a descriptor that others know.
                // SAFETY: the descriptor is open, and `into_raw_fd` below gives it back before its owner closes it.
                let other = unsafe { std::net::TcpStream::from_raw_fd(near.as_raw_fd()) };
                other.set_nonblocking(true).unwrap();
                let _ = other.into_raw_fd();
                seen.result("made non-blocking elsewhere", near.read(&mut buf));
                SockRef::from(&near).set_nonblocking(false).unwrap();
                SockRef::from(&near).set_read_timeout(TICK).unwrap();
                seen.result("made blocking elsewhere", near.read(&mut buf));

                // The same for sockets that knew of nothing before.
                let (mut near, mut far) = pair();
                SockRef::from(&near).set_read_timeout(TICK).unwrap();
                seen.result("a timeout set elsewhere", near.read(&mut buf));
                let far_fd = far.as_raw_fd();
                let mut clone = far.try_clone().unwrap();
                // SAFETY: the descriptor is open, and `into_raw_fd` below gives it back before its owner closes it.
                let other = unsafe { std::net::TcpStream::from_raw_fd(far_fd) };
                other.set_nonblocking(true).unwrap();
                let _ = other.into_raw_fd();
                seen.result("a mode set elsewhere", far.read(&mut buf));
                seen.result("a mode set elsewhere, clone", clone.read(&mut buf));
                let (near, far) = pair();
                let mut clone = far.try_clone().unwrap();
                let plain = OwnedFd::from(far);
                SockRef::from(&plain).set_nonblocking(true).unwrap();
                seen.result("a clone of what has left", clone.read(&mut buf));
                drop(near);

                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let there = listener.local_addr().unwrap();
                listener.set_nonblocking(true).unwrap();
                seen.result("accept", listener.accept().map(drop));
                let twin = listener.try_clone().unwrap();
                seen.result("accept of a clone", twin.accept().map(drop));
                seen.result("incoming", listener.incoming().next().unwrap().map(drop));
                let _client = TcpStream::connect(there).unwrap();
                seen.result("accept", listener.accept().map(drop));
                seen.result("accept", listener.accept().map(drop));
                twin.set_nonblocking(false).unwrap();
                let _client = TcpStream::connect(there).unwrap();
                let (accepted, _) = listener.accept().unwrap();
                seen.note("mode", SockRef::from(&accepted).nonblocking().unwrap());
                let plain = std::net::TcpListener::from(OwnedFd::from(twin));
                seen.note("mode as std's", SockRef::from(&plain).nonblocking().unwrap());
                SockRef::from(&listener).set_read_timeout(TICK).unwrap();
                seen.result("accept with a timeout", listener.accept().map(drop));
                let _client = TcpStream::connect(there).unwrap();
                let (mut accepted, _) = listener.accept().unwrap();
                seen.result("inherited", accepted.read_timeout());
                seen.result("inherited", accepted.read(&mut buf));
                seen.0
            }

            pub(super) fn conversions() -> Vec<String> {
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

            pub(super) fn datagrams() -> Vec<String> {
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
        }
    };
}

scenarios!(of_std, std::net, std::thread);
scenarios!(of_sward, sward::net, sward::thread);

/// A test a scenario: `std` on this thread, then sward on a green thread and on this thread.
macro_rules! compare {
    ($($scenario:ident)*) => { $(
        #[test]
        fn $scenario() {
            let expected = watched(of_std::$scenario);
            assert!(expected.len() > 1);
            same("a green thread", &expected, &in_run(of_sward::$scenario));
            same("an OS thread", &expected, &watched(of_sward::$scenario));
        }
    )* };
}

compare! {
    addresses binding_and_connecting options debug_output reading writing a_blocking_write_is_whole
    broken_connections modes conversions datagrams
}

fn same(where_run: &str, expected: &[String], seen: &[String]) {
    for (expected, seen) in expected.iter().zip(seen) {
        assert_eq!(seen, expected, "sward on {where_run} (left) differs from std");
    }
    assert_eq!(seen.len(), expected.len());
}
