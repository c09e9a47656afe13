//! Two green threads that wake each other by `park` and `unpark`, on one worker and across two: the time of a round trip.

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sward::{Runtime, thread};

fn ping_pong(c: &mut Criterion) {
    c.bench_function("ping_pong/one_worker", |b| {
        b.iter_custom(|rounds| sward::run(|| rally(rounds, |peer| sward::spawn(peer))));
    });
    let (here, there) = (one_worker(), one_worker());
    c.bench_function("ping_pong/two_workers", |b| {
        b.iter_custom(|rounds| here.run(|| rally(rounds, |peer| there.spawn(peer))));
    });
}

fn one_worker() -> Runtime {
    Runtime::builder().workers(1).build().unwrap()
}

/// So many round trips with a peer that `spawn` starts.
fn rally(rounds: u64, spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> sward::JoinHandle<()>) -> Duration {
    let me = thread::current();
    let peer = spawn(Box::new(move || {
        for _ in 0..rounds {
            thread::park();
            me.unpark();
        }
    }));
    let start = Instant::now();
    for _ in 0..rounds {
        peer.thread().unpark();
        thread::park();
    }
    let spent = start.elapsed();
    peer.join().unwrap();
    spent
}

criterion_group!(benches, ping_pong);
criterion_main!(benches);
