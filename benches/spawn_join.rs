//! Spawning 1,000 green threads that do nothing and joining them all, on one and on two workers: the time of each.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sward::Runtime;

const BATCH: u64 = 1_000;

fn spawn_join(c: &mut Criterion) {
    let mut group = c.benchmark_group("spawn_join");
    group.throughput(Throughput::Elements(1));
    for workers in [1, 2] {
        let runtime = Runtime::builder().workers(workers).build().unwrap();
        group.bench_function(BenchmarkId::new("workers", workers), |b| {
            b.iter_custom(|count| runtime.run(|| time_of(count)));
        });
    }
    group.finish();
}

fn time_of(count: u64) -> Duration {
    let batches = count.div_ceil(BATCH);
    let start = Instant::now();
    for _ in 0..batches {
        let handles: Vec<_> = (0..BATCH).map(|i| sward::spawn(move || i)).collect();
        for handle in handles {
            handle.join().unwrap();
        }
    }
    start.elapsed().mul_f64(count as f64 / (batches * BATCH) as f64)
}

criterion_group!(benches, spawn_join);
criterion_main!(benches);
