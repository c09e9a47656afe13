//! One stream, used from several places: workers, OS threads, and where a green thread must not switch.

mod support;

use std::{
    io::{Read, Write},
    sync::{Arc, mpsc},
    time::Instant,
};

use support::{in_run, limit, net::pair, runtime, until_parked, watched};
use sward::net::TcpStream;

fn byte_of(mut stream: &TcpStream) -> u8 {
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    byte[0]
}

/// A stream that is registered with a worker, and not ready there; and its other end.
fn not_ready() -> (Arc<TcpStream>, TcpStream) {
    let (near, mut far) = pair();
    let near = Arc::new(near);
    let reading = sward::spawn({
        let near = Arc::clone(&near);
        move || (&*near).read(&mut [0; 8]).unwrap()
    });
    until_parked(&reading);
    far.write_all(b"x").unwrap();
    assert_eq!(reading.join().unwrap(), 1);
    (near, far)
}

#[test]
fn a_read_in_place_sees_what_its_own_poller_has_not_told() {
    in_run(|| {
        let (near, mut far) = not_ready();
        far.write_all(b"y").unwrap();
        assert_eq!(sward::on_big_stack(|| byte_of(&near)), b'y');
    });
}

#[test]
fn who_waits_is_not_held_up_by_the_worker_of_another_who_waited_before() {
    watched(|| {
        runtime(2).run(|| {
            let (near, mut far) = not_ready();
            let (sender, byte) = mpsc::channel();
            let reading = sward::spawn(move || sender.send(byte_of(&near)).unwrap());
            // The other worker takes it. This one does nothing else from here on.
            let start = Instant::now();
            while reading.status() != sward::Status::Parked {
                assert!(start.elapsed() < limit() / 2, "nobody takes it");
                std::thread::yield_now();
            }
            far.write_all(b"y").unwrap();
            assert_eq!(byte.recv_timeout(limit() / 4), Ok(b'y'), "it waits for this worker");
            reading.join().unwrap();
        });
    });
}
