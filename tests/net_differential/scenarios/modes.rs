//! Non-blocking, with time limits, and what others do to them.

use std::{
    io::{Read, Write},
    iter,
    os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd},
};

use super::net;
use super::tools::{TICK, pair};
use crate::seen::Seen;
use net::{TcpListener, TcpStream};
use socket2::SockRef;

pub(crate) fn modes() -> Vec<String> {
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
    clone.set_read_timeout(None).unwrap();
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
    // It may be there only after some of these timeouts.
    let (mut accepted, _) = iter::repeat_with(|| listener.accept()).find_map(Result::ok).unwrap();
    seen.result("inherited", accepted.read_timeout());
    seen.result("inherited", accepted.read(&mut buf));
    seen.0
}
