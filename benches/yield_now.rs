//! `yield_now` with 2, 100, 1,000 and 10,000 green threads on one worker: the time of one yield.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn yield_now(c: &mut Criterion) {
    let mut group = c.benchmark_group("yield_now");
    group.throughput(Throughput::Elements(1));
    for threads in [2, 100, 1_000, 10_000] {
        group.bench_with_input(BenchmarkId::from_parameter(threads), &threads, |b, &threads| {
            b.iter_custom(|yields| time_of(yields, threads));
        });
    }
    group.finish();
}

/// `yields` yields, shared among so many green threads.
fn time_of(yields: u64, threads: u64) -> Duration {
    let each = yields.div_ceil(threads);
    let spent = sward::run(|| {
        let yielding = |_| sward::spawn_local(move || (0..each).for_each(|_| sward::yield_now()));
        let handles: Vec<_> = (0..threads).map(yielding).collect();
        let start = Instant::now();
        for handle in handles {
            handle.join().unwrap();
        }
        start.elapsed()
    });
    spent.mul_f64(yields as f64 / (each * threads) as f64)
}

criterion_group!(benches, yield_now);
criterion_main!(benches);
