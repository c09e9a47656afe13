//! `sward::event::{Promise, Promised}`: a value that many wait for.

mod support;

use std::{
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use support::{Drops, SECOND, in_run, in_virtual_time, runtime, until_parked, watched};
use sward::{
    event::{Promise, PromiseError, Promised},
    sleep, spawn,
    time::Instant,
    yield_now,
};

#[test]
fn all_readers_get_the_value_now_and_later() {
    in_run(|| {
        let (promise, promised) = Promise::new();
        assert!(!promised.is_set() && promised.try_get().is_none());
        let readers = [(); 3].map(|()| {
            let promised = promised.clone();
            let reader = spawn(move || promised.get());
            until_parked(&reader);
            reader
        });
        promise.set(5);
        for reader in readers {
            assert_eq!(reader.join().unwrap(), Ok(5));
        }
        assert!(promised.is_set());
        assert_eq!(promised.try_get(), Some(Ok(5)));
        assert_eq!(promised.get_timeout(Duration::ZERO), Ok(5));
        assert_eq!(promised.get_ref(), Ok(&5));
    });
}

#[test]
fn readers_share_one_error() {
    in_run(|| {
        let (promise, promised) = Promise::<u32>::new();
        promise.fail(io::Error::from(io::ErrorKind::AddrInUse));
        let (one, other) = (promised.get().unwrap_err(), promised.clone().get().unwrap_err());
        assert_eq!(one, other);
        assert_eq!(one.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::AddrInUse);
        assert!(one.downcast_ref::<std::fmt::Error>().is_none());
        let (promise, promised) = Promise::<u32>::new();
        promise.fail(format!("{} is {}", "this", "text"));
        assert_eq!(promised.get().unwrap_err().to_string(), "this is text");
    });
}

#[test]
fn a_promise_that_is_dropped_is_broken() {
    in_run(|| {
        let (promise, promised) = Promise::<u32>::new();
        drop(promise);
        assert_eq!(promised.get(), Err(PromiseError::Broken));
        assert!(promised.get().unwrap_err().to_string().contains("broken promise"));
    });
}

#[test]
fn a_promise_of_one_who_panics_or_is_cancelled_is_broken() {
    in_run(|| {
        let (promise, promised) = Promise::<u32>::new();
        let giver = spawn(move || {
            let _promise = promise;
            std::panic::resume_unwind(Box::new("no message"));
        });
        assert_eq!(promised.get(), Err(PromiseError::Broken));
        assert!(giver.join().is_err());
        let (promise, promised) = Promise::<u32>::new();
        let giver = spawn(move || {
            let _promise = promise;
            sward::thread::park();
        });
        until_parked(&giver);
        giver.cancel();
        assert_eq!(promised.get(), Err(PromiseError::Broken));
    });
}

#[test]
fn a_get_that_times_out_can_be_made_again() {
    in_virtual_time(|| {
        let (promise, promised) = Promise::new();
        let giver = spawn(move || {
            sleep(SECOND * 3);
            promise.set("late");
        });
        let start = Instant::now();
        assert_eq!(promised.get_timeout(Duration::ZERO), Err(PromiseError::TimedOut));
        assert_eq!(promised.get_timeout(SECOND), Err(PromiseError::TimedOut));
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(promised.get_timeout(SECOND * 10), Ok("late"));
        assert_eq!(start.elapsed(), SECOND * 3);
        giver.join().unwrap();
    });
}

#[test]
fn a_cancelled_reader_leaves_the_value_to_the_others() {
    in_run(|| {
        let (promise, promised) = Promise::new();
        let readers = [(); 2].map(|()| {
            let promised = promised.clone();
            let reader = spawn(move || promised.get());
            until_parked(&reader);
            reader
        });
        readers[0].cancel();
        yield_now();
        promise.set(1);
        let [first, second] = readers;
        assert!(first.join().unwrap_err().is_cancelled());
        assert_eq!(second.join().unwrap(), Ok(1));
    });
}

#[test]
fn a_reader_that_is_cancelled_after_the_value_came_has_it() {
    in_run(|| {
        let (promise, promised) = Promise::new();
        let reader = spawn(move || promised.get());
        until_parked(&reader);
        promise.set(1);
        reader.cancel();
        assert_eq!(reader.join().unwrap(), Ok(1));
    });
}

#[test]
fn the_sides_may_be_dropped_in_any_order() {
    watched(|| {
        let drops = Drops::new();
        let (promise, promised) = Promise::new();
        drop(promised);
        promise.set(Arc::new(drops.guard()));
        assert_eq!(drops.count(), 1);
        let (promise, promised) = Promise::new();
        let more = promise.promised();
        promise.set(Arc::new(drops.guard()));
        let value = promised.get().unwrap();
        drop((promised, more));
        assert_eq!(drops.count(), 1);
        drop(value);
        assert_eq!(drops.count(), 2);
    });
}

#[test]
fn it_goes_from_any_thread_to_any_other() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..200 {
            let (promise, promised) = Promise::new();
            let reader: Promised<_> = promised.clone();
            let green = runtime.spawn(move || reader.get());
            let reader = promised.clone();
            let os = std::thread::spawn(move || reader.get());
            let giver = runtime.spawn(move || promise.set(String::from("hello")));
            for answer in [green.join().unwrap(), os.join().unwrap(), promised.get()] {
                assert_eq!(answer.as_deref(), Ok("hello"));
            }
            giver.join().unwrap();
        }
    });
}

#[test]
fn it_can_be_awaited() {
    watched(|| {
        let mut context = Context::from_waker(Waker::noop());
        let (promise, promised) = Promise::new();
        let mut by_name = pin!(promised.get_async());
        let mut dropped = Box::pin((&promised).into_future());
        assert!(by_name.as_mut().poll(&mut context).is_pending());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
        drop(dropped);
        promise.set(7);
        assert_eq!(by_name.as_mut().poll(&mut context), Poll::Ready(Ok(7)));
        let mut awaited = pin!(async { promised.await });
        assert_eq!(awaited.as_mut().poll(&mut context), Poll::Ready(Ok(7)));
    });
}

#[test]
fn its_sides_are_shown_and_may_be_used_where_a_panic_is_caught() {
    fn all<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    let (promise, promised) = Promise::new();
    all(&promise);
    all(&promised);
    assert_eq!(format!("{promise:?} {promised:?}"), "Promise { .. } Promised { result: <not set> }");
    promise.set(3);
    assert_eq!(format!("{promised:?}"), "Promised { result: Ok(3) }");
}
