//! `sward::{runtime, inspect, io}`.

use std::{io, os::fd::OwnedFd, panic::Location, time::Duration};

use sward::{
    JoinHandle, Runtime,
    inspect::{self, Deadlock, Member},
    io::Readiness,
    runtime::{Handle, Metrics, RuntimeBuilder, ShutdownError},
    thread::ThreadId,
};

type Job = fn() -> i32;

pub(crate) fn pointers() {
    let _: fn() -> RuntimeBuilder = Runtime::builder;
    let _: fn(&Runtime, Job) -> JoinHandle<i32> = Runtime::spawn::<Job, i32>;
    let _: fn(&Runtime, Job) -> i32 = Runtime::run::<Job, i32>;
    let _: fn(&Runtime) -> Handle = Runtime::handle;
    let _: fn(&Runtime) -> Metrics = Runtime::metrics;
    let _: fn(Runtime, Duration) -> Result<(), ShutdownError> = Runtime::shutdown;
    let _: fn(&Handle, Job) -> JoinHandle<i32> = Handle::spawn::<Job, i32>;
    let _: fn(&Handle) -> Metrics = Handle::metrics;
    bound!(Runtime: Send + Sync);
    bound!(Handle: Clone + Send + Sync);
    bound!(ShutdownError: std::error::Error + Send + Sync);
    builder();
    readiness();
    deadlocks();
}

fn builder() {
    let _: fn(RuntimeBuilder, usize) -> RuntimeBuilder = RuntimeBuilder::workers;
    let _: fn(RuntimeBuilder, usize) -> RuntimeBuilder = RuntimeBuilder::stack_size;
    let _: fn(RuntimeBuilder, u8) -> RuntimeBuilder = RuntimeBuilder::guard_pages;
    let _: fn(RuntimeBuilder, usize) -> RuntimeBuilder = RuntimeBuilder::max_green_threads;
    let _: fn(RuntimeBuilder, &'static str) -> RuntimeBuilder = |it, name| it.thread_name(name);
    let _: fn(RuntimeBuilder, bool) -> RuntimeBuilder = RuntimeBuilder::virtual_clock;
    let _: fn(RuntimeBuilder, u64) -> RuntimeBuilder = RuntimeBuilder::seed;
    let _: fn(RuntimeBuilder, Duration) -> RuntimeBuilder = RuntimeBuilder::busy_poll;
    let _: fn(RuntimeBuilder) -> io::Result<Runtime> = RuntimeBuilder::build;
    let _: fn(RuntimeBuilder, Job) -> i32 = RuntimeBuilder::run::<Job, i32>;
}

fn readiness() {
    let _: fn(&OwnedFd, Option<Duration>) -> io::Result<bool> = Readiness::wait_readable;
    let _: fn(&io::Stdin, Option<Duration>) -> io::Result<bool> = Readiness::wait_readable;
    let _: fn(&sward::net::TcpStream, Option<Duration>) -> io::Result<bool> = Readiness::wait_writable;
    // `std::io` whole.
    let _: fn(&'static str) -> sward::io::Cursor<&'static str> = sward::io::Cursor::new;
}

fn deadlocks() {
    let _: fn() -> Vec<Deadlock> = inspect::deadlocks;
    let _: fn(&Deadlock) -> usize = |deadlock| deadlock.members().len();
    let _: fn(&Member<'static>) -> ThreadId = Member::id;
    let _: fn(&Member<'static>) -> Option<&'static str> = Member::name;
    let _: fn(&Member<'static>) -> &'static Location<'static> = Member::spawned_at;
    let _: fn(&Member<'static>) -> &'static str = Member::what;
    let _: fn(&Member<'static>) -> ThreadId = Member::held_by;
}

#[test]
fn runs_of_a_runtime_borrow() {
    let text = String::from("borrowed");
    let runtime = Runtime::builder().workers(1).build().unwrap();
    assert_eq!(runtime.run(|| text.as_str()), "borrowed");
    assert_eq!(Runtime::builder().run(|| text.as_str()), "borrowed");
    let metrics = runtime.metrics();
    assert_eq!((metrics.workers, metrics.live.len()), (1, 1));
    runtime.shutdown(Duration::MAX).unwrap();
}
