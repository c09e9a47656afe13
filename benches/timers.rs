//! Timers: arming and disarming one (a park whose deadline is far), and 100,000 sleeps that all end, by the virtual clock,
//! so that what is measured is the work and not the wait.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sward::{Runtime, thread};

const SLEEPS: u64 = 100_000;

fn timers(c: &mut Criterion) {
    c.bench_function("timers/park_with_a_deadline_and_wake", |b| {
        b.iter_custom(|rounds| sward::run(|| woken_in_time(rounds)));
    });
    let mut group = c.benchmark_group("timers");
    group.sample_size(10).throughput(Throughput::Elements(SLEEPS));
    group.bench_function("100_000_sleeps", |b| {
        b.iter(|| Runtime::builder().virtual_clock(true).run(all_sleep));
    });
    group.finish();
}

fn woken_in_time(rounds: u64) -> Duration {
    let me = thread::current();
    let waker = sward::spawn(move || {
        for _ in 0..rounds {
            me.unpark();
            sward::yield_now();
        }
    });
    let start = Instant::now();
    for _ in 0..rounds {
        thread::park_timeout(Duration::from_secs(3600));
    }
    let spent = start.elapsed();
    waker.join().unwrap();
    spent
}

fn all_sleep() {
    // A fixed permutation of 0 to 1,000 ms: 7,919 is a prime.
    let delay = |i: u64| Duration::from_micros(i * 7_919 % SLEEPS * 10);
    let handles = (0..SLEEPS).map(|i| sward::spawn(move || sward::sleep(delay(i))));
    sward::join_all(handles).into_iter().for_each(|slept| slept.unwrap());
}

criterion_group!(benches, timers);
criterion_main!(benches);
