//! What the scenarios share.

use std::{
    io::{ErrorKind, Read},
    time::Duration,
};

use super::net::{TcpListener, TcpStream};
use socket2::SockRef;

pub(crate) const TICK: Option<Duration> = Some(Duration::from_millis(20));

pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, from) = listener.accept().unwrap();
    assert_eq!(from, near.local_addr().unwrap());
    (near, far)
}

pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Outlasts a wait that was given a time limit of [`TICK`] before: one that begins later has its own, twice.
pub(crate) fn outlast_a_tick() {
    let (mut near, _far) = pair();
    near.set_read_timeout(TICK).unwrap();
    for _ in 0..2 {
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}
