//! Runtimes beside and inside each other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use crate::support::{runtime, watched};
use sward::thread;

#[test]
fn two_runtimes_join_and_unpark_each_other() {
    watched(|| {
        let (left, right) = (runtime(1), runtime(2));
        let (to_left, to_right) = (left.handle(), right.handle());
        let sum = left.run(move || {
            let main = thread::current();
            let handles: Vec<_> = (0..1000_u64)
                .map(|i| {
                    let (to_left, main) = (to_left.clone(), main.clone());
                    to_right.spawn(move || {
                        let back = to_left.spawn(move || i).join().unwrap();
                        main.unpark();
                        back
                    })
                })
                .collect();
            thread::park();
            sward::join_all(handles).into_iter().map(Result::unwrap).sum::<u64>()
        });
        assert_eq!(sum, 499_500);
        let parked = right.spawn(thread::park);
        left.run(|| parked.thread().unpark());
        left.run(|| parked.join().unwrap());
    });
}

#[test]
fn a_run_on_one_runtime_inside_another_waits_without_stopping_the_worker() {
    watched(|| {
        let other = runtime(1);
        sward::run(|| {
            let ran = Arc::new(AtomicBool::new(false));
            let theirs = Arc::clone(&ran);
            sward::spawn_local(move || theirs.store(true, SeqCst));
            // It ends only when the local one has run, which the waiting worker must do meanwhile.
            let value = other.run(|| {
                while !ran.load(SeqCst) {
                    thread::yield_now();
                }
                sward::spawn(|| 5).join().unwrap()
            });
            assert_eq!(value, 5);
        });
    });
}
