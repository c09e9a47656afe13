//! Reading and writing, to the end and beyond.

use std::io::{IoSlice, IoSliceMut, Read, Write};

use super::tools::{TICK, pair, reset};
use super::{net, thread};
use crate::seen::Seen;
use net::Shutdown;
use net::{TcpListener, TcpStream};
use socket2::SockRef;

pub(crate) fn reading() -> Vec<String> {
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
    seen.result("nothing comes, an empty slice", near.read_vectored(&mut [IoSliceMut::new(&mut [])]));
    seen.result("exact", near.read_exact(&mut buf));
    near.set_read_timeout(None).unwrap();
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

pub(crate) fn writing() -> Vec<String> {
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

pub(crate) fn a_blocking_write_is_whole() -> Vec<String> {
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

pub(crate) fn broken_connections() -> Vec<String> {
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
    seen.result("error after reset", near.take_error().map(|e| e.map(|e| (e.kind(), e.raw_os_error()))));
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
