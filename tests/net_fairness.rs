//! IO that never has to wait lets the others run, whatever comes of it.

mod support;

use std::{
    io::{self, Read, Write, pipe},
    net::TcpListener as PlainListener,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use socket2::SockRef;
use support::{in_run, net::pair};
use sward::{
    JoinError,
    io::Readiness,
    net::{TcpListener, UdpSocket},
    time::Duration,
};

/// Calls `io` again and again on the one worker until another green thread has run.
fn until_another_ran(mut io: impl FnMut() + Send + 'static) {
    in_run(move || {
        let ran = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&ran);
        sward::spawn(move || theirs.store(true, Relaxed));
        while !ran.load(Relaxed) {
            io();
        }
    });
}

fn would_block<T>(result: io::Result<T>) {
    assert_eq!(result.map(drop).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_read_that_would_block() {
    let (mut near, _far) = pair();
    near.set_nonblocking(true).unwrap();
    until_another_ran(move || would_block(near.read(&mut [0; 8])));
}

#[test]
fn a_write_that_would_block() {
    let (mut near, _far) = pair();
    near.set_nonblocking(true).unwrap();
    while near.write(&[0; 1 << 16]).is_ok() {}
    until_another_ran(move || drop(near.write(&[0; 1 << 16])));
}

#[test]
fn an_accept_that_would_block() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    until_another_ran(move || would_block(listener.accept()));
}

#[test]
fn an_accept_that_fails() {
    let listener = PlainListener::bind("127.0.0.1:0").unwrap();
    SockRef::from(&listener).shutdown(std::net::Shutdown::Read).unwrap();
    let listener = TcpListener::from(OwnedFd::from(listener));
    until_another_ran(move || assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::InvalidInput));
}

#[test]
fn a_datagram_that_cannot_be_sent() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    until_another_ran(move || drop(socket.send_to(&[0; 70_000], "127.0.0.1:9").unwrap_err()));
}

#[test]
fn a_descriptor_that_is_ready() {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(b"x").unwrap();
    until_another_ran(move || assert!(reader.wait_readable(None).unwrap()));
}

#[test]
fn a_descriptor_that_is_not_ready_and_not_waited_for() {
    let (reader, _writer) = pipe().unwrap();
    until_another_ran(move || assert!(!reader.wait_readable(Some(Duration::ZERO)).unwrap()));
}

#[test]
fn and_a_cancel_ends_it() {
    let (mut near, _far) = pair();
    near.set_nonblocking(true).unwrap();
    in_run(move || {
        let polling = sward::spawn(move || {
            loop {
                would_block(near.read(&mut [0; 8]))
            }
        });
        sward::yield_now();
        polling.cancel();
        assert!(matches!(polling.join(), Err::<(), _>(JoinError::Cancelled)));
    });
}
