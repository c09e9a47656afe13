//! A program that is built with `-C panic=abort`, and checks that a cancel never aborts it: it marks the green thread, IO
//! fails with `ECANCELED`, other parks are not cut short, and closing a runtime gives up what is parked.
//!
//! ```text
//! RUSTFLAGS="-C panic=abort" CARGO_TARGET_DIR=target/abort cargo run -p panic-abort
//! ```

use std::{
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sward::{
    Status,
    event::Event,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

fn main() {
    if cfg!(panic = "unwind") {
        println!("built to unwind: nothing to check; see the head of the source");
        return;
    }
    io_fails_when_cancelled();
    other_parks_are_not_cut_short();
    what_is_parked_at_the_end_is_given_up();
    who_was_given_up_in_line_is_left_alone();
    a_scope_is_not_left_while_what_it_lends_is_in_use();
    pending_ones_never_run();
    println!("6 passed, 0 failed");
}

fn io_fails_when_cancelled() {
    sward::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let reader = sward::spawn(move || stream.read(&mut [0; 1]).map_err(|error| error.raw_os_error()));
        while reader.status() != Status::Parked {
            sward::yield_now();
        }
        reader.cancel();
        const ECANCELED: i32 = 125; // on Linux
        assert_eq!(reader.join().unwrap(), Err(Some(ECANCELED)));
    });
}

fn other_parks_are_not_cut_short() {
    sward::Runtime::builder().virtual_clock(true).run(|| {
        let start = sward::time::Instant::now();
        let sleeper = sward::spawn(move || {
            sward::sleep(Duration::from_secs(3600));
            (sward::cancelled(), start.elapsed())
        });
        sward::yield_now();
        sleeper.cancel();
        assert_eq!(sleeper.join().unwrap(), (true, Duration::from_secs(3600)));
        let slow = sward::timeout(Duration::from_secs(1), || sward::sleep(Duration::from_secs(5)));
        assert!(slow.is_ok(), "a timeout cannot unwind either");
    });
}

fn what_is_parked_at_the_end_is_given_up() {
    let parked = sward::run(|| {
        let parked = sward::spawn(|| sward::sleep(Duration::MAX));
        sward::yield_now();
        parked
    });
    assert!(parked.join().unwrap_err().is_cancelled());
}

/// What they wait for outlives their runtime, and so their tasks.
fn who_was_given_up_in_line_is_left_alone() {
    let (event, semaphore) = (Arc::new(Event::new()), Arc::new(Semaphore::new(0)));
    let waiters = sward::run(|| {
        let (theirs, others) = (event.clone(), semaphore.clone());
        let waiters = [sward::spawn(move || theirs.wait()), sward::spawn(move || drop(others.acquire()))];
        sward::yield_now();
        waiters
    });
    for waiter in waiters {
        assert!(waiter.join().unwrap_err().is_cancelled());
    }
    event.set();
    semaphore.add_permits(1);
}

/// A child that is given up has lent on what it borrows, to the pool of `blocking`: its parent must not run on.
fn a_scope_is_not_left_while_what_it_lends_is_in_use() {
    static GO: Event = Event::new();
    static LENT: Event = Event::new();
    static LET_GO: Event = Event::new();
    static GONE: AtomicBool = AtomicBool::new(false);

    struct Lent;
    impl Drop for Lent {
        fn drop(&mut self) {
            GONE.store(true, Ordering::Relaxed);
        }
    }

    sward::run(|| {
        // The child gets the place of this one, before its parent's.
        let first = sward::spawn(sward::yield_now);
        sward::spawn(|| {
            GO.wait();
            let lent = Lent;
            sward::scope(|s| {
                s.spawn(|| {
                    sward::blocking(|| {
                        let _used = &lent;
                        LENT.set();
                        LET_GO.wait();
                    });
                });
            });
        });
        first.join().unwrap();
        GO.set();
        LENT.wait();
    });
    assert!(!GONE.load(Ordering::Relaxed), "it is gone, and still in use");
    LET_GO.set();
}

fn pending_ones_never_run() {
    static RAN: AtomicBool = AtomicBool::new(false);
    sward::run(|| {
        let pending = sward::spawn(|| RAN.store(true, Ordering::Relaxed));
        pending.cancel();
        assert!(pending.join().unwrap_err().is_cancelled());
    });
    assert!(!RAN.load(Ordering::Relaxed));
}
