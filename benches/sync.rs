//! What a lock, a permit, an event and a message cost when nobody waits, beside `std`'s and crossbeam's; and what it costs
//! to wait: round trips over a channel, and a great many waiters of one event.

use std::{
    hint::black_box,
    sync::atomic::{
        AtomicUsize,
        Ordering::{AcqRel, Relaxed},
    },
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use sward::{
    Runtime,
    channel::{self, Receiver, Sender},
    event::Event,
    sync::{Arc, Mutex, RwLock, Semaphore},
};

/// Each pair is measured on a green thread, one after the other.
fn uncontended(c: &mut Criterion) {
    let mut group = c.benchmark_group("sync/uncontended");
    let mut pair = |name: &str, call: &mut (dyn FnMut() + Send)| {
        group.bench_function(name, |b| {
            b.iter_custom(|rounds| {
                let call = &mut *call;
                sward::run(move || {
                    let start = Instant::now();
                    (0..rounds).for_each(|_| call());
                    start.elapsed()
                })
            });
        });
    };
    let (theirs, ours) = (std::sync::Mutex::new(0_u64), Mutex::new(0_u64));
    pair("mutex/std", &mut || *black_box(&theirs).lock().unwrap() += 1);
    pair("mutex/sward", &mut || *black_box(&ours).lock().unwrap() += 1);
    let (theirs, ours) = (std::sync::RwLock::new(0_u64), RwLock::new(0_u64));
    pair("rwlock_read/std", &mut || {
        black_box(*black_box(&theirs).read().unwrap());
    });
    pair("rwlock_read/sward", &mut || {
        black_box(*black_box(&ours).read().unwrap());
    });
    pair("rwlock_write/std", &mut || *black_box(&theirs).write().unwrap() += 1);
    pair("rwlock_write/sward", &mut || *black_box(&ours).write().unwrap() += 1);

    let (send, receive) = crossbeam_channel::bounded(16);
    pair("channel_bounded/crossbeam", &mut || {
        send.send(black_box(1_u64)).unwrap();
        black_box(receive.recv().unwrap());
    });
    let (send, receive) = channel::bounded(16);
    pair("channel_bounded/sward", &mut || {
        send.send(black_box(1_u64)).unwrap();
        black_box(receive.recv().unwrap());
    });
    let (send, receive) = crossbeam_channel::unbounded();
    pair("channel_unbounded/crossbeam", &mut || {
        send.send(black_box(1_u64)).unwrap();
        black_box(receive.recv().unwrap());
    });
    let (send, receive) = channel::unbounded();
    pair("channel_unbounded/sward", &mut || {
        send.send(black_box(1_u64)).unwrap();
        black_box(receive.recv().unwrap());
    });

    let word = AtomicUsize::new(0);
    pair("event/one_rmw_and_call", &mut || {
        black_box(add_one(black_box(&word)));
    });
    let event = Event::new();
    event.set();
    pair("event/wait_when_set", &mut || black_box(&event).wait());
    pair("semaphore/two_rmw_and_calls", &mut || {
        black_box(add_one(black_box(&word)));
        black_box(add_one(black_box(&word)));
    });
    // A permit is taken only if there is one, which no addition can do.
    pair("semaphore/conditional_rmw_and_rmw_and_calls", &mut || {
        black_box(take_one(black_box(&word)));
        black_box(add_one(black_box(&word)));
    });
    let semaphore = Semaphore::new(1);
    pair("semaphore/acquire_and_release", &mut || drop(black_box(&semaphore).acquire()));
    group.finish();
}

#[inline(never)]
fn add_one(word: &AtomicUsize) -> usize {
    word.fetch_add(1, AcqRel)
}

#[inline(never)]
fn take_one(word: &AtomicUsize) -> bool {
    word.fetch_update(AcqRel, Relaxed, |permits| permits.checked_sub(1)).is_ok()
}

/// A round trip is two messages, there and back.
fn ping_pong(c: &mut Criterion) {
    let mut group = c.benchmark_group("sync/channel_ping_pong");
    for capacity in [0, 1] {
        group.bench_function(format!("bounded_{capacity}/one_worker"), |b| {
            b.iter_custom(|rounds| sward::run(|| rally(capacity, rounds, |peer| sward::spawn(peer))));
        });
    }
    let worker = || Runtime::builder().workers(1).build().unwrap();
    let (here, there) = (worker(), worker());
    group.bench_function("bounded_1/two_workers", |b| {
        b.iter_custom(|rounds| here.run(|| rally(1, rounds, |peer| there.spawn(peer))));
    });
    group.bench_function("bounded_1/two_os_threads", |b| {
        b.iter_custom(|rounds| {
            let ((ping, pinged), (pong, ponged)) = (channel::bounded(1), channel::bounded(1));
            let peer = std::thread::spawn(move || answer(rounds, &pinged, &pong));
            let spent = call(rounds, &ping, &ponged);
            peer.join().unwrap();
            spent
        });
    });
    group.finish();
}

fn rally(
    capacity: usize,
    rounds: u64,
    spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> sward::JoinHandle<()>,
) -> Duration {
    let ((ping, pinged), (pong, ponged)) = (channel::bounded(capacity), channel::bounded(capacity));
    let peer = spawn(Box::new(move || answer(rounds, &pinged, &pong)));
    let spent = call(rounds, &ping, &ponged);
    peer.join().unwrap();
    spent
}

fn call(rounds: u64, ping: &Sender<u64>, ponged: &Receiver<u64>) -> Duration {
    let start = Instant::now();
    for round in 0..rounds {
        ping.send(round).unwrap();
        assert_eq!(ponged.recv().unwrap(), round);
    }
    start.elapsed()
}

fn answer(rounds: u64, pinged: &Receiver<u64>, pong: &Sender<u64>) {
    for _ in 0..rounds {
        pong.send(pinged.recv().unwrap()).unwrap();
    }
}

/// The time from `set` until the last waiter has run on, a waiter: as long for each of a million as for each of a thousand.
fn many_waiters(c: &mut Criterion) {
    let mut group = c.benchmark_group("sync/event_set_a_waiter");
    group.sample_size(10);
    for waiters in [1_000, 100_000, 1_000_000] {
        group.bench_function(waiters.to_string(), |b| {
            b.iter_custom(|rounds| {
                (0..rounds).map(|_| sward::run(|| wake_all(waiters))).sum::<Duration>() / waiters
            });
        });
    }
    group.finish();
}

fn wake_all(waiters: u32) -> Duration {
    let event = Arc::new(Event::new());
    let handles: Vec<_> = (0..waiters)
        .map(|_| {
            let event = Arc::clone(&event);
            sward::spawn_local(move || event.wait())
        })
        .collect();
    sward::yield_now();
    let start = Instant::now();
    event.set();
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    start.elapsed()
}

criterion_group!(benches, uncontended, ping_pong, many_waiters);
criterion_main!(benches);
