//! What the life of a green thread costs beyond its spawn: a timeout round a call that does not wait, a cancel of one of
//! 100,000 parked, `as_completed` and `wait` over 100,000, a join with and without a callback. One worker; the time of
//! each.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sward::{JoinHandle, ReturnWhen, as_completed, cancel_all, join_all, spawn, thread, timeout};

const MANY: u64 = 100_000;
const BATCH: u64 = 1_000;

/// Times `count` of what `round` times so many at once of.
fn in_rounds(count: u64, size: u64, mut round: impl FnMut() -> Duration) -> Duration {
    let rounds = count.div_ceil(size);
    let spent: Duration = (0..rounds).map(|_| round()).sum();
    spent.mul_f64(count as f64 / (rounds * size) as f64)
}

fn ready_calls(c: &mut Criterion) {
    let mut group = c.benchmark_group("around_a_ready_call");
    let hour = Duration::from_secs(3600);
    let mut bench = |name: &str, call: fn(Duration) -> u64| {
        group.bench_function(name, |b| {
            b.iter_custom(|count| {
                sward::run(|| {
                    let start = Instant::now();
                    for _ in 0..count {
                        black_box(call(black_box(hour)));
                    }
                    start.elapsed()
                })
            });
        });
    };
    bench("clock_alone", |_| sward::time::Instant::now().elapsed().subsec_nanos().into());
    bench("timeout", |limit| timeout(limit, || black_box(42)).unwrap());
    bench("two_timeouts", |limit| timeout(limit, || timeout(limit, || black_box(42)).unwrap()).unwrap());
    bench("shield", |_| sward::shield(|| black_box(42)));
    bench("catch_cancel", |_| sward::catch_cancel(|| black_box(42)).unwrap());
    group.finish();
}

fn cancels(c: &mut Criterion) {
    let mut group = c.benchmark_group("cancel_parked");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for many in [1_000, 10_000, MANY] {
        group.bench_with_input(BenchmarkId::from_parameter(many), &many, |b, &many| {
            b.iter_custom(|count| sward::run(|| in_rounds(count, many, || time_of_cancels(many))));
        });
    }
    group.finish();
}

/// From the first cancel to the last join.
fn time_of_cancels(many: u64) -> Duration {
    let handles: Vec<_> = (0..many).map(|_| spawn(thread::park)).collect();
    sward::yield_now(); // every one of them runs, and parks
    let start = Instant::now();
    cancel_all(&handles);
    assert!(join_all(handles).iter().all(Result::is_err));
    start.elapsed()
}

fn many(c: &mut Criterion) {
    let mut group = c.benchmark_group("over_100_000");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    let ready = || (0..MANY).map(|i| spawn(move || i)).collect::<Vec<_>>();
    let mut bench = |name: &str, wait_for: fn(Vec<JoinHandle<u64>>)| {
        group.bench_function(name, |b| {
            b.iter_custom(|count| {
                sward::run(|| {
                    in_rounds(count, MANY, || {
                        let handles = ready();
                        let start = Instant::now();
                        wait_for(handles);
                        start.elapsed()
                    })
                })
            });
        });
    };
    // All of these run the green threads, too: what the wait adds is the difference to `join_all`.
    bench("join_all", |handles| assert!(join_all(handles).iter().all(Result::is_ok)));
    bench("as_completed", |handles| assert!(as_completed(handles).all(|handle| handle.join().is_ok())));
    bench("wait", |handles| assert!(sward::wait(handles, ReturnWhen::All, None).1.is_empty()));
    group.finish();
}

fn callbacks(c: &mut Criterion) {
    let mut group = c.benchmark_group("spawn_join");
    group.throughput(Throughput::Elements(1));
    let mut bench = |name: &str, prepare: fn(&JoinHandle<u64>)| {
        group.bench_function(name, |b| {
            b.iter_custom(|count| {
                sward::run(|| {
                    in_rounds(count, BATCH, || {
                        let start = Instant::now();
                        let handles: Vec<_> = (0..BATCH).map(|i| spawn(move || i)).collect();
                        handles.iter().for_each(prepare);
                        handles.into_iter().for_each(|handle| assert!(black_box(handle.join()).is_ok()));
                        start.elapsed()
                    })
                })
            });
        });
    };
    bench("without_on_done", |_| {});
    bench("with_on_done", |handle| {
        handle.on_done(|outcome| assert!(black_box(outcome.status) == sward::Status::Done))
    });
    group.finish();
}

criterion_group!(benches, ready_calls, cancels, many, callbacks);
criterion_main!(benches);
