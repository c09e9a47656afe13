//! crossbeam-channel's own tests, with `sward::channel` in its place, on green threads.
#![allow(warnings, clippy::correctness, reason = "others wrote them")]

/// As `crossbeam_utils::thread::scope`, with green threads.
fn scope<'env, R>(f: impl for<'scope> FnOnce(Scope<'scope, 'env>) -> R) -> std::thread::Result<R> {
    Ok(sward::scope(|scope| f(Scope(scope))))
}

struct Scope<'scope, 'env>(&'scope sward::thread::Scope<'scope, 'env>);

impl<'scope> Scope<'scope, '_> {
    fn spawn<T: Send + 'scope>(
        &self,
        f: impl FnOnce(()) -> T + Send + 'scope,
    ) -> sward::thread::ScopedJoinHandle<'scope, T> {
        self.0.spawn(|| f(()))
    }
}

mod green_threads {
    include!(concat!(env!("OUT_DIR"), "/crossbeam_green.rs"));
}
