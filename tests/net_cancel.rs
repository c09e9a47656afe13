//! Cancelled while it waits for a socket, a green thread unwinds, and what it owned is closed.

mod support;

use std::{
    fs,
    io::{self, Read, Write},
};

use socket2::{Domain, Socket, Type};
use support::{Child, Drops, in_run, net::listener, until_parked};
use sward::{
    JoinError, JoinHandle,
    net::{SocketAddr, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

/// A listener whose queue is full: a connect to it hangs.
fn clogged() -> (Socket, TcpStream, SocketAddr) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let at = listener.local_addr().unwrap().as_socket().unwrap();
    let first = TcpStream::connect(at).unwrap();
    (listener, first, at)
}

/// Spawns `f` with a guard on its stack, and cancels it when it waits.
fn cancel_in_wait<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) {
    let drops = Drops::new();
    let waiting: JoinHandle<T> = sward::spawn(drops.held(f));
    until_parked(&waiting);
    waiting.cancel();
    assert!(matches!(waiting.join(), Err(JoinError::Cancelled)));
    assert_eq!(drops.count(), 1);
}

#[test]
fn cancelled_in_a_read_it_closes_its_stream() {
    in_run(|| {
        let (listener, at) = listener();
        let mut near = TcpStream::connect(at).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        cancel_in_wait(move || far.read(&mut [0; 8]));
        assert_eq!(near.read(&mut [0; 8]).unwrap(), 0);
    });
}

#[test]
fn cancelled_in_an_accept_it_closes_its_listener() {
    in_run(|| {
        let (listener, at) = listener();
        cancel_in_wait(move || listener.accept());
        let refused = || TcpStream::connect(at).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        // A child that another test starts just now has a copy of the descriptor until it has become its own program.
        while !refused() {
            thread::yield_now();
        }
    });
}

#[test]
fn no_descriptor_is_left_behind() {
    let child = Child::of("no_descriptor_is_left_behind").run(|| {
        let open = || fs::read_dir("/proc/self/fd").unwrap().count();
        sward::run(|| {
            let (listener, at) = listener();
            let (_clogged, _first, clogged_at) = clogged();
            let before = open();
            for _ in 0..20 {
                cancel_in_wait(move || TcpStream::connect(clogged_at));
                cancel_in_wait(move || TcpStream::connect_timeout(&clogged_at, Duration::from_secs(60)));
                TcpStream::connect_timeout(&clogged_at, Duration::from_millis(1)).unwrap_err();
                cancel_in_wait(move || UdpSocket::bind("127.0.0.1:0").unwrap().recv(&mut [0; 8]));
                let mut near = TcpStream::connect(at).unwrap();
                let _far = listener.accept().unwrap();
                cancel_in_wait(move || near.write_all(&vec![0; 64 << 20]));
                let twin = listener.try_clone().unwrap();
                cancel_in_wait(move || twin.accept());
            }
            assert_eq!(open(), before);
        });
    });
    child.is_well();
}

#[test]
fn the_end_of_a_run_ends_what_waits() {
    let drops = Drops::new();
    let guard = drops.guard();
    let mut near = in_run(move || {
        let (listener, at) = listener();
        let near = TcpStream::connect(at).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let waiting = sward::spawn(move || {
            let _guard = guard;
            far.read(&mut [0; 8])
        });
        until_parked(&waiting);
        near
    });
    assert_eq!(drops.count(), 1);
    assert_eq!(near.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn a_stream_keeps_no_descriptor_of_a_runtime_that_is_gone() {
    let child = Child::of("a_stream_keeps_no_descriptor_of_a_runtime_that_is_gone").run(|| {
        let open = || fs::read_dir("/proc/self/fd").unwrap().count();
        let (listener, at) = listener();
        let mut near = TcpStream::connect(at).unwrap();
        let far = std::sync::Arc::new(listener.accept().unwrap().0);
        let mut before = 0;
        for round in 0..10 {
            sward::run(|| {
                let far = std::sync::Arc::clone(&far);
                let waiting = sward::spawn(move || (&*far).read(&mut [0; 1]));
                until_parked(&waiting);
                near.write_all(&[round]).unwrap();
                assert_eq!(waiting.join().unwrap().unwrap(), 1);
            });
            match round {
                0 => before = open(),
                _ => assert_eq!(open(), before, "after round {round}"),
            }
        }
    });
    child.is_well();
}
