//! On which OS thread, and what comes from another.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
};

use crate::support::{in_run, message_of_panic, runtime, watched};
use sward::thread::{self, Builder};

#[test]
fn a_local_green_thread_shares_an_rc_with_its_spawner_and_returns_one() {
    in_run(|| {
        let shared = Rc::new(Cell::new(1));
        let theirs = Rc::clone(&shared);
        let back = sward::spawn_local(move || {
            theirs.set(2);
            thread::yield_now();
            theirs
        });
        assert!(Rc::ptr_eq(&back.join().unwrap(), &shared));
        assert_eq!((shared.get(), Rc::strong_count(&shared)), (2, 1));
    });
}

#[test]
fn a_local_green_thread_stays_on_its_os_thread() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            let here = std::thread::current().id();
            let handles: Vec<_> =
                (0..100).map(|_| sward::spawn_local(|| std::thread::current().id())).collect();
            for handle in handles {
                assert_eq!(handle.join().unwrap(), here);
            }
        });
    });
}

#[test]
fn a_started_green_thread_stays_on_its_os_thread() {
    watched(|| {
        let runtime = runtime(2);
        let handles: Vec<_> = (0..100)
            .map(|_| {
                runtime.spawn(|| {
                    let here = std::thread::current().id();
                    (0..100).all(|_| {
                        thread::yield_now();
                        std::thread::current().id() == here
                    })
                })
            })
            .collect();
        assert!(sward::join_all(handles).into_iter().all(Result::unwrap));
    });
}

#[test]
fn a_local_spawn_on_a_plain_os_thread_panics_and_says_what_it_needs() {
    let message = message_of_panic(|| sward::spawn_local(|| ()));
    assert!(message.contains("spawn_local needs a worker"), "{message}");
    let message = message_of_panic(|| Builder::new().spawn_local(|| ()));
    assert!(message.contains("spawn_local needs a worker"), "{message}");
}

#[test]
fn a_channel_of_stds_between_green_threads_of_different_workers_delivers_all() {
    watched(|| {
        let runtime = runtime(2);
        let (sender, receiver) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let reader = {
            let stop = Arc::clone(&stop);
            runtime.spawn(move || {
                let mut sum = 0;
                loop {
                    match receiver.try_recv() {
                        Ok(number) => sum += number,
                        Err(mpsc::TryRecvError::Empty) if !stop.load(SeqCst) => thread::yield_now(),
                        Err(_) => return sum + receiver.try_iter().sum::<u64>(),
                    }
                }
            })
        };
        let writers: Vec<_> = (0..10)
            .map(|_| {
                let sender = sender.clone();
                runtime.spawn(move || (1..=100_u64).for_each(|i| sender.send(i).unwrap()))
            })
            .collect();
        sward::join_all(writers).into_iter().for_each(Result::unwrap);
        stop.store(true, SeqCst);
        assert_eq!(reader.join().unwrap(), 50_500);
    });
}
