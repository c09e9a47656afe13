//! One stream, used from several places: workers, OS threads, and where a green thread must not switch.

mod support;

use std::{
    io::{Read, Write},
    sync::Arc,
};

use support::{in_run, net::pair, until_parked};
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
