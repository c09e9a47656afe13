//! `park` and `unpark`.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::support::{in_run, in_virtual_time, runtime, watched};
use sward::thread::{self};

#[test]
fn an_unpark_before_the_park_is_not_lost() {
    in_run(|| {
        thread::current().unpark();
        thread::park();
    });
}

#[test]
fn an_unpark_of_a_pending_green_thread_is_not_lost() {
    in_run(|| {
        let handle = sward::spawn(thread::park);
        handle.thread().unpark();
        handle.join().unwrap();
    });
}

#[test]
fn an_unpark_wakes_what_is_parked() {
    in_run(|| {
        let handle = sward::spawn(thread::park);
        while handle.status() != sward::Status::Parked {
            thread::yield_now();
        }
        handle.thread().unpark();
        handle.join().unwrap();
    });
}

#[test]
fn two_unparks_before_a_park_are_one() {
    in_virtual_time(|| {
        thread::current().unpark();
        thread::current().unpark();
        thread::park();
        let start = sward::time::Instant::now();
        thread::park_timeout(Duration::from_secs(5));
        assert_eq!(start.elapsed(), Duration::from_secs(5), "the second token was no token");
    });
}

#[test]
fn a_park_with_a_timeout_ends_at_the_timeout() {
    in_virtual_time(|| {
        let start = sward::time::Instant::now();
        thread::park_timeout(Duration::from_secs(3600));
        assert_eq!(start.elapsed(), Duration::from_secs(3600));
    });
}

#[test]
fn a_park_with_a_timeout_ends_at_the_unpark() {
    in_virtual_time(|| {
        let main = thread::current();
        sward::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            main.unpark();
        });
        let start = sward::time::Instant::now();
        thread::park_timeout(Duration::from_secs(3600));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    });
}

#[test]
fn an_unpark_does_not_end_a_sleep_and_keeps_for_the_next_park() {
    in_virtual_time(|| {
        let main = thread::current();
        sward::spawn(move || main.unpark());
        let start = sward::time::Instant::now();
        thread::sleep(Duration::from_secs(1));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        thread::park_timeout(Duration::from_secs(1));
        assert_eq!(start.elapsed(), Duration::from_secs(1), "the token was there");
    });
}

#[test]
fn an_unpark_does_not_end_a_join_and_keeps_for_the_next_park() {
    in_virtual_time(|| {
        let main = thread::current();
        let handle = sward::spawn(move || {
            main.unpark();
            thread::sleep(Duration::from_secs(1));
        });
        handle.join().unwrap();
        let start = sward::time::Instant::now();
        thread::park();
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn an_unpark_of_what_has_ended_does_nothing() {
    in_run(|| {
        let handle = sward::spawn(thread::current);
        let gone = handle.join().unwrap();
        gone.unpark();
        // Its slot is another's now, who must not get the token.
        let next = sward::spawn(thread::park);
        thread::yield_now();
        gone.unpark();
        thread::yield_now();
        assert_eq!(next.status(), sward::Status::Parked);
        next.thread().unpark();
        next.join().unwrap();
    });
}

#[test]
fn a_hundred_thousand_unparks_wake_a_hundred_thousand_parks_across_workers() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            const ROUNDS: usize = 100_000;
            let turn = Arc::new(AtomicUsize::new(0));
            let theirs = Arc::clone(&turn);
            let main = thread::current();
            let peer = sward::spawn(move || {
                for round in 0..ROUNDS {
                    while theirs.load(SeqCst) != 2 * round + 1 {
                        thread::park();
                    }
                    theirs.store(2 * round + 2, SeqCst);
                    main.unpark();
                }
            });
            for round in 0..ROUNDS {
                turn.store(2 * round + 1, SeqCst);
                peer.thread().unpark();
                while turn.load(SeqCst) != 2 * round + 2 {
                    thread::park();
                }
            }
            peer.join().unwrap();
        });
    });
}

#[test]
fn an_unpark_by_an_os_thread_keeps_while_its_target_runs() {
    watched(|| {
        let meet = Arc::new(Barrier::new(2));
        let theirs = Arc::clone(&meet);
        sward::run(move || {
            let main = thread::current();
            let other = std::thread::spawn(move || {
                theirs.wait();
                main.unpark();
                theirs.wait();
            });
            // Blocks the worker: it looks into no inbox between the two.
            meet.wait();
            meet.wait();
            thread::park();
            other.join().unwrap();
            // It came by the inbox as well, and must not count twice.
            thread::yield_now();
            let limit = Duration::from_millis(1);
            let start = std::time::Instant::now();
            thread::park_timeout(limit);
            assert!(start.elapsed() >= limit, "there was a second token");
        });
    });
}

#[test]
fn unparks_by_os_threads_meet_the_end_of_their_target() {
    watched(|| {
        const WAKERS: usize = 2;
        let runtime = runtime(1);
        let (threads, wakers): (Vec<_>, Vec<_>) = (0..WAKERS)
            .map(|_| {
                let (send, receive) = std::sync::mpsc::channel::<thread::Thread>();
                let waker = std::thread::spawn(move || {
                    for thread in receive {
                        thread.unpark();
                        thread.unpark();
                    }
                });
                (send, waker)
            })
            .unzip();
        for _ in 0..3_000 {
            // The first of four ends it, and the others find it running, ending, ended or gone.
            let parked = runtime.spawn(thread::park);
            threads.iter().for_each(|send| send.send(parked.thread().clone()).unwrap());
            parked.join().unwrap();
        }
        drop(threads);
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
    });
}
