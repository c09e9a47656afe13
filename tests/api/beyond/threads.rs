//! `sward::thread`, by the names at the root.

use std::{any::Any, error::Error, fmt::Display, future::IntoFuture, io, time::Duration};

use sward::{
    AsCompleted, Builder, Cancelled, Canceller, Elapsed, JoinError, JoinHandle, LocalJoinHandle, Outcome,
    ReturnWhen, Scope, ScopedJoinHandle, Status, TryJoinError,
    thread::{Thread, ThreadId},
    time::Instant,
};

type Job = fn() -> i32;
type Handles = Vec<JoinHandle<i32>>;

pub(crate) fn pointers() {
    spawning();
    stopping();
    joining();
    ending();
    handles();
    errors();
}

fn spawning() {
    let _: fn(Job) -> JoinHandle<i32> = sward::spawn::<Job, i32>;
    let _: fn(Job) -> LocalJoinHandle<i32> = sward::spawn_local::<Job, i32>;
    let _: fn(Duration, Job) -> JoinHandle<i32> = sward::spawn_after::<Job, i32>;
    let _: fn(Job) -> i32 = sward::run::<Job, i32>;
    let _: fn(Job) -> i32 = sward::blocking::<Job, i32>;
    let _: fn(Job) -> i32 = sward::on_big_stack::<Job, i32>;
    let _: fn() -> bool = sward::is_green;
    type Body<'env> = for<'scope> fn(&'scope Scope<'scope, 'env>) -> i32;
    let _: fn(Body<'static>) -> i32 = sward::scope::<'static, Body<'static>, i32>;
    let _: fn() -> Builder = Builder::new;
    let _: fn(Builder, String) -> Builder = Builder::name;
    let _: fn(Builder, usize) -> Builder = Builder::stack_size;
    let _: fn(Builder, Job) -> io::Result<JoinHandle<i32>> = Builder::spawn::<Job, i32>;
    let _: fn(Builder, Job) -> io::Result<LocalJoinHandle<i32>> = Builder::spawn_local::<Job, i32>;
    type Place = &'static Scope<'static, 'static>;
    let _: fn(Builder, Place, Job) -> io::Result<ScopedJoinHandle<'static, i32>> =
        |builder, scope, job| builder.spawn_scoped(scope, job);
}

/// `blocking` and `on_big_stack` take what borrows, and `on_big_stack` what is not `Send`.
#[test]
fn what_waits_for_its_closure_lends_to_it() {
    let text = String::from("borrowed");
    assert_eq!(sward::run(|| sward::blocking(|| text.len())), 8);
    let shared = std::rc::Rc::new(text);
    assert_eq!(sward::run(|| sward::on_big_stack(|| std::rc::Rc::clone(&shared))).len(), 8);
}

fn stopping() {
    let _: fn(Duration) = sward::sleep;
    let _: fn(Instant) = sward::sleep_until;
    let _: fn() = sward::yield_now;
    let _: fn(Duration, Job) -> Result<i32, Elapsed> = sward::timeout::<Job, i32>;
    let _: fn(Instant, Job) -> Result<i32, Elapsed> = sward::timeout_at::<Job, i32>;
    let _: fn(Job) -> i32 = sward::shield::<Job, i32>;
    let _: fn(Job) -> Result<i32, Cancelled> = sward::catch_cancel::<Job, i32>;
    let _: fn() -> bool = sward::cancelled;
    let _: fn() -> Option<Instant> = sward::deadline;
}

fn joining() {
    type Tried = Vec<JoinHandle<Result<i32, String>>>;
    let _: fn(Handles) -> Vec<Result<i32, JoinError>> = sward::join_all::<Handles, i32>;
    let _: fn([JoinHandle<i32>; 2]) -> Vec<Result<i32, JoinError>> = sward::join_all::<_, i32>;
    let _: fn(Tried) -> Result<Vec<i32>, TryJoinError<String>> = sward::try_join_all::<Tried, i32, String>;
    let _: fn(Handles, ReturnWhen, Option<Duration>) -> (Handles, Handles) = sward::wait::<i32>;
    let _: fn(Handles) -> AsCompleted<i32> = sward::as_completed::<Handles, i32>;
    let _: fn(Vec<Job>) -> i32 = sward::race::<Vec<Job>, Job, i32>;
    let _: fn(&'static Handles) = sward::cancel_all::<'static, &'static Handles, i32>;
    bound!(AsCompleted<i32>: Iterator<Item = JoinHandle<i32>>);
    bound!(AsCompleted<i32>: ExactSizeIterator);
    let _ = |when: ReturnWhen| match when {
        ReturnWhen::All | ReturnWhen::FirstCompleted | ReturnWhen::FirstFailed => (),
    };
}

fn ending() {
    bound!(Elapsed: Error + Copy + Eq + Send + Sync);
    bound!(Cancelled: Error + Copy + Eq + Send + Sync);
    bound!(TryJoinError<String>: Error);
    bound!(Outcome: Clone + Send + Sync);
    let _: fn(Outcome) -> (Status, ThreadId, Option<String>) = |it| (it.status, it.id, it.name);
    use Status::{Done, Panicked, Parked, Pending, Running};
    let _: [Status; 6] = [Pending, Running, Parked, Done, Panicked, Status::Cancelled];
}

fn handles() {
    type Handle = JoinHandle<i32>;
    type Local = LocalJoinHandle<i32>;
    type Told = fn(&Outcome);
    let _: fn(Handle) -> Result<i32, JoinError> = Handle::join;
    let _: fn(Handle, Duration) -> Result<Result<i32, JoinError>, Handle> = Handle::join_timeout;
    let _: fn(&Handle) -> bool = Handle::is_finished;
    let _: fn(&Handle) -> Status = Handle::status;
    let _: fn(&Handle) -> &Thread = Handle::thread;
    let _: fn(&Handle) -> ThreadId = Handle::id;
    let _: fn(&Handle) -> Option<&str> = Handle::name;
    let _: fn(&Handle) = Handle::cancel;
    let _: fn(&Handle) -> Canceller = Handle::canceller;
    let _: fn(&Handle, Told) = Handle::on_done::<Told>;
    bound!(Handle: IntoFuture<Output = Result<i32, JoinError>>);
    bound!(Handle: Send + Sync);
    bound!(Canceller: Clone + Send + Sync);
    let _: fn(&Canceller) = Canceller::cancel;
    let _: fn(Local) -> Result<i32, JoinError> = Local::join;
    let _: fn(&Local) -> Status = Local::status;
    let _: fn(&Local) = Local::cancel;
    // What it gives was made on its OS thread, and is dropped there.
    const { assert!(!has!(Local: Send) && !has!(Local: Sync)) };
}

fn errors() {
    type Payload = Box<dyn Any + Send>;
    let _: fn(Payload) -> JoinError = JoinError::Panicked;
    let _: JoinError = JoinError::Cancelled;
    let _: fn(JoinError) -> Payload = JoinError::into_panic;
    let _: fn(&JoinError) -> bool = JoinError::is_cancelled;
    let _: fn(&JoinError) -> bool = JoinError::is::<String>;
    let _: fn(&JoinError) -> Option<&String> = JoinError::downcast_ref::<String>;
    let _: fn(JoinError) -> Result<Box<String>, JoinError> = JoinError::downcast::<String>;
    bound!(JoinError: Error + Display + Send);
    bound!(Payload: From<JoinError>);
}

sward::local! {
    /// With attributes, a visibility, and several in one.
    pub(crate) static NUMBER: std::cell::Cell<i32> = std::cell::Cell::new(1);
    static TEXT: String = String::new();
}

#[test]
fn locals_are_keys() {
    let _: &'static sward::thread::LocalKey<String> = &TEXT;
    assert_eq!((NUMBER.get(), TEXT.with(String::len)), (1, 0));
}
