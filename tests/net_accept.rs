//! Listeners: who gets which connection, in which mode, and what happens when there are no descriptors left.

mod support;

use std::{
    collections::HashSet,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time,
};

use socket2::SockRef;
use support::{Child, in_run, net::listener, runtime, until_parked, watched};
use sward::{
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

#[test]
fn many_acceptors_of_one_listener_on_two_workers_get_each_connection_once() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            let (listener, at) = listener();
            let listener = Arc::new(listener);
            let acceptors: Vec<_> = (0..16)
                .map(|i| {
                    // Half of them have descriptors of their own.
                    let mine = if i % 2 == 0 {
                        Arc::clone(&listener)
                    } else {
                        Arc::new(listener.try_clone().unwrap())
                    };
                    sward::spawn(move || -> Vec<u32> {
                        let mut got = Vec::new();
                        loop {
                            let (mut stream, _) = mine.accept().unwrap();
                            let mut number = [0; 4];
                            stream.read_exact(&mut number).unwrap();
                            match u32::from_be_bytes(number) {
                                u32::MAX => return got,
                                number => got.push(number),
                            }
                        }
                    })
                })
                .collect();
            acceptors.iter().for_each(until_parked);
            for number in (0..400).chain([u32::MAX; 16]) {
                TcpStream::connect(at).unwrap().write_all(&number.to_be_bytes()).unwrap();
            }
            let got = sward::join_all(acceptors).into_iter().flat_map(Result::unwrap);
            let mut got: Vec<_> = got.collect();
            got.sort();
            assert!(got.into_iter().eq(0..400));
        });
    });
}

/// An accept that another handle of the same socket may turn into a blocking one must not hold up the worker.
#[test]
fn an_accept_does_not_block_the_worker_whatever_mode_others_set() {
    fn others_run_while_it_waits(listener: TcpListener, at: SocketAddr) -> TcpListener {
        for _ in 0..2 {
            let acceptor = sward::spawn({
                let listener = listener.try_clone().unwrap();
                move || listener.accept().unwrap()
            });
            until_parked(&acceptor);
            drop(TcpStream::connect(at).unwrap());
            acceptor.join().unwrap();
        }
        listener
    }
    in_run(|| {
        let (listener, at) = listener();
        let listener = others_run_while_it_waits(listener, at);
        SockRef::from(&listener).set_nonblocking(false).unwrap();
        let listener = others_run_while_it_waits(listener, at);
        let plain = std::net::TcpListener::from(listener.try_clone().unwrap());
        plain.set_nonblocking(false).unwrap();
        let listener = others_run_while_it_waits(listener, at);
        let twin: OwnedFd = listener.as_fd().try_clone_to_owned().unwrap();
        let listener = others_run_while_it_waits(TcpListener::from(plain), at);
        SockRef::from(&twin).set_nonblocking(false).unwrap();
        others_run_while_it_waits(listener, at);
    });
}

#[test]
fn the_mode_of_a_listener_is_the_users_when_it_leaves_and_comes_back() {
    let check = || {
        let (listener, at) = listener();
        let plain = std::net::TcpListener::from(listener);
        assert!(!SockRef::from(&plain).nonblocking().unwrap());
        plain.set_nonblocking(true).unwrap();
        let listener = TcpListener::from(plain);
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let plain = std::net::TcpListener::from(listener);
        assert_eq!(plain.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let listener = TcpListener::from(plain);
        listener.set_nonblocking(false).unwrap();
        let acceptor = sward::spawn(move || listener.accept().map(drop));
        until_parked(&acceptor);
        drop(TcpStream::connect(at).unwrap());
        acceptor.join().unwrap().unwrap();
    };
    in_run(check);
    watched(check);
}

#[test]
fn incoming_gives_one_connection_after_the_other() {
    let check = || {
        let (listener, at) = listener();
        let clients =
            sward::spawn(move || (0..10).map(|_| TcpStream::connect(at).unwrap()).collect::<Vec<_>>());
        let ports: HashSet<_> =
            listener.incoming().take(10).map(|stream| stream.unwrap().peer_addr().unwrap()).collect();
        let clients: HashSet<_> = clients.join().unwrap().iter().map(|c| c.local_addr().unwrap()).collect();
        assert_eq!(ports, clients);
    };
    in_run(check);
    watched(check);
}

#[test]
fn a_connection_that_was_reset_before_its_accept_is_accepted_and_reset() {
    in_run(|| {
        let (listener, at) = listener();
        let gone = TcpStream::connect(at).unwrap();
        SockRef::from(&gone).set_linger(Some(Duration::ZERO)).unwrap();
        drop(gone);
        let (mut stream, _) = listener.accept().unwrap();
        assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn without_descriptors_an_accept_fails_slowly_and_recovers() {
    let child = Child::of("without_descriptors_an_accept_fails_slowly_and_recovers").run(|| {
        // What opens lazily is open now.
        sward::run(|| drop(sward::thread::current()));
        rlimit::Resource::NOFILE.set(64, 64).unwrap();

        let use_up = || -> Vec<OwnedFd> {
            let open = || std::fs::File::open("/dev/null").map(OwnedFd::from);
            std::iter::from_fn(|| open().ok()).collect()
        };
        let check = |elapsed: &dyn Fn(&TcpListener) -> time::Duration| {
            let (listener, at) = listener();
            let _client = TcpStream::connect(at).unwrap();
            let hoard = use_up();
            for _ in 0..5 {
                let waited = elapsed(&listener);
                assert!(waited >= time::Duration::from_millis(10), "{waited:?}");
            }
            listener.set_nonblocking(true).unwrap();
            assert_eq!(listener.accept().unwrap_err().raw_os_error(), Some(24));
            listener.set_nonblocking(false).unwrap();
            drop(hoard);
            listener.accept().unwrap();
        };
        fn fail(listener: &TcpListener) {
            let error = listener.accept().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(24), "{error}"); // EMFILE
        }
        sward::Runtime::builder().virtual_clock(true).run(|| {
            check(&|listener| {
                let start = Instant::now();
                fail(listener);
                start.elapsed()
            });
        });
        check(&|listener| {
            let start = time::Instant::now();
            fail(listener);
            start.elapsed()
        });
    });
    child.is_well();
}
