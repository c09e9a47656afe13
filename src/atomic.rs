//! The atomics façade: `std`'s types, or loom's under `--cfg loom`, so that the protocols of
//! [`lockfree`](crate::lockfree) are model-checked as they are shipped.

#[cfg(loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    },
};

#[cfg(not(loom))]
pub(crate) use self::real::UnsafeCell;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

/// A function that is `const`, so that statics can be made with it; not under loom, whose types cannot be.
macro_rules! const_unless_loom {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty $body:block) => {
        #[cfg(not(loom))]
        $(#[$meta])*
        $vis const fn $name($($arg: $type),*) -> $result $body
        #[cfg(loom)]
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) -> $result $body
    };
}
pub(crate) use const_unless_loom;

/// The light one of an asymmetric pair of fences: it orders as a full one does towards a thread that has called the heavy
/// one, if there is one. If not it *is* a full one.
#[inline(always)]
pub(crate) fn light_fence(has_heavy: bool) {
    // Loom knows no pair of unlike fences: two full ones order as much.
    match has_heavy && cfg!(not(loom)) {
        true => std::sync::atomic::compiler_fence(Ordering::SeqCst),
        false => fence(Ordering::SeqCst),
    }
}

/// What one does in the `round`th vain look at a lock that is held for a few instructions only: at first nothing,
/// then it lets other OS threads run, and at last it sleeps, lest it keep out a holder of lower priority for good.
#[cold]
pub(crate) fn relax(round: u32) {
    #[cfg(loom)]
    {
        let _ = round;
        loom::thread::yield_now();
    }
    #[cfg(not(loom))]
    match round {
        0..64 => std::hint::spin_loop(),
        64..256 => std::thread::yield_now(),
        _ => std::thread::sleep(std::time::Duration::from_micros(50)),
    }
}

#[cfg(not(loom))]
mod real {
    /// `std`'s cell with loom's way of access, so that a model sees every access to shared plain memory.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Hands out a pointer for reading.
        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Hands out a pointer for writing.
        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}
