//! The states of a green thread, what `Debug` says of them, and a cancel in each.

mod support;

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use support::{Drops, HOUR, OnDrop, in_virtual_time, runtime, until_parked, watched};
use sward::{Builder, Canceller, JoinHandle, Status, sleep, spawn, thread, time::Instant, yield_now};

#[track_caller]
fn named<T: Send + 'static>(name: &str, f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().name(name.into()).spawn(f).unwrap()
}

#[test]
fn the_states_of_one_that_returns() {
    in_virtual_time(|| {
        let handle = spawn(|| {
            yield_now();
            thread::park();
            42
        });
        assert_eq!((handle.status(), handle.is_finished()), (Status::Pending, false));
        yield_now();
        assert_eq!(handle.status(), Status::Running);
        yield_now();
        assert_eq!(handle.status(), Status::Parked);
        handle.thread().unpark();
        assert_eq!((handle.status(), handle.is_finished()), (Status::Running, false));
        yield_now();
        assert_eq!((handle.status(), handle.is_finished()), (Status::Done, true));
        assert_eq!(handle.join().unwrap(), 42);
    });
}

#[test]
fn the_states_of_one_that_panics_and_of_one_that_is_cancelled() {
    in_virtual_time(|| {
        let panics = spawn(|| panic::resume_unwind(Box::new("quietly")));
        let cancelled = spawn(thread::park);
        yield_now();
        cancelled.cancel();
        assert_eq!(cancelled.status(), Status::Running, "it is ready, to unwind");
        yield_now();
        assert_eq!((panics.status(), cancelled.status()), (Status::Panicked, Status::Cancelled));
        assert!(panics.is_finished() && cancelled.is_finished());
        assert!(panics.join().unwrap_err().is::<&str>());
        assert!(cancelled.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn one_that_sleeps_joins_or_waits_in_a_scope_is_parked() {
    in_virtual_time(|| {
        let waits: [fn(); 5] = [
            || sleep(HOUR),
            || spawn(|| sleep(HOUR)).join().unwrap(),
            || sward::scope(|s| drop(s.spawn(|| sleep(HOUR)))),
            || drop(sward::wait(vec![spawn(|| sleep(HOUR))], sward::ReturnWhen::All, None)),
            || drop(sward::as_completed([spawn(|| sleep(HOUR))]).next()),
        ];
        let handles = waits.map(spawn);
        yield_now();
        yield_now();
        assert_eq!(handles.each_ref().map(JoinHandle::status), [Status::Parked; 5]);
        let start = Instant::now();
        sward::join_all(handles).into_iter().for_each(|end| end.unwrap());
        assert_eq!(start.elapsed(), HOUR);
    });
}

#[test]
fn debug_tells_id_name_state_and_spawn_site_in_every_state() {
    in_virtual_time(|| {
        let idler = |name: &'static str| (named(name, thread::park), line!());
        let (handle, line) = idler("fetch");
        let shows = |handle: &JoinHandle<()>, state: &str| {
            let text = format!("{handle:?}");
            let (id, name) = (handle.id().as_u64(), handle.name().unwrap());
            assert!(text.starts_with(&format!("<green thread {id} {name:?} {state}")), "{text}");
            assert!(text.ends_with(&format!("at {}:{line}>", file!())), "{text}");
        };
        shows(&handle, "pending");
        yield_now();
        shows(&handle, "parked");
        handle.thread().unpark();
        shows(&handle, "running");
        yield_now();
        shows(&handle, "done");
        let (cancelled, _) = idler("gone");
        cancelled.cancel();
        assert!(format!("{cancelled:?}").contains("\"gone\" pending"));
        yield_now();
        assert!(format!("{cancelled:?}").contains("\"gone\" cancelled"));
        let panics = named("bad", || panic::resume_unwind(Box::new(())));
        yield_now();
        assert!(format!("{panics:?}").contains("\"bad\" panicked"));
        drop(panics.join());
    });
}

#[test]
fn one_without_a_name_shows_its_id_and_site_alone() {
    in_virtual_time(|| {
        let (handle, line) = (spawn(|| ()), line!());
        let text = format!("{handle:?}");
        let id = handle.id().as_u64();
        assert_eq!((handle.name(), handle.thread().name()), (None, None));
        assert!(text.starts_with(&format!("<green thread {id} pending")), "{text}");
        assert!(text.ends_with(&format!("at {}:{line}>", file!())), "{text}");
    });
}

#[test]
fn every_way_to_spawn_shows_where_the_user_wrote_it() {
    in_virtual_time(|| {
        let site = |line: u32| format!("at {}:{line}>", file!());
        let shown = [
            (format!("{:?}", spawn(|| ())), line!()),
            (format!("{:?}", sward::spawn_local(|| ())), line!()),
            (format!("{:?}", sward::spawn_after(HOUR, || ())), line!()),
            (format!("{:?}", Builder::new().spawn(|| ()).unwrap()), line!()),
            (format!("{:?}", Builder::new().spawn_local(|| ()).unwrap()), line!()),
            (sward::scope(|s| format!("{:?}", s.spawn(|| ()))), line!()),
            (format!("{:?}", sward::Group::new().spawn(|| ())), line!()),
            (format!("{:?}", sward::Pool::new(1).spawn(|| ())), line!()),
            (format!("{:?}", sward::Pool::new(1).try_spawn(|| ()).ok().unwrap()), line!()),
            (sward::TaskGroup::<()>::run(|g| format!("{:?}", g.spawn(|| Ok(())))).unwrap(), line!()),
        ];
        let wrong: Vec<_> = shown.iter().filter(|(text, line)| !text.ends_with(&site(*line))).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn ids_differ_and_names_may_repeat() {
    in_virtual_time(|| {
        let handles: Vec<_> = (0..1000).map(|_| named("same", || sward::thread::current().id())).collect();
        let mut ids: Vec<_> = handles.iter().map(JoinHandle::id).collect();
        assert!(handles.iter().all(|handle| handle.name() == Some("same")));
        let own: Vec<_> = sward::join_all(handles).into_iter().map(Result::unwrap).collect();
        assert_eq!(ids, own, "a handle has the id that the thread itself sees");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1000);
    });
}

#[test]
fn a_cancel_in_each_state_drops_everything_once() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let job = |steps: u32| {
            let (captured, theirs) = (drops.guard(), drops.clone());
            spawn(move || {
                let _captured = captured;
                let _local = theirs.guard();
                (0..steps).for_each(|_| yield_now());
                thread::park();
            })
        };
        // Pending: it never runs, and only what it captured is there to be dropped.
        let pending = job(0);
        pending.cancel();
        assert!(pending.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
        // Running, that is ready: at its next park.
        let running = job(1);
        yield_now();
        assert_eq!(running.status(), Status::Running);
        running.cancel();
        assert_eq!(drops.count(), 1, "a cancel runs nothing itself");
        assert!(running.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 3);
        // Parked: now.
        let parked = job(0);
        until_parked(&parked);
        parked.cancel();
        assert!(parked.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 5);
        // Ended: no effect.
        let ended = job(0);
        until_parked(&ended);
        ended.thread().unpark();
        yield_now();
        ended.cancel();
        assert_eq!(ended.status(), Status::Done);
        ended.join().unwrap();
        assert_eq!(drops.count(), 7);
    });
}

#[test]
fn a_thread_may_cancel_itself() {
    in_virtual_time(|| {
        let (sender, receiver) = mpsc::channel::<Canceller>();
        let handle = spawn(move || {
            let me = receiver.recv().unwrap();
            me.cancel();
            assert!(sward::cancelled());
            thread::park();
            unreachable!("it has cancelled itself");
        });
        sender.send(handle.canceller()).unwrap();
        assert!(handle.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_second_cancel_while_unwinding_does_nothing() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let (sender, receiver) = mpsc::channel::<Canceller>();
        let handle = spawn(move || {
            let _first = theirs.guard();
            let me = receiver.recv().unwrap();
            let _again = OnDrop(|| {
                assert!(std::thread::panicking());
                me.cancel();
                yield_now(); // no switch, and no second unwinding
                me.cancel();
            });
            let _last = theirs.guard();
            thread::park();
        });
        sender.send(handle.canceller()).unwrap();
        until_parked(&handle);
        handle.cancel();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 2);
    });
}

#[test]
fn a_sleep_in_a_drop_of_the_unwinding_blocks_in_place_and_nobody_runs_meanwhile() {
    in_virtual_time(|| {
        let others = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(AtomicUsize::new(99));
        let (count, theirs) = (Arc::clone(&others), Arc::clone(&seen));
        let handle = spawn(move || {
            let _slow = OnDrop(move || {
                let before = count.load(SeqCst);
                sleep(Duration::from_secs(1));
                theirs.store(count.load(SeqCst) - before, SeqCst);
            });
            thread::park();
        });
        until_parked(&handle);
        let theirs = Arc::clone(&others);
        let ticker = spawn(move || {
            loop {
                theirs.fetch_add(1, SeqCst);
                yield_now();
            }
        });
        yield_now();
        let start = Instant::now();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!((seen.load(SeqCst), start.elapsed()), (0, Duration::from_secs(1)));
        ticker.cancel();
        assert!(ticker.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_canceller_outlives_its_handle_and_keeps_no_result() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let guard = drops.guard();
        let handle = spawn(move || guard);
        let canceller = handle.canceller();
        drop(handle.join().unwrap());
        assert_eq!(drops.count(), 1);
        canceller.clone().cancel();
        assert!(canceller.is_finished());

        let guard = drops.guard();
        let handle = spawn(move || guard);
        let canceller = handle.canceller();
        yield_now();
        drop(handle);
        assert_eq!(drops.count(), 2, "the canceller does not keep the result");
        assert!(canceller.is_finished());

        let detached = spawn(drops.held(thread::park));
        let canceller = detached.canceller();
        let id = detached.id();
        drop(detached);
        yield_now();
        assert_eq!((canceller.is_finished(), canceller.thread().id()), (false, id));
        canceller.cancel();
        yield_now();
        assert_eq!((canceller.is_finished(), drops.count()), (true, 3));
    });
}

#[test]
fn a_canceller_works_from_any_thread_and_many_at_once() {
    fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..200 {
            let drops = Drops::new();
            let theirs = drops.clone();
            let handle = runtime.spawn(move || {
                let _guard = theirs.guard();
                thread::park();
            });
            let canceller = handle.canceller();
            is_shared(&canceller);
            let others: Vec<_> = (0..3)
                .map(|_| {
                    let canceller = canceller.clone();
                    std::thread::spawn(move || canceller.cancel())
                })
                .collect();
            let began = handle.join().unwrap_err();
            assert!(began.is_cancelled());
            assert!(drops.count() <= 1);
            others.into_iter().for_each(|other| other.join().unwrap());
        }
    });
}

#[test]
fn cancel_all_cancels_all_and_waits_for_none() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let handles: Vec<_> = (0..1000).map(|_| spawn(drops.held(thread::park))).collect();
        yield_now();
        sward::cancel_all(&handles);
        assert_eq!(drops.count(), 0);
        assert!(sward::join_all(handles).iter().all(|end| end.as_ref().is_err_and(|e| e.is_cancelled())));
        assert_eq!(drops.count(), 1000);
    });
}

#[test]
fn a_runtime_counts_nobody_when_all_have_ended() {
    watched(|| {
        let runtime = runtime(2);
        let handles: Vec<_> = (0..1000).map(|_| runtime.spawn(thread::park)).collect();
        sward::cancel_all(&handles);
        assert!(sward::join_all(handles).iter().all(Result::is_err));
        while runtime.metrics().live.iter().sum::<usize>() > 0 {
            std::thread::yield_now();
        }
    });
}
