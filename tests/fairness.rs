//! Nobody waits for long at a busy worker, whatever keeps it busy.

mod support;

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use support::{MS, limit, runtime, watched};
use sward::{Runtime, net::TcpListener, thread};

/// How long a byte is on its way to a green thread that waits for it, at the longest of some.
fn longest_wait(runtime: &Runtime, rounds: usize) -> Duration {
    let (mut here, there) = runtime.run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (here, listener.accept().unwrap().0)
    });
    let read = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&read);
    let reader = runtime.spawn(move || {
        let mut there = there;
        while there.read(&mut [0]).unwrap() == 1 {
            theirs.fetch_add(1, SeqCst);
        }
    });
    let mut longest = Duration::ZERO;
    for round in 1..=rounds {
        std::thread::sleep(10 * MS);
        let start = Instant::now();
        here.write_all(&[1]).unwrap();
        while read.load(SeqCst) < round {
            if start.elapsed() > limit() / 10 {
                return start.elapsed();
            }
            std::thread::sleep(MS);
        }
        longest = longest.max(start.elapsed());
    }
    drop(here);
    reader.join().unwrap();
    longest
}

/// They are fewer than the turns between two looks around, and some are due whenever nothing else is there to run.
#[test]
fn a_busy_clock_does_not_keep_descriptors_waiting() {
    watched(|| {
        let runtime = runtime(1);
        let stop = Arc::new(AtomicBool::new(false));
        let sleepers: Vec<_> = (0..30)
            .map(|_| {
                let stop = Arc::clone(&stop);
                runtime.spawn(move || {
                    while !stop.load(SeqCst) {
                        thread::sleep(Duration::from_micros(1));
                    }
                })
            })
            .collect();
        let longest = longest_wait(&runtime, 20);
        assert!(longest < limit() / 10, "a byte was on its way for {longest:?}");
        stop.store(true, SeqCst);
        sward::join_all(sleepers).into_iter().for_each(Result::unwrap);
    });
}
