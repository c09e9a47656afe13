//! What happens to one thread's socket while it waits: others change it, close a clone of it, or break it.

use std::{
    io::{Read, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use super::tools::{TICK, outlast_a_tick, pair, reset};
use super::{net, thread, waiter};
use crate::seen::Seen;
use net::{Shutdown, TcpListener, TcpStream, UdpSocket};

/// A reader that waits, a clone of its stream, and the other end.
fn reader() -> (thread::JoinHandle<std::io::Result<usize>>, TcpStream, TcpStream) {
    let (near, far) = pair();
    let mut clone = near.try_clone().unwrap();
    (waiter(move || clone.read(&mut [0; 8])), near, far)
}

pub(crate) fn changed_while_it_waits() -> Vec<String> {
    let mut seen = Seen::default();
    let (reading, near, mut far) = reader();
    near.set_nonblocking(true).unwrap();
    far.write_all(b"abc").unwrap();
    seen.result("made non-blocking meanwhile", reading.join().unwrap());
    let (reading, near, mut far) = reader();
    near.set_read_timeout(TICK).unwrap();
    outlast_a_tick();
    far.write_all(b"abc").unwrap();
    seen.result("a timeout set meanwhile", reading.join().unwrap());
    let (reading, near, mut far) = reader();
    drop(near);
    far.write_all(b"abc").unwrap();
    seen.result("a clone closed meanwhile", reading.join().unwrap());
    for how in [Shutdown::Read, Shutdown::Both] {
        let (reading, near, _far) = reader();
        near.shutdown(how).unwrap();
        seen.result("shut down meanwhile", reading.join().unwrap());
    }
    let (reading, near, mut far) = reader();
    near.shutdown(Shutdown::Write).unwrap();
    seen.result("the other end", far.read(&mut [0; 8]));
    far.write_all(b"abc").unwrap();
    seen.result("half of it shut down meanwhile", reading.join().unwrap());
    let (reading, _near, far) = reader();
    far.shutdown(Shutdown::Write).unwrap();
    seen.result("the end", reading.join().unwrap());
    let (reading, _near, far) = reader();
    reset(far);
    seen.result("reset meanwhile", reading.join().unwrap());
    let (reading, near, far) = reader();
    reset(far);
    let first = reading.join().unwrap();
    seen.result("who waits meets the reset", first);
    seen.result("and takes it", near.take_error().map(|e| e.map(|e| e.kind())));
    seen.0
}

pub(crate) fn written_while_it_waits() -> Vec<String> {
    let mut seen = Seen::default();
    let big = Arc::new(vec![1_u8; 16 << 20]);
    for how in [Shutdown::Write, Shutdown::Both] {
        let (near, _far) = pair();
        let (mut clone, big) = (near.try_clone().unwrap(), Arc::clone(&big));
        let writing = waiter(move || (clone.write(&big).is_ok_and(|n| n > 0), clone.write(b"x")));
        near.shutdown(how).unwrap();
        let (part, then) = writing.join().unwrap();
        seen.note("a part", part);
        seen.result("then", then);
    }
    let (near, mut far) = pair();
    let (mut clone, all) = (near.try_clone().unwrap(), Arc::clone(&big));
    let writing = waiter(move || clone.write(&all));
    near.set_nonblocking(true).unwrap();
    near.set_write_timeout(TICK).unwrap();
    drop(near);
    outlast_a_tick();
    seen.result("all of it", far.read_to_end(&mut Vec::new()));
    seen.result("made non-blocking meanwhile", writing.join().unwrap());
    seen.0
}

pub(crate) fn accepting_while_it_waits() -> Vec<String> {
    let mut seen = Seen::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let clone = listener.try_clone().unwrap();
    let accepting = waiter(move || clone.accept().map(drop));
    listener.set_nonblocking(true).unwrap();
    let _client = TcpStream::connect(at).unwrap();
    seen.result("made non-blocking meanwhile", accepting.join().unwrap());
    listener.set_nonblocking(false).unwrap();
    let clone = listener.try_clone().unwrap();
    let accepting = waiter(move || clone.accept().map(drop));
    drop(listener);
    let _client = TcpStream::connect(at).unwrap();
    seen.result("a clone closed meanwhile", accepting.join().unwrap());
    seen.result("all closed", TcpStream::connect(at).map(drop));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let clone = listener.try_clone().unwrap();
    let accepting = waiter(move || clone.accept().map(drop));
    socket2::SockRef::from(&listener).shutdown(std::net::Shutdown::Both).unwrap();
    seen.result("shut down meanwhile", accepting.join().unwrap());
    seen.result("and after", listener.accept().map(drop));
    seen.0
}

pub(crate) fn receiving_while_it_waits() -> Vec<String> {
    let mut seen = Seen::default();
    let a = UdpSocket::bind("127.0.0.1:0").unwrap();
    let b = UdpSocket::bind("127.0.0.1:0").unwrap();
    a.connect(b.local_addr().unwrap()).unwrap();
    drop(b);
    let clone = a.try_clone().unwrap();
    let receiving = waiter(move || clone.recv(&mut [0; 8]));
    a.send(b"x").unwrap();
    seen.result("refused meanwhile", receiving.join().unwrap());
    let clone = a.try_clone().unwrap();
    let receiving = waiter(move || clone.recv_from(&mut [0; 2]).map(|(n, _)| n));
    a.set_nonblocking(true).unwrap();
    let b = UdpSocket::bind(a.peer_addr().unwrap()).unwrap();
    b.send_to(b"abc", a.local_addr().unwrap()).unwrap();
    seen.result("cut off", receiving.join().unwrap());
    a.set_nonblocking(false).unwrap();
    a.set_read_timeout(TICK).unwrap();
    let start = Instant::now();
    seen.result("the rest is gone", a.recv(&mut [0; 8]));
    seen.note("in time", start.elapsed() >= Duration::from_millis(19));
    let c = UdpSocket::bind("127.0.0.1:0").unwrap();
    a.set_read_timeout(None).unwrap();
    let clone = a.try_clone().unwrap();
    let receiving = waiter(move || clone.recv(&mut [0; 8]));
    a.connect(c.local_addr().unwrap()).unwrap();
    c.send_to(b"from c", a.local_addr().unwrap()).unwrap();
    seen.result("connected to another meanwhile", receiving.join().unwrap());
    seen.0
}
