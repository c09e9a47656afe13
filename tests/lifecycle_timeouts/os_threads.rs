//! On a plain OS thread.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use crate::support::{Child, Drops, HOUR, OnDrop, OsThread, watched};
use sward::{ReturnWhen, net::TcpListener, scope, shield, sleep, spawn, thread, timeout, yield_now};

#[test]
fn on_an_os_thread_it_works_alike() {
    watched(|| {
        const SOON: Duration = Duration::from_millis(2);
        assert_eq!(timeout(HOUR, || 42), Ok(42));
        let waits: [(&str, fn()); 7] = [
            ("sleep", || sleep(HOUR)),
            ("park", thread::park),
            ("join", || spawn(thread::park).join().unwrap()),
            ("scope", || scope(|s| drop(s.spawn(thread::park)))),
            ("wait", || drop(sward::wait(vec![spawn(thread::park)], ReturnWhen::All, None))),
            ("nested", || {
                let _ = timeout(HOUR, || sleep(HOUR));
            }),
            ("accept", || drop(TcpListener::bind("127.0.0.1:0").unwrap().accept())),
        ];
        for (name, wait) in waits {
            let drops = Drops::new();
            let result = timeout(SOON, || {
                let _guard = drops.guard();
                wait();
            });
            assert_eq!((result.is_err(), drops.count()), (true, 1), "{name}");
        }
        assert!(timeout(HOUR, || timeout(SOON, || sleep(HOUR))).unwrap().is_err());
        assert!(timeout(SOON, || shield(|| sleep(2 * SOON))).is_err(), "delivered after the shield");
        assert_eq!(sward::deadline(), None);
        sleep(SOON);
    });
}

#[test]
fn a_join_in_a_drop_waits_for_its_end_on_an_os_thread_whose_timeout_has_come() {
    // In a child process: a join that gives up takes a result that is not there.
    let name = "os_threads::a_join_in_a_drop_waits_for_its_end_on_an_os_thread_whose_timeout_has_come";
    let ended = Child::of(name).run(|| {
        let (sender, receiver) = mpsc::channel();
        let joins = Arc::new(AtomicBool::new(false));
        let result = timeout(Duration::from_millis(5), || {
            let (joiner, theirs) = (OsThread::current(), Arc::clone(&joins));
            let worker = spawn(move || {
                while !theirs.load(SeqCst) {
                    yield_now();
                }
                joiner.until_idle();
                42
            });
            let mut worker = Some(worker);
            let _waits = OnDrop(move || {
                joins.store(true, SeqCst);
                sender.send(worker.take().unwrap().join().unwrap()).unwrap();
            });
            sleep(HOUR);
        });
        assert!(result.is_err());
        assert_eq!(receiver.recv().unwrap(), 42);
    });
    ended.is_well();
}

#[test]
fn a_sleep_in_a_drop_lasts_its_time_on_an_os_thread_whose_timeout_has_come() {
    watched(|| {
        let spent = Arc::new(Mutex::new(Duration::ZERO));
        let theirs = Arc::clone(&spent);
        let result = timeout(Duration::from_millis(1), || {
            let _slow = OnDrop(|| {
                let start = std::time::Instant::now();
                sleep(Duration::from_millis(20));
                *theirs.lock().unwrap() = start.elapsed();
            });
            sleep(HOUR);
        });
        assert!(result.is_err());
        let spent = *spent.lock().unwrap();
        assert!(spent >= Duration::from_millis(20), "it lasted {spent:?}");
    });
}

#[test]
fn a_scope_in_a_drop_waits_for_its_children_on_an_os_thread_whose_timeout_has_come() {
    watched(|| {
        let count = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&count);
        let result = timeout(Duration::from_millis(1), || {
            let _waits = OnDrop(|| {
                scope(|s| {
                    s.spawn(|| *theirs.lock().unwrap() += 1);
                })
            });
            sleep(HOUR);
        });
        assert!(result.is_err());
        assert_eq!(*count.lock().unwrap(), 1);
    });
}

#[test]
fn a_timeout_ends_a_wait_at_the_very_end_of_an_os_thread() {
    struct Last(mpsc::Sender<bool>);
    impl Drop for Last {
        fn drop(&mut self) {
            let outer = timeout(HOUR, || timeout(Duration::from_millis(2), thread::park));
            self.0.send(outer.is_ok_and(|inner| inner.is_err()) && sward::deadline().is_none()).unwrap();
        }
    }
    thread_local!(static LAST: Cell<Option<Last>> = const { Cell::new(None) });
    watched(|| {
        let (sender, works) = mpsc::channel();
        std::thread::spawn(|| {
            LAST.set(Some(Last(sender))); // before sward's own locals, and so dropped after them
            assert!(timeout(Duration::from_millis(2), thread::park).is_err());
        });
        assert_eq!(works.recv(), Ok(true));
    });
}
