//! [`OnceLock`].

#![allow(unsafe_code)]

use std::{
    cell::UnsafeCell,
    fmt, mem,
    panic::{RefUnwindSafe, UnwindSafe},
};

use super::Once;

/// A cell that is written once. As [`std::sync::OnceLock`], whose documentation holds; who has to wait parks instead of
/// blocking.
///
/// # Fairness
/// As [`Once`]: all who wait are woken when the value is there, in the order in which they came.
///
/// # Cancellation
/// A call that has to wait for another's closure is a park point. A closure that panics, and one that a cancel or a
/// timeout unwinds out of, leaves the cell empty, and the next caller (one that waits, if there is one) calls its own.
///
/// ```
/// use sward::sync::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
///
/// let handles: Vec<_> = (0..10)
///     .map(|_| {
///         sward::spawn(|| {
///             CONFIG.get_or_init(|| {
///                 sward::yield_now(); // the closure may park: the others wait
///                 "read once".to_owned()
///             })
///         })
///     })
///     .collect();
/// assert!(sward::join_all(handles).into_iter().all(|config| config.unwrap() == "read once"));
/// ```
pub struct OnceLock<T> {
    once: Once,
    /// `Some` once `once` is completed, written by its closure. Only read while the cell is shared.
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written by one thread and read by many (`T: Sync`), and may be taken out and dropped by another
// than wrote it (`T: Send`).
unsafe impl<T: Sync + Send> Sync for OnceLock<T> {}
// SAFETY: it owns the value.
unsafe impl<T: Send> Send for OnceLock<T> {}

impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// An empty cell.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { once: Once::new(), value: UnsafeCell::new(None) }
    }

    /// A cell with a value.
    fn full(value: T) -> Self {
        Self { once: Once::completed(), value: UnsafeCell::new(Some(value)) }
    }

    /// The value, if it is there. Never parks.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.once.is_completed().then(|| {
            // SAFETY: completed, so the value is there, visible, and not written any more while the cell is borrowed.
            unsafe { (*self.value.get()).as_ref().unwrap_unchecked() }
        })
    }

    /// The value to change, if it is there: the borrow says that nobody else is.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// The value, parking until it is there.
    ///
    /// # Panics
    /// If the calling green thread (or OS thread) runs the closure of this very cell: it would wait for itself for ever.
    #[inline]
    #[track_caller]
    pub fn wait(&self) -> &T {
        self.once.wait_force();
        self.get().expect("it is completed")
    }

    /// Puts the value there, if the cell is empty. If a closure is under way for it, parks until that has ended.
    ///
    /// # Errors
    /// With `value`, if there was one.
    ///
    /// # Panics
    /// If the calling green thread (or OS thread) runs the closure of this very cell.
    #[inline]
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("it is called once"));
        value.map_or(Ok(()), Err)
    }

    /// The value; if the cell is empty, what `f` returns becomes it. If another's closure is under way, parks until
    /// that has ended.
    ///
    /// # Panics
    /// If `f` does; the cell stays empty. If the calling green thread (or OS thread) runs the closure of this very cell.
    #[inline]
    #[track_caller]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        if let Some(value) = self.get() {
            return value;
        }
        self.once.call_once_force(|_| {
            let value = f();
            // SAFETY: only the closure of the `Once` gets here, one at a time and before it is completed, and nobody
            // reads before that.
            unsafe { *self.value.get() = Some(value) };
        });
        self.get().expect("it is completed")
    }

    /// The value, if it is there.
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, and leaves the cell empty.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        mem::take(self).into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => debug.field(value),
            None => debug.field(&format_args!("<uninit>")),
        };
        debug.finish()
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        self.get().map_or_else(Self::new, |value| Self::full(value.clone()))
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        Self::full(value)
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
