//! What is `std`'s own: `Arc`, `Weak`, the atomics, and the types of results.

use std::any::TypeId;

use super::{
    sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic},
    thread,
};
use crate::seen::Seen;

pub(crate) fn the_very_same_types() -> Vec<String> {
    let mut seen = Seen::new();
    macro_rules! same {
        ($($path:ty = $std:ty),+ $(,)?) => {
            $( seen.note(stringify!($path), TypeId::of::<$path>() == TypeId::of::<$std>()); )+
        };
    }
    same!(
        Arc<i32> = std::sync::Arc<i32>,
        Weak<i32> = std::sync::Weak<i32>,
        LockResult<i32> = std::sync::LockResult<i32>,
        TryLockResult<i32> = std::sync::TryLockResult<i32>,
        PoisonError<i32> = std::sync::PoisonError<i32>,
        TryLockError<i32> = std::sync::TryLockError<i32>,
        atomic::AtomicUsize = std::sync::atomic::AtomicUsize,
        atomic::AtomicBool = std::sync::atomic::AtomicBool,
        atomic::AtomicPtr<u8> = std::sync::atomic::AtomicPtr<u8>,
        atomic::Ordering = std::sync::atomic::Ordering,
    );
    seen.end()
}

pub(crate) fn references_are_counted() -> Vec<String> {
    let mut seen = Seen::new();
    let shared = Arc::new(atomic::AtomicU32::new(0));
    let weak: Weak<_> = Arc::downgrade(&shared);
    let handles: Vec<_> = (0..4)
        .map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.fetch_add(1, atomic::Ordering::Relaxed))
        })
        .collect();
    handles.into_iter().for_each(|handle| assert!(handle.join().unwrap() < 4));
    seen.note("value", shared.load(atomic::Ordering::Acquire));
    seen.note("counts", (Arc::strong_count(&shared), Arc::weak_count(&shared)));
    seen.note("upgrade", weak.upgrade().is_some());
    drop(shared);
    seen.note("gone", (weak.upgrade().is_none(), Weak::<i32>::new().upgrade()));
    seen.texts("cyclic", &Arc::new_cyclic(|me: &Weak<(i32, usize)>| (1, me.strong_count())));
    atomic::fence(atomic::Ordering::SeqCst);
    seen.end()
}
