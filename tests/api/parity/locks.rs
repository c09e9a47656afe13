//! `sync`'s locks, condition variables, barriers.

use std::{
    any::Any,
    cell::Cell,
    fmt::{Debug, Display},
    ops::{Deref, DerefMut},
    rc::Rc,
    time::Duration,
};

use super::sync::{
    self, Barrier, BarrierWaitResult, Condvar, LockResult, Mutex, MutexGuard, PoisonError, RwLock,
    RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult, WaitTimeoutResult,
};
use crate::traits::Has;

pub(crate) fn pointers() {
    mutexes();
    rw_locks();
    condvars();
    barriers();
    re_exports();
}

fn mutexes() {
    static MUTEX: Mutex<i32> = const { Mutex::new(1) };
    let _: &Mutex<i32> = &MUTEX;
    let _: fn(i32) -> Mutex<i32> = Mutex::new;
    let _: fn(Mutex<i32>) -> LockResult<i32> = Mutex::into_inner;
    let _: fn(&Mutex<str>) -> LockResult<MutexGuard<'_, str>> = Mutex::lock;
    let _: fn(&Mutex<str>) -> TryLockResult<MutexGuard<'_, str>> = Mutex::try_lock;
    let _: fn(&Mutex<str>) -> bool = Mutex::is_poisoned;
    let _: fn(&Mutex<str>) = Mutex::clear_poison;
    let _: fn(&mut Mutex<str>) -> LockResult<&mut str> = Mutex::get_mut;
    bound!(Mutex<i32>: From<i32>);
    bound!(Mutex<str>: Debug);
    bound!(MutexGuard<'static, str>: Deref<Target = str>);
    bound!(MutexGuard<'static, str>: DerefMut);
    bound!(MutexGuard<'static, str>: Debug);
    bound!(MutexGuard<'static, str>: Display);
}

fn rw_locks() {
    static LOCK: RwLock<i32> = const { RwLock::new(1) };
    let _: &RwLock<i32> = &LOCK;
    let _: fn(i32) -> RwLock<i32> = RwLock::new;
    let _: fn(RwLock<i32>) -> LockResult<i32> = RwLock::into_inner;
    let _: fn(&RwLock<str>) -> LockResult<RwLockReadGuard<'_, str>> = RwLock::read;
    let _: fn(&RwLock<str>) -> TryLockResult<RwLockReadGuard<'_, str>> = RwLock::try_read;
    let _: fn(&RwLock<str>) -> LockResult<RwLockWriteGuard<'_, str>> = RwLock::write;
    let _: fn(&RwLock<str>) -> TryLockResult<RwLockWriteGuard<'_, str>> = RwLock::try_write;
    let _: fn(&RwLock<str>) -> bool = RwLock::is_poisoned;
    let _: fn(&RwLock<str>) = RwLock::clear_poison;
    let _: fn(&mut RwLock<str>) -> LockResult<&mut str> = RwLock::get_mut;
    let _: fn(RwLockWriteGuard<'static, str>) -> RwLockReadGuard<'static, str> = RwLockWriteGuard::downgrade;
    bound!(RwLock<i32>: From<i32>);
    bound!(RwLock<str>: Debug);
    bound!(RwLockReadGuard<'static, str>: Deref<Target = str>);
    bound!(RwLockReadGuard<'static, str>: Display);
    bound!(RwLockWriteGuard<'static, str>: DerefMut);
    bound!(RwLockWriteGuard<'static, str>: Display);
}

fn condvars() {
    static CONDVAR: Condvar = const { Condvar::new() };
    type Guard<'a> = MutexGuard<'a, i32>;
    type Ask = fn(&mut i32) -> bool;
    type Timed<'a> = LockResult<(Guard<'a>, WaitTimeoutResult)>;
    let _: &Condvar = &CONDVAR;
    let _: fn() -> Condvar = Condvar::new;
    let _: for<'a> fn(&Condvar, Guard<'a>) -> LockResult<Guard<'a>> = Condvar::wait;
    let _: for<'a> fn(&Condvar, Guard<'a>, Ask) -> LockResult<Guard<'a>> =
        |condvar, guard, ask| condvar.wait_while(guard, ask);
    let _: for<'a> fn(&Condvar, Guard<'a>, Duration) -> Timed<'a> = Condvar::wait_timeout;
    let _: for<'a> fn(&Condvar, Guard<'a>, u32) -> LockResult<(Guard<'a>, bool)> = Condvar::wait_timeout_ms;
    let _: for<'a> fn(&Condvar, Guard<'a>, Duration, Ask) -> Timed<'a> =
        |condvar, guard, limit, ask| condvar.wait_timeout_while(guard, limit, ask);
    let _: fn(&Condvar) = Condvar::notify_one;
    let _: fn(&Condvar) = Condvar::notify_all;
    let _: fn(&WaitTimeoutResult) -> bool = WaitTimeoutResult::timed_out;
}

fn barriers() {
    static BARRIER: Barrier = const { Barrier::new(2) };
    let _: &Barrier = &BARRIER;
    let _: fn(usize) -> Barrier = Barrier::new;
    let _: fn(&Barrier) -> BarrierWaitResult = Barrier::wait;
    let _: fn(&BarrierWaitResult) -> bool = BarrierWaitResult::is_leader;
}

/// What is `std`'s own type with both.
fn re_exports() {
    let _: Option<std::sync::Arc<i32>> = None::<sync::Arc<i32>>;
    let _: Option<std::sync::Weak<i32>> = None::<sync::Weak<i32>>;
    let _: Option<std::sync::PoisonError<i32>> = None::<PoisonError<i32>>;
    let _: Option<std::sync::TryLockError<i32>> = None::<TryLockError<i32>>;
    let _: std::sync::atomic::AtomicBool = sync::atomic::AtomicBool::new(true);
    let _: std::sync::atomic::Ordering = sync::atomic::Ordering::SeqCst;
}

pub(crate) fn traits() -> Vec<Has> {
    traits_of![
        sync::Mutex<i32>,
        sync::Mutex<Rc<i32>>,
        sync::Mutex<dyn Any>,
        sync::MutexGuard<'static, i32>,
        sync::MutexGuard<'static, Cell<i32>>,
        sync::RwLock<i32>,
        sync::RwLock<Cell<i32>>,
        sync::RwLock<Rc<i32>>,
        sync::RwLockReadGuard<'static, i32>,
        sync::RwLockReadGuard<'static, Cell<i32>>,
        sync::RwLockWriteGuard<'static, i32>,
        sync::RwLockWriteGuard<'static, Cell<i32>>,
        sync::Condvar,
        sync::WaitTimeoutResult,
        sync::Barrier,
        sync::BarrierWaitResult,
        sync::LockResult<i32>,
        sync::TryLockResult<i32>,
    ]
}
