//! TCP connections, each test on a green thread and on a plain OS thread.

mod support;

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use socket2::SockRef;
use support::{
    in_run,
    net::{on_both, pair},
    until_parked, watched,
};
use sward::{
    net::{Incoming, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

fn serve_echo(listener: TcpListener) -> SocketAddr {
    let at = listener.local_addr().unwrap();
    sward::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            sward::spawn(move || io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    at
}

on_both! {
    fn a_stream_that_connected_is_in_blocking_mode_for_whoever_looks() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let connect = || TcpStream::connect(at).unwrap();
        assert!(!SockRef::from(&connect()).nonblocking().unwrap());
        assert!(!socket2::Socket::from(connect()).nonblocking().unwrap());
        let (stream, mut another) = (connect(), connect());
        let clone = stream.try_clone().unwrap();
        drop(stream);
        assert!(!socket2::Socket::from(clone).nonblocking().unwrap());
        // Nor does sward itself take it for one that must not wait.
        another.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let start = Instant::now();
        assert_eq!(another.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(start.elapsed() >= Duration::from_millis(1));
        another.set_nonblocking(true).unwrap();
        assert!(SockRef::from(&another).nonblocking().unwrap());
    }

    fn an_echo_comes_back() {
        let at = serve_echo(TcpListener::bind("127.0.0.1:0").unwrap());
        let mut stream = TcpStream::connect(at).unwrap();
        for i in 0..500_u32 {
            stream.write_all(&i.to_be_bytes()).unwrap();
            let mut back = [0; 4];
            stream.read_exact(&mut back).unwrap();
            assert_eq!(u32::from_be_bytes(back), i);
        }
    }

    fn a_half_closed_connection_carries_the_other_half() {
        let (mut near, mut far) = pair();
        let peer = sward::spawn(move || {
            let mut question = String::new();
            far.read_to_string(&mut question).unwrap();
            far.write_all(question.to_uppercase().as_bytes()).unwrap();
        });
        near.write_all(b"question").unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        near.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "QUESTION");
        peer.join().unwrap();
    }

    fn the_end_of_file_that_came_with_the_last_bytes_is_seen() {
        let (mut near, mut far) = pair();
        // Registered, and then short: from now on readiness is what the poller says.
        let peer = sward::spawn(move || {
            let mut buf = [0; 64];
            let n = far.read(&mut buf).unwrap();
            (far, n)
        });
        until_parked(&peer);
        near.write_all(b"first").unwrap();
        let (mut far, n) = peer.join().unwrap();
        assert_eq!(n, 5);
        near.write_all(b"last").unwrap();
        drop(near);
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"last");
        assert_eq!(far.read(&mut [0; 8]).unwrap(), 0);
    }

    fn both_directions_of_a_connection_work_at_once() {
        const LEN: usize = 4 << 20;
        let (near, far) = pair();
        let ends = [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)];
        let threads = ends.map(|(mut from, mut to)| {
            let reader = sward::spawn(move || {
                let mut all = vec![0; LEN];
                from.read_exact(&mut all).unwrap();
                all
            });
            let writer = sward::spawn(move || {
                let all: Vec<u8> = (0..LEN).map(|i| (i % 253) as u8).collect();
                to.write_all(&all).unwrap();
            });
            (reader, writer)
        });
        for (reader, writer) in threads {
            writer.join().unwrap();
            assert!(reader.join().unwrap().iter().enumerate().all(|(i, &byte)| byte == (i % 253) as u8));
        }
    }

    fn one_stream_is_read_and_written_by_reference() {
        let (near, far) = pair();
        let (near, far) = (Arc::new(near), Arc::new(far));
        let reader = sward::spawn({
            let near = Arc::clone(&near);
            move || {
                let mut buf = [0; 3];
                (&*near).read_exact(&mut buf).unwrap();
                buf
            }
        });
        until_parked(&reader);
        (&*near).write_all(b"out").unwrap();
        let mut buf = [0; 3];
        (&*far).read_exact(&mut buf).unwrap();
        (&*far).write_all(b"in!").unwrap();
        assert_eq!((&buf, &reader.join().unwrap()), (b"out", b"in!"));
    }

    fn many_may_wait_for_one_connection() {
        let (near, mut far) = pair();
        let near = Arc::new(near);
        let readers: Vec<_> = (0..20)
            .map(|_| {
                let near = Arc::clone(&near);
                sward::spawn(move || {
                    let mut byte = [0];
                    (&*near).read_exact(&mut byte).unwrap();
                    byte[0]
                })
            })
            .collect();
        readers.iter().for_each(until_parked);
        let sent: Vec<u8> = (0..20).collect();
        far.write_all(&sent).unwrap();
        let mut got: Vec<u8> = sward::join_all(readers).into_iter().map(Result::unwrap).collect();
        got.sort();
        assert_eq!(got, sent);
    }

    fn a_shutdown_wakes_who_waits_on_a_clone() {
        let (near, _far) = pair();
        let mut clone = near.try_clone().unwrap();
        let reader = sward::spawn(move || clone.read(&mut [0; 8]));
        until_parked(&reader);
        near.shutdown(Shutdown::Both).unwrap();
        drop(near);
        assert_eq!(reader.join().unwrap().unwrap(), 0);
    }

    fn a_closed_twin_leaves_who_waits_on_a_clone_alone() {
        let (near, mut far) = pair();
        let mut clone = near.try_clone().unwrap();
        let reader = sward::spawn(move || {
            let mut buf = [0; 2];
            clone.read_exact(&mut buf).map(|()| buf)
        });
        until_parked(&reader);
        drop(near);
        far.write_all(b"ok").unwrap();
        assert_eq!(&reader.join().unwrap().unwrap(), b"ok");
    }

    fn a_timeout_loses_nothing() {
        let (mut near, mut far) = pair();
        near.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut buf = [0; 8];
        for _ in 0..3 {
            let error = near.read(&mut buf).unwrap_err();
            assert_eq!((error.kind(), error.raw_os_error()), (io::ErrorKind::WouldBlock, Some(11)));
        }
        far.write_all(b"late").unwrap();
        near.set_read_timeout(None).unwrap();
        assert_eq!(near.read(&mut buf).unwrap(), 4);
        assert_eq!(&buf[..4], b"late");
    }

    fn urgent_data_does_not_hide_what_comes_after_it() {
        let (mut near, mut far) = pair();
        let reading = sward::spawn(move || {
            let mut all = [0; 11];
            far.read_exact(&mut all).map(|()| all)
        });
        until_parked(&reading);
        near.write_all(b"before").unwrap();
        SockRef::from(&near).send_out_of_band(b"!").unwrap();
        near.write_all(b"after").unwrap();
        // The connection stays open: no end of file wakes the reader.
        assert_eq!(&reading.join().unwrap().unwrap(), b"beforeafter");
    }

    fn a_timeout_set_on_a_clone_holds_for_the_other() {
        let (mut near, _far) = pair();
        near.try_clone().unwrap().set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        assert_eq!(near.read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    fn vectors_of_buffers_are_filled_and_sent_in_order() {
        let (mut near, mut far) = pair();
        let bytes: Vec<u8> = (0..200_000).map(|i| (i % 241) as u8).collect();
        let sent = bytes.clone();
        let writer = sward::spawn(move || {
            let mut slices: Vec<_> = sent.chunks(777).map(IoSlice::new).collect();
            let mut rest = &mut slices[..];
            while !rest.is_empty() {
                let n = near.write_vectored(rest).unwrap();
                IoSlice::advance_slices(&mut rest, n);
            }
        });
        let mut got = vec![0; bytes.len()];
        let mut slices: Vec<_> = got.chunks_mut(1234).map(IoSliceMut::new).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            let n = far.read_vectored(rest).unwrap();
            assert_ne!(n, 0);
            IoSliceMut::advance_slices(&mut rest, n);
        }
        assert!(got == bytes);
        writer.join().unwrap();
    }

    fn a_reset_wakes_who_reads_and_who_writes() {
        let (near, far) = pair();
        let mut clone = near.try_clone().unwrap();
        let reader = sward::spawn(move || clone.read(&mut [0; 8]).unwrap_err().kind());
        until_parked(&reader);
        SockRef::from(&far).set_linger(Some(Duration::ZERO)).unwrap();
        drop(far);
        assert_eq!(reader.join().unwrap(), io::ErrorKind::ConnectionReset);

        let (mut near, far) = pair();
        let writer = sward::spawn(move || near.write_all(&vec![0; 64 << 20]).unwrap_err().kind());
        until_parked(&writer);
        SockRef::from(&far).set_linger(Some(Duration::ZERO)).unwrap();
        drop(far);
        assert_eq!(writer.join().unwrap(), io::ErrorKind::ConnectionReset);
    }

    fn a_registered_stream_goes_to_std_and_comes_back() {
        let (mut near, mut far) = pair();
        let mut buf = [0; 4];
        // Registered, and known not to be ready.
        near.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        near.read(&mut buf).unwrap_err();
        near.set_read_timeout(None).unwrap();
        far.write_all(b"one!").unwrap();
        let mut plain = std::net::TcpStream::from(near);
        assert!(!SockRef::from(&plain).nonblocking().unwrap());
        plain.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"one!");
        let mut near = TcpStream::from(plain);
        let reader = sward::spawn(move || near.read_exact(&mut buf).map(|()| buf));
        until_parked(&reader);
        far.write_all(b"two!").unwrap();
        assert_eq!(&reader.join().unwrap().unwrap(), b"two!");
    }

    fn a_thousand_connections_are_open_at_once() {
        let at = serve_echo(TcpListener::bind("127.0.0.1:0").unwrap());
        let start = Arc::new(std::sync::Mutex::new(0_u32));
        let clients: Vec<_> = (0..1000_u32)
            .map(|i| {
                let start = Arc::clone(&start);
                sward::spawn(move || {
                    let mut stream = TcpStream::connect(at).unwrap();
                    *start.lock().unwrap() += 1;
                    while *start.lock().unwrap() < 1000 {
                        sward::yield_now();
                    }
                    let mut back = [0; 4];
                    stream.write_all(&i.to_be_bytes()).unwrap();
                    stream.read_exact(&mut back).unwrap();
                    u32::from_be_bytes(back)
                })
            })
            .collect();
        let got: Vec<_> = sward::join_all(clients).into_iter().map(Result::unwrap).collect();
        assert!(got.into_iter().eq(0..1000));
    }
}

#[test]
fn a_stream_outlives_the_runtimes_that_it_waits_in() {
    watched(|| {
        let (near, mut far) = pair();
        let near = Arc::new(near);
        for round in 0..5_u8 {
            let (near, sender) = (Arc::clone(&near), &mut far);
            let got = sward::run(|| {
                let reader = sward::spawn(move || {
                    let mut byte = [0];
                    (&*near).read_exact(&mut byte).unwrap();
                    byte[0]
                });
                until_parked(&reader);
                sender.write_all(&[round]).unwrap();
                reader.join().unwrap()
            });
            assert_eq!(got, round);
        }
        far.write_all(b"!").unwrap();
        assert_eq!((&*near).read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn who_waits_in_a_living_runtime_outlives_the_one_that_the_stream_was_registered_with() {
    watched(|| {
        let (near, mut far) = pair();
        let near = Arc::new(near);
        let first = support::runtime(1);
        // It registers the stream, and is cancelled.
        let there = Arc::clone(&near);
        until_parked(&first.spawn(move || (&*there).read(&mut [0; 1]).map(drop)));
        let reader = sward::spawn({
            let near = Arc::clone(&near);
            move || {
                let mut byte = [0];
                (&*near).read_exact(&mut byte).map(|()| byte[0])
            }
        });
        until_parked(&reader);
        drop(first);
        far.write_all(&[42]).unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 42);
    });
}

#[test]
fn a_busy_connection_lets_the_others_run() {
    in_run(|| {
        let (mut near, mut far) = pair();
        let seen = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let other = sward::spawn({
            let seen = Arc::clone(&seen);
            move || seen.store(true, std::sync::atomic::Ordering::Relaxed)
        });
        // Never has to wait.
        let mut byte = [0];
        while !seen.load(std::sync::atomic::Ordering::Relaxed) {
            near.write_all(&byte).unwrap();
            far.read_exact(&mut byte).unwrap();
        }
        other.join().unwrap();
    });
}

#[test]
fn the_types_are_send_and_sync_and_unwind_safe_as_those_of_std() {
    fn all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    all::<TcpStream>();
    all::<TcpListener>();
    all::<UdpSocket>();
    all::<Incoming<'_>>();
}
