//! `thread` and `time::Instant`.

use std::{
    cell::{Cell, RefCell},
    fmt::Debug,
    io,
    num::NonZeroUsize,
    ops::{Add, AddAssign, Sub, SubAssign},
    rc::Rc,
};

use super::{
    local,
    thread::{self, AccessError, Builder, JoinHandle, LocalKey, Scope, ScopedJoinHandle, Thread, ThreadId},
    time::{self, Duration, Instant, SystemTime, SystemTimeError},
};
use crate::traits::Has;

type Job = fn() -> i32;

pub(crate) fn pointers() {
    functions();
    threads();
    handles();
    builder();
    scopes();
    keys();
    instants();
}

fn functions() {
    let _: fn(Job) -> JoinHandle<i32> = thread::spawn::<Job, i32>;
    let _: fn(Duration) = thread::sleep;
    let _: fn(u32) = thread::sleep_ms;
    let _: fn() = thread::yield_now;
    let _: fn() = thread::park;
    let _: fn(Duration) = thread::park_timeout;
    let _: fn(u32) = thread::park_timeout_ms;
    let _: fn() -> Thread = thread::current;
    let _: fn() -> bool = thread::panicking;
    let _: fn() -> io::Result<NonZeroUsize> = thread::available_parallelism;
    let _: Option<thread::Result<i32>> = None;
}

fn threads() {
    let _: fn(&Thread) = Thread::unpark;
    let _: fn(&Thread) -> ThreadId = Thread::id;
    let _: fn(&Thread) -> Option<&str> = Thread::name;
}

fn handles() {
    let _: fn(JoinHandle<i32>) -> thread::Result<i32> = JoinHandle::join;
    let _: fn(&JoinHandle<i32>) -> &Thread = JoinHandle::thread;
    let _: fn(&JoinHandle<i32>) -> bool = JoinHandle::is_finished;
}

fn builder() {
    let _: fn() -> Builder = Builder::new;
    let _: fn(Builder, String) -> Builder = Builder::name;
    let _: fn(Builder, usize) -> Builder = Builder::stack_size;
    let _: fn(Builder, Job) -> io::Result<JoinHandle<i32>> = Builder::spawn::<Job, i32>;
    let _: unsafe fn(Builder, Job) -> io::Result<JoinHandle<i32>> = Builder::spawn_unchecked::<Job, i32>;
}

/// With lifetimes as a function has them that is given a scope.
fn scopes() {
    fn within<'scope, 'env>(scope: &'scope Scope<'scope, 'env>, text: &'env str) {
        let handle: ScopedJoinHandle<'scope, usize> = scope.spawn(move || text.len());
        let _: &Thread = handle.thread();
        let _: bool = handle.is_finished();
        let _: thread::Result<usize> = handle.join();
        let _: io::Result<ScopedJoinHandle<'scope, usize>> =
            Builder::new().spawn_scoped(scope, move || text.len());
    }
    type Body<'env> = for<'scope> fn(&'scope Scope<'scope, 'env>) -> i32;
    fn whole<'env>(body: Body<'env>) -> i32 {
        thread::scope::<'env, Body<'env>, i32>(body)
    }
    let _: for<'scope, 'env> fn(&'scope Scope<'scope, 'env>, &'env str) = within;
    let _: fn(Body<'static>) -> i32 = whole;
    fn spawn<'scope, 'env>() -> fn(&'scope Scope<'scope, 'env>, Job) -> ScopedJoinHandle<'scope, i32> {
        Scope::spawn::<Job, i32>
    }
    let _: fn() -> fn(&'static Scope<'static, 'static>, Job) -> ScopedJoinHandle<'static, i32> = spawn;
}

fn keys() {
    type Key<T> = &'static LocalKey<T>;
    type Text = String;
    let _: fn(Key<Text>, fn(&Text) -> usize) -> usize = LocalKey::with;
    let _: fn(Key<Text>, fn(&Text) -> usize) -> Result<usize, AccessError> = LocalKey::try_with;
    let _: fn(Key<Cell<Text>>, Text) = LocalKey::<Cell<Text>>::set;
    let _: fn(Key<Cell<u8>>) -> u8 = LocalKey::<Cell<u8>>::get;
    let _: fn(Key<Cell<Text>>) -> Text = LocalKey::<Cell<Text>>::take;
    let _: fn(Key<Cell<Text>>, Text) -> Text = LocalKey::<Cell<Text>>::replace;
    let _: fn(Key<RefCell<Text>>, fn(&Text) -> usize) -> usize = LocalKey::<RefCell<Text>>::with_borrow;
    let _: fn(Key<RefCell<Text>>, fn(&mut Text)) = LocalKey::<RefCell<Text>>::with_borrow_mut;
    let _: fn(Key<RefCell<Text>>, Text) = LocalKey::<RefCell<Text>>::set;
    let _: fn(Key<RefCell<Text>>) -> Text = LocalKey::<RefCell<Text>>::take;
    let _: fn(Key<RefCell<Text>>, Text) -> Text = LocalKey::<RefCell<Text>>::replace;
}

fn instants() {
    let _: fn() -> Instant = Instant::now;
    let _: fn(&Instant, Instant) -> Duration = Instant::duration_since;
    let _: fn(&Instant, Instant) -> Option<Duration> = Instant::checked_duration_since;
    let _: fn(&Instant, Instant) -> Duration = Instant::saturating_duration_since;
    let _: fn(&Instant) -> Duration = Instant::elapsed;
    let _: fn(&Instant, Duration) -> Option<Instant> = Instant::checked_add;
    let _: fn(&Instant, Duration) -> Option<Instant> = Instant::checked_sub;
    bound!(Instant: Add<Duration, Output = Instant>);
    bound!(Instant: AddAssign<Duration>);
    bound!(Instant: Sub<Duration, Output = Instant>);
    bound!(Instant: SubAssign<Duration>);
    bound!(Instant: Sub<Instant, Output = Duration>);
    let _: SystemTime = time::UNIX_EPOCH;
    let _: fn(&SystemTime) -> Result<Duration, SystemTimeError> = SystemTime::elapsed;
    let _: Option<time::TryFromFloatSecsError> = None;
}

pub(crate) fn traits() -> Vec<Has> {
    traits_of![
        thread::Thread,
        thread::ThreadId,
        thread::Builder,
        thread::JoinHandle<i32>,
        thread::JoinHandle<Cell<i32>>,
        thread::ScopedJoinHandle<'static, i32>,
        thread::ScopedJoinHandle<'static, Cell<i32>>,
        thread::Scope<'static, 'static>,
        thread::LocalKey<i32>,
        thread::LocalKey<Rc<i32>>,
        thread::AccessError,
        thread::Result<i32>,
        time::Instant,
        time::SystemTime,
        time::Duration,
    ]
}

pub(crate) fn seen() -> Vec<String> {
    let mut seen = Vec::new();
    let mut note = |what: &str, value: &dyn Debug| seen.push(format!("{what}: {value:?}"));
    keys_that_are_set(&mut note);
    payloads(&mut note);
    unchecked(&mut note);
    let text = |debug: &dyn Debug| format!("{debug:?}").replace(char::is_numeric, "");
    note("id", &text(&thread::current().id()));
    let named = Builder::new().name("worker".into()).spawn(|| format!("{:?}", thread::current())).unwrap();
    note("thread", &named.join().unwrap().replace(char::is_numeric, ""));
    let names = |thread: &Thread| thread.name().map(str::to_owned);
    note("no name", &thread::spawn(move || names(&thread::current())).join().unwrap());
    thread::current().unpark();
    thread::park_timeout_ms(u32::MAX);
    note("the token was there", &());
    let (now, hour) = (Instant::now(), Duration::from_secs(3600));
    note("earlier", &(now.duration_since(now + hour), now.checked_duration_since(now + hour)));
    note("a day ago", &now.checked_sub(24 * hour).is_some());
    note("never", &now.checked_add(Duration::MAX));
    seen
}

fn keys_that_are_set(note: &mut dyn FnMut(&str, &dyn Debug)) {
    local! {
        static NUMBER: Cell<i32> = panic!("set does not call this");
        static TEXT: RefCell<String> = panic!("nor does this");
        static CONSTANT: Cell<u8> = const { Cell::new(7) };
        static LATE: RefCell<Vec<i32>> = RefCell::new(vec![1]);
    }
    NUMBER.set(1);
    NUMBER.set(NUMBER.get() + 1);
    TEXT.set("one".to_owned());
    TEXT.with_borrow_mut(|text| text.push('!'));
    note("set", &(NUMBER.replace(5), NUMBER.take(), NUMBER.get(), TEXT.replace(String::new()), TEXT.take()));
    note("constant", &(CONSTANT.get(), CONSTANT.take()));
    LATE.with_borrow_mut(|late| late.push(2));
    LATE.set(vec![3]);
    note("late", &(LATE.with_borrow(Vec::clone), LATE.try_with(|late| late.borrow().len())));
    let other = thread::spawn(|| (CONSTANT.get(), LATE.with_borrow(Vec::len)));
    note("of another thread", &other.join().unwrap());
    let never_set = thread::spawn(|| NUMBER.get()).join();
    note("never set", &never_set.unwrap_err().downcast_ref::<&str>());
    let borrowed = thread::spawn(|| LATE.with_borrow(|_| LATE.set(vec![])));
    note("set while it is borrowed", &borrowed.join().is_err());
}

/// What is done with the payload of a join.
fn payloads(note: &mut dyn FnMut(&str, &dyn Debug)) {
    fn text(payload: &(dyn std::any::Any + Send)) -> String {
        payload.downcast_ref::<&str>().map_or_else(|| "other".into(), ToString::to_string)
    }
    fn question() -> std::thread::Result<i32> {
        let three: i32 = thread::spawn(|| 3).join()?;
        thread::spawn(|| panic!("after three")).join()?;
        Ok(three)
    }
    let mut error = thread::spawn(|| panic!("text")).join().unwrap_err();
    note("deref", &text(&*error));
    note("is", &(error.is::<&str>(), error.is::<String>(), error.downcast_ref::<i32>()));
    if let Some(text) = error.downcast_mut::<&str>() {
        *text = "changed";
    }
    note("changed", &error.downcast::<&str>().map_err(|_| ()));
    note("question mark", &question().map_err(|payload| text(&*payload)));
    let resumed = thread::spawn(|| {
        let error = thread::spawn(|| std::panic::panic_any(7)).join().unwrap_err();
        std::panic::resume_unwind(error.into())
    });
    let resumed: thread::Result<()> = resumed.join();
    note("resumed", &resumed.unwrap_err().downcast_ref::<i32>());
}

fn unchecked(note: &mut dyn FnMut(&str, &dyn Debug)) {
    let words = ["green", "thread"];
    // SAFETY: the join waits for it, and `words` is alive until then: nobody cancels this test.
    let handle = unsafe { Builder::new().spawn_unchecked(|| words.concat()) };
    note("unchecked", &handle.unwrap().join().unwrap());
}
