//! [`LazyLock`].

#![allow(unsafe_code)]

use std::{
    cell::UnsafeCell,
    fmt, hint, mem,
    ops::{Deref, DerefMut},
    panic::{RefUnwindSafe, UnwindSafe},
};

use super::Once;

/// A value that is made at its first use. As [`std::sync::LazyLock`], whose documentation holds; who has to wait parks
/// instead of blocking.
///
/// # Fairness
/// As [`Once`]: all who wait are woken when the value is there, in the order in which they came.
///
/// # Cancellation
/// To use it is a park point if another is making the value. If the closure panics it is poisoned, and each later use
/// panics. The same holds if a cancel or a timeout unwinds out of the closure: it has been called, and there is no
/// other. Where that may happen, make the value under a [`shield`](crate::shield), or use a
/// [`OnceLock`](super::OnceLock).
///
/// ```
/// use sward::sync::LazyLock;
///
/// static SQUARES: LazyLock<Vec<u64>> = LazyLock::new(|| {
///     sward::yield_now(); // the closure may park: the others wait
///     (0..10).map(|n| n * n).collect()
/// });
///
/// let handles: Vec<_> = (0..10).map(|n| sward::spawn(move || SQUARES[n])).collect();
/// let squares: Vec<_> = sward::join_all(handles).into_iter().map(|square| square.unwrap()).collect();
/// assert_eq!(squares[3], 9);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    /// Completed once the value is there.
    once: Once,
    /// Written by the closure of `once`. Only read once it is completed and the cell is shared.
    content: UnsafeCell<Content<T, F>>,
}

enum Content<T, F> {
    /// How it is made.
    Closure(F),
    Value(T),
    /// The closure was called, and has not returned.
    Poisoned,
}

// SAFETY: the value is made by one thread and read by many (`T: Sync`), and may be made by another than drops it
// (`T: Send`); the closure is called or dropped by one thread at a time (`F: Send`).
unsafe impl<T: Sync + Send, F: Send> Sync for LazyLock<T, F> {}

impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// One whose value is made by `f`.
    #[inline]
    pub const fn new(f: F) -> Self {
        Self { once: Once::new(), content: UnsafeCell::new(Content::Closure(f)) }
    }

    /// The value; it is made if it is not there. If another is making it, parks until it is there.
    ///
    /// # Panics
    /// If the closure does, or did not return before. If the calling green thread (or OS thread) runs it: it would wait
    /// for itself for ever.
    #[inline]
    #[track_caller]
    pub fn force(this: &Self) -> &T {
        if !this.once.is_completed() {
            this.once.call_once_force(|_| {
                // SAFETY: only the closure of the `Once` gets here, one at a time and before it is completed, and nobody
                // reads before that. The borrow is not held while the user's closure runs.
                let content = unsafe { mem::replace(&mut *this.content.get(), Content::Poisoned) };
                let value = content.make();
                // SAFETY: as above.
                unsafe { *this.content.get() = Content::Value(value) };
            });
        }
        Self::get(this).expect("it is completed")
    }

    /// The value to change; it is made if it is not there. Never waits for another: the borrow says that there is none.
    ///
    /// # Panics
    /// If the closure does, or did not return before.
    #[inline]
    #[track_caller]
    pub fn force_mut(this: &mut Self) -> &mut T {
        let content = this.content.get_mut();
        if !matches!(content, Content::Value(_)) {
            let value = mem::replace(content, Content::Poisoned).make();
            *content = Content::Value(value);
            this.once = Once::completed();
        }
        Self::get_mut(this).expect("it was made")
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value, if it is there. Never parks.
    #[inline]
    pub fn get(this: &Self) -> Option<&T> {
        this.once.is_completed().then(|| {
            // SAFETY: completed, so the content is visible, and not written any more while the cell is borrowed.
            match unsafe { &*this.content.get() } {
                Content::Value(value) => value,
                // SAFETY: who completes the `Once` has put the value there before.
                _ => unsafe { hint::unreachable_unchecked() },
            }
        })
    }

    /// The value to change, if it is there.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        match this.content.get_mut() {
            Content::Value(value) => Some(value),
            _ => None,
        }
    }
}

impl<T, F: FnOnce() -> T> Content<T, F> {
    #[track_caller]
    fn make(self) -> T {
        match self {
            Content::Closure(f) => f(),
            _ => panic!("LazyLock instance has previously been poisoned"),
        }
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    #[inline]
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        Self::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    /// One whose value is `T`'s default.
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("LazyLock");
        match Self::get(self) {
            Some(value) => debug.field(value),
            None => debug.field(&format_args!("<uninit>")),
        };
        debug.finish()
    }
}
