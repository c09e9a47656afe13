//! What outlives a runtime.

use std::time::Duration;

use crate::support::{Drops, runtime, watched};
use sward::{Status, thread};

#[test]
fn a_handle_that_outlives_its_runtime_spawns_what_is_cancelled() {
    watched(|| {
        let runtime = runtime(2);
        let handle = runtime.handle();
        assert_eq!(handle.spawn(|| 1).join().unwrap(), 1);
        runtime.shutdown(Duration::from_secs(30)).unwrap();
        let drops = Drops::new();
        for _ in 0..10 {
            let guard = drops.guard();
            let late = handle.spawn(move || drop(guard));
            assert_eq!(late.status(), Status::Cancelled);
            assert!(late.join().unwrap_err().is_cancelled());
        }
        assert_eq!(drops.count(), 10);
        assert_eq!(handle.metrics().live, [0, 0]);
    });
}

#[test]
fn spawns_that_race_with_the_shutdown_all_end() {
    watched(|| {
        for _ in 0..200 {
            let runtime = runtime(2);
            let handle = runtime.handle();
            let spawner =
                std::thread::spawn(move || (0..200).map(|i| handle.spawn(move || i)).collect::<Vec<_>>());
            drop(runtime);
            for (i, result) in sward::join_all(spawner.join().unwrap()).into_iter().enumerate() {
                assert!(result.map_or_else(|error| error.is_cancelled(), |value| value == i));
            }
        }
    });
}

#[test]
fn what_ended_is_joined_after_its_runtime_is_gone() {
    watched(|| {
        let runtime = runtime(1);
        let (done, parked) = (runtime.spawn(|| String::from("kept")), runtime.spawn(thread::park));
        let panicked = runtime.spawn(|| panic!("kept, too"));
        while !(done.is_finished() && panicked.is_finished() && parked.status() == Status::Parked) {
            thread::yield_now();
        }
        drop(runtime);
        assert_eq!(done.join().unwrap(), "kept");
        assert_eq!(panicked.join().unwrap_err().downcast_ref::<&str>(), Some(&"kept, too"));
        parked.thread().unpark();
        parked.cancel();
        assert!(parked.join().unwrap_err().is_cancelled());
    });
}
