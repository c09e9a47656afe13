//! The limit of everything else: a raw switch of two stacks, there and back, without a scheduler.

use corosensei::{Coroutine, CoroutineResult};
use criterion::{Criterion, criterion_group, criterion_main};

fn switch(c: &mut Criterion) {
    let mut fiber = Coroutine::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    c.bench_function("switch/there_and_back", |b| {
        b.iter(|| matches!(fiber.resume(()), CoroutineResult::<(), ()>::Yield(())));
    });
    // It is suspended in its loop, and would be unwound by a panic: nothing is on its stack.
    std::mem::forget(fiber);
}

criterion_group!(benches, switch);
criterion_main!(benches);
