//! UDP, on a green thread and on a plain OS thread.

mod support;

use std::{io, sync::Arc};

use support::{in_run, net::on_both, until_parked};
use sward::{
    net::{Ipv4Addr, UdpSocket},
    time::Duration,
};

fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

on_both! {
    fn datagrams_are_answered() {
        let server = socket();
        let at = server.local_addr().unwrap();
        let serving = sward::spawn(move || {
            let mut buf = [0; 64];
            for _ in 0..100 {
                let (n, from) = server.recv_from(&mut buf).unwrap();
                server.send_to(&buf[..n], from).unwrap();
            }
        });
        let client = socket();
        client.connect(at).unwrap();
        for i in 0..100_u8 {
            client.send(&[i, i]).unwrap();
            let mut back = [0; 8];
            assert_eq!(client.recv(&mut back).unwrap(), 2);
            assert_eq!(back[0], i);
        }
        serving.join().unwrap();
    }

    fn a_peek_leaves_the_datagram_there() {
        let (a, b) = (socket(), socket());
        let at = a.local_addr().unwrap();
        let peeker = sward::spawn(move || {
            let mut buf = [0; 2];
            let peeked = a.peek_from(&mut buf).unwrap();
            assert_eq!((peeked.0, &buf), (2, b"ab"));
            let mut all = [0; 8];
            let got = a.recv_from(&mut all).unwrap();
            assert_eq!((got.0, &all[..3]), (3, &b"abc"[..]));
            assert_eq!(peeked.1, got.1);
        });
        until_parked(&peeker);
        b.send_to(b"abc", at).unwrap();
        peeker.join().unwrap();
    }

    fn an_empty_datagram_is_one() {
        let (a, b) = (socket(), socket());
        let at = a.local_addr().unwrap();
        let receiver = sward::spawn(move || a.recv(&mut [0; 8]).unwrap());
        until_parked(&receiver);
        b.send_to(&[], at).unwrap();
        assert_eq!(receiver.join().unwrap(), 0);
    }

    fn a_timeout_loses_nothing() {
        let (a, b) = (socket(), socket());
        a.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        for _ in 0..2 {
            assert_eq!(a.recv(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
        a.set_read_timeout(None).unwrap();
        b.send_to(b"late", a.local_addr().unwrap()).unwrap();
        assert_eq!(a.recv(&mut [0; 8]).unwrap(), 4);
    }

    fn an_error_that_is_over_does_not_keep_the_socket_ready() {
        let (a, b) = (socket(), socket());
        let at = b.local_addr().unwrap();
        a.connect(at).unwrap();
        let a = Arc::new(a);
        let receiver = || {
            let a = Arc::clone(&a);
            sward::spawn(move || a.recv(&mut [0; 8]))
        };
        let first = receiver();
        until_parked(&first);
        drop(b);
        a.send(b"to nobody").unwrap();
        assert_eq!(first.join().unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let second = receiver();
        until_parked(&second); // it does not spin
        let b = UdpSocket::bind(at).unwrap();
        b.send_to(b"again", a.local_addr().unwrap()).unwrap();
        assert_eq!(second.join().unwrap().unwrap(), 5);
    }

    fn many_receivers_share_a_socket() {
        let a = Arc::new(socket());
        let b = socket();
        let receivers: Vec<_> = (0..10)
            .map(|_| {
                let a = Arc::clone(&a);
                sward::spawn(move || {
                    let mut buf = [0; 4];
                    a.recv(&mut buf).map(|n| (n, buf[0])).unwrap()
                })
            })
            .collect();
        receivers.iter().for_each(until_parked);
        for i in 0..10 {
            b.send_to(&[i], a.local_addr().unwrap()).unwrap();
        }
        let mut got: Vec<_> = sward::join_all(receivers).into_iter().map(Result::unwrap).collect();
        got.sort();
        assert!(got.into_iter().eq((0..10).map(|i| (1, i))));
    }

    fn a_broadcast_needs_permission() {
        let a = UdpSocket::bind("0.0.0.0:0").unwrap();
        let everybody = (Ipv4Addr::new(127, 255, 255, 255), a.local_addr().unwrap().port());
        assert_eq!(a.send_to(b"x", everybody).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        a.set_broadcast(true).unwrap();
        a.send_to(b"all", everybody).unwrap();
        assert_eq!(a.recv(&mut [0; 8]).unwrap(), 3);
    }

    fn a_registered_socket_goes_to_std_and_comes_back() {
        let (a, b) = (socket(), socket());
        let at = a.local_addr().unwrap();
        a.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        a.recv(&mut [0; 8]).unwrap_err();
        let plain = std::net::UdpSocket::from(a);
        plain.set_read_timeout(None).unwrap();
        b.send_to(b"one", at).unwrap();
        assert_eq!(plain.recv(&mut [0; 8]).unwrap(), 3);
        let a = UdpSocket::from(plain);
        let receiver = sward::spawn(move || a.recv(&mut [0; 8]).unwrap());
        until_parked(&receiver);
        b.send_to(b"two!", at).unwrap();
        assert_eq!(receiver.join().unwrap(), 4);
    }
}

#[test]
fn a_flood_of_datagrams_is_sent_without_an_error() {
    in_run(|| {
        let (a, b) = (socket(), socket());
        let at = a.local_addr().unwrap();
        for _ in 0..5_000 {
            assert_eq!(b.send_to(&[0; 1400], at).unwrap(), 1400);
        }
    });
}
