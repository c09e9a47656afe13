//! Nobody waits for long at a busy worker, whatever keeps it busy.

mod support;

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

use support::{limit, runtime, until_parked, watched};
use sward::{Runtime, net::TcpListener, thread};

/// How long a byte is on its way to a green thread that waits for it, at the longest of some.
fn longest_wait(runtime: &Runtime, rounds: usize) -> Duration {
    let (mut here, there) = runtime.run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (here, listener.accept().unwrap().0)
    });
    let (sender, read) = mpsc::channel();
    let reader = runtime.spawn(move || {
        let mut there = there;
        while there.read(&mut [0]).unwrap() == 1 {
            sender.send(()).unwrap();
        }
    });
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        until_parked(&reader);
        let start = Instant::now();
        here.write_all(&[1]).unwrap();
        let arrived = read.recv_timeout(limit() / 10);
        longest = longest.max(start.elapsed());
        if arrived.is_err() {
            return longest;
        }
    }
    drop(here);
    reader.join().unwrap();
    longest
}

/// A byte arrives soon at a worker where so many green threads sleep for a microsecond, again and again.
fn arrives_beside(sleepers: usize) {
    watched(move || {
        let runtime = runtime(1);
        let stop = Arc::new(AtomicBool::new(false));
        let sleepers: Vec<_> = (0..sleepers)
            .map(|_| {
                let stop = Arc::clone(&stop);
                runtime.spawn(move || {
                    while !stop.load(SeqCst) {
                        thread::sleep(Duration::from_micros(1));
                    }
                })
            })
            .collect();
        let longest = longest_wait(&runtime, 100);
        assert!(longest < limit() / 10, "a byte was on its way for {longest:?}");
        stop.store(true, SeqCst);
        sward::join_all(sleepers).into_iter().for_each(Result::unwrap);
    });
}

/// They are fewer than the turns between two looks around, and some are due whenever nothing else is there to run.
#[test]
fn a_busy_clock_does_not_keep_descriptors_waiting() {
    arrives_beside(30);
}

/// They are more, and always some hundreds are due and have not run yet.
#[test]
fn nor_does_a_clock_that_is_never_through() {
    arrives_beside(500);
}
