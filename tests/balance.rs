//! Where green threads run: long-lived ones spread, fresh ones are stolen, no worker idles beside work.

mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::ThreadId,
    time::{Duration, Instant},
};

use support::{OsThread, limit, runtime, watched};
use sward::{JoinHandle, Runtime, thread};

/// Spins until all `n` are here at once: only on `n` workers at once that ends.
fn meet(here: &AtomicUsize, n: usize) {
    here.fetch_add(1, SeqCst);
    while here.load(SeqCst) < n {
        std::thread::yield_now();
    }
}

#[test]
fn what_one_worker_spawns_runs_on_all_workers_at_once() {
    watched(|| {
        for _ in 0..200 {
            let (runtime, here) = (runtime(4), Arc::new(AtomicUsize::new(0)));
            runtime.run(|| {
                // The spawner blocks its worker: the others must take the rest.
                for _ in 0..3 {
                    let here = Arc::clone(&here);
                    sward::spawn(move || meet(&here, 4));
                }
                meet(&here, 4);
            });
        }
    });
}

#[test]
fn what_comes_from_outside_runs_on_all_workers_at_once() {
    watched(|| {
        for _ in 0..200 {
            let (runtime, here) = (runtime(4), Arc::new(AtomicUsize::new(0)));
            let handles: Vec<_> = (0..4)
                .map(|_| {
                    let here = Arc::clone(&here);
                    runtime.spawn(move || meet(&here, 4))
                })
                .collect();
            sward::join_all(handles).into_iter().for_each(Result::unwrap);
        }
    });
}

#[test]
fn workers_that_have_slept_come_back_for_each_new_burst() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..5000 {
            let here = Arc::new(AtomicUsize::new(0));
            let handles: Vec<_> = (0..2)
                .map(|_| {
                    let here = Arc::clone(&here);
                    runtime.spawn(move || meet(&here, 2))
                })
                .collect();
            sward::join_all(handles).into_iter().for_each(Result::unwrap);
        }
    });
}

#[test]
fn a_burst_that_arrives_at_one_worker_is_shared_by_the_other() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..2000 {
            runtime.run(|| {
                let here = Arc::new(AtomicUsize::new(0));
                // Short ones before it, so that the other worker comes, finds nothing, and goes again.
                for _ in 0..3 {
                    drop(sward::spawn(|| ()));
                }
                thread::yield_now();
                let theirs = Arc::clone(&here);
                let other = sward::spawn(move || meet(&theirs, 2));
                meet(&here, 2);
                other.join().unwrap();
            });
        }
    });
}

/// The first of two idle workers is called to steal, and a moment later a green thread of its own wakes there, and computes:
/// the second one has to come.
#[test]
fn a_call_goes_on_if_who_was_called_gets_something_else_to_do() {
    for after in [0, 20, 60, 100].map(Duration::from_micros) {
        watched(move || runtime(3).run(|| interrupt_who_is_called(after, 300)));
    }
}

fn interrupt_who_is_called(after: Duration, rounds: usize) {
    let [here, parks, round, ran] = [(); 4].map(|()| Arc::new(AtomicUsize::new(0)));
    let workers = Arc::new(Mutex::new(Vec::new()));
    let reaches = |number: &AtomicUsize, goal| {
        while number.load(SeqCst) < goal {
            std::thread::yield_now();
        }
    };
    // One on each of the others, that computes in each second round until what was spawned in it has run.
    let computing: Vec<_> = (0..2)
        .map(|_| {
            let [here, parks, round, ran] = [&here, &parks, &round, &ran].map(Arc::clone);
            let workers = Arc::clone(&workers);
            sward::spawn(move || {
                workers.lock().unwrap().push(OsThread::current());
                meet(&here, 3);
                while round.load(SeqCst) <= rounds {
                    parks.fetch_add(1, SeqCst);
                    thread::park();
                    reaches(&ran, round.load(SeqCst).min(rounds));
                }
            })
        })
        .collect();
    meet(&here, 3);
    for now in 1..=rounds {
        reaches(&parks, now + 1);
        // Both have nothing to do, and sleep.
        workers.lock().unwrap().iter().for_each(OsThread::until_idle);
        round.store(now, SeqCst);
        let theirs = Arc::clone(&ran);
        drop(sward::spawn(move || theirs.store(now, SeqCst)));
        let start = Instant::now();
        while start.elapsed() < after {}
        computing[now % 2].thread().unpark();
        reaches(&ran, now);
    }
    reaches(&parks, rounds + 2);
    round.store(usize::MAX, SeqCst);
    computing.iter().for_each(|one| one.thread().unpark());
    sward::join_all(computing).into_iter().for_each(Result::unwrap);
}

#[test]
fn a_worker_that_polls_busily_comes_no_later_than_one_that_sleeps() {
    watched(|| {
        let busy_poll = limit() / 4;
        let runtime = Runtime::builder().workers(2).busy_poll(busy_poll).build().unwrap();
        let start = Instant::now();
        for _ in 0..5 {
            runtime.run(|| {
                let here = Arc::new(AtomicUsize::new(0));
                let theirs = Arc::clone(&here);
                let other = sward::spawn(move || meet(&theirs, 2));
                meet(&here, 2);
                other.join().unwrap();
            });
        }
        assert!(start.elapsed() < busy_poll, "{:?}", start.elapsed());
    });
}

#[test]
fn a_worker_that_is_blocked_loses_its_fresh_ones_and_keeps_its_ready_ones() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            let stop = Arc::new(AtomicBool::new(false));
            let theirs = Arc::clone(&stop);
            let mine = sward::spawn_local(|| ());
            let stolen = sward::spawn(move || theirs.store(true, SeqCst));
            while !stop.load(SeqCst) {
                std::thread::yield_now();
            }
            assert!(!mine.is_finished());
            stolen.join().unwrap();
            mine.join().unwrap();
        });
    });
}

/// Until `stop`, both workers always have something to run, so neither steals.
fn keep_busy(runtime: &Runtime, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let barrier = Arc::new(Barrier::new(2));
    let busy = |_| {
        let (stop, barrier) = (Arc::clone(stop), Arc::clone(&barrier));
        runtime.spawn(move || {
            barrier.wait();
            while !stop.load(SeqCst) {
                thread::yield_now();
            }
        })
    };
    (0..2).map(busy).collect()
}

#[test]
fn a_thousand_long_lived_ones_spread_over_two_busy_workers() {
    watched(|| {
        let runtime = runtime(2);
        let handle = runtime.handle();
        let stop = Arc::new(AtomicBool::new(false));
        let busy = keep_busy(&runtime, &stop);
        let places = Arc::new(Mutex::new(HashMap::<ThreadId, usize>::new()));
        // One acceptor: each connection is spawned, and the acceptor waits for the next.
        let theirs = Arc::clone(&places);
        let connections = runtime.run(move || {
            (0..1000)
                .map(|_| {
                    let places = Arc::clone(&theirs);
                    let connection = sward::spawn(move || {
                        *places.lock().unwrap().entry(std::thread::current().id()).or_default() += 1;
                        thread::park();
                    });
                    for _ in 0..3 {
                        thread::yield_now();
                    }
                    connection
                })
                .collect::<Vec<_>>()
        });
        while connections.iter().any(|connection| connection.status() != sward::Status::Parked) {
            thread::yield_now();
        }
        let live = handle.metrics().live;
        let places = places.lock().unwrap().clone();
        assert_eq!(places.values().sum::<usize>(), 1000);
        assert!(places.values().all(|&here| here <= 600), "started here and there: {places:?}");
        assert!(live.iter().sum::<usize>() >= 1000 && live.iter().all(|&here| here <= 610), "live: {live:?}");
        stop.store(true, SeqCst);
        sward::join_all(busy).into_iter().for_each(Result::unwrap);
        connections.iter().for_each(|connection| connection.thread().unpark());
        sward::join_all(connections).into_iter().for_each(Result::unwrap);
        // A join returns a moment before its worker has counted down.
        while handle.metrics().live.iter().sum::<usize>() != 0 {
            thread::yield_now();
        }
    });
}

/// Spawns a thousand at once that park, and tells how many of them each worker has then.
fn spread(runtime: &Runtime) -> Vec<usize> {
    let before = runtime.metrics().live;
    let connections: Vec<_> = runtime.run(|| (0..1000).map(|_| sward::spawn(thread::park)).collect());
    while connections.iter().any(|connection| connection.status() != sward::Status::Parked) {
        thread::yield_now();
    }
    runtime.metrics().live.iter().zip(before).map(|(now, before)| now - before).collect()
}

/// Spawns a thousand on fresh runtimes until they are spread, with at most six of ten on a worker. On a machine that is busy
/// with something else one worker may get no processor for so long that the other starts what lies there.
fn spread_at_last(tries: usize, spread: impl Fn() -> Vec<usize>) {
    let mut all = Vec::new();
    while all.len() < tries {
        let live = spread();
        assert_eq!(live.iter().sum::<usize>(), 1000, "live: {live:?}");
        if live.iter().all(|&here| here <= 600) {
            return;
        }
        all.push(live);
    }
    panic!("live: {all:?}");
}

#[test]
fn a_thousand_that_are_spawned_at_once_and_stay_spread_over_two_workers() {
    watched(|| spread_at_last(100, || spread(&runtime(2))));
}

#[test]
fn a_thousand_that_are_spawned_at_once_and_stay_spread_over_two_busy_workers() {
    watched(|| {
        spread_at_last(10, || {
            let (runtime, stop) = (runtime(2), Arc::new(AtomicBool::new(false)));
            let busy = keep_busy(&runtime, &stop);
            let live = spread(&runtime);
            stop.store(true, SeqCst);
            sward::join_all(busy).into_iter().for_each(Result::unwrap);
            live
        });
    });
}

/// Half of them are sent to the other worker, which has fewer, and is busy; the first one takes them back and starts them.
#[test]
fn those_that_stay_all_start_while_the_other_worker_is_busy() {
    watched(|| {
        let runtime = runtime(2);
        let here = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let busy = {
            let (here, stop) = (Arc::clone(&here), Arc::clone(&stop));
            runtime.spawn(move || {
                meet(&here, 2);
                while !stop.load(SeqCst) {
                    std::thread::yield_now();
                }
            })
        };
        let all = runtime.run(|| {
            meet(&here, 2);
            let started = Arc::new(sward::sync::Barrier::new(101));
            let stay = |_| {
                let started = Arc::clone(&started);
                sward::spawn(move || {
                    started.wait();
                    thread::park();
                })
            };
            let all: Vec<_> = (0..100).map(stay).collect();
            started.wait();
            all
        });
        stop.store(true, SeqCst);
        busy.join().unwrap();
        all.iter().for_each(|one| one.thread().unpark());
        sward::join_all(all).into_iter().for_each(Result::unwrap);
    });
}

#[test]
fn tasks_that_never_park_are_not_counted_as_live() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| sward::join_all((0..1000).map(|i| sward::spawn(move || i))).len());
        while runtime.metrics().live.iter().sum::<usize>() != 0 {
            thread::yield_now();
        }
        assert_eq!(runtime.metrics().workers, 2);
    });
}
