//! One stream, used from several places: workers, OS threads, and where a green thread must not switch.

mod support;

use std::{
    io::{Read, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use support::{in_run, net::pair, runtime, until_parked, watched};
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
            let reading = sward::spawn(move || byte_of(&near));
            // The other worker takes it. This one does nothing else from here on.
            let start = Instant::now();
            let wait_for = |status| {
                while reading.status() != status {
                    assert!(start.elapsed() < Duration::from_secs(20), "it waits for this worker");
                    std::thread::sleep(Duration::from_millis(1));
                }
            };
            wait_for(sward::Status::Parked);
            far.write_all(b"y").unwrap();
            wait_for(sward::Status::Done);
            assert_eq!(reading.join().unwrap(), b'y');
        });
    });
}
