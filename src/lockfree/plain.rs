//! Plain data beside atomics.

use crate::atomic::{UnsafeCell, const_unless_loom};

/// A value that a lock elsewhere guards, as a `Cell`; a model sees every access to it.
#[derive(Debug)]
pub(crate) struct Plain<T>(UnsafeCell<T>);

impl<T: Copy> Plain<T> {
    const_unless_loom! {
        pub(crate) fn new(value: T) -> Self {
            Self(UnsafeCell::new(value))
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> T {
        // SAFETY: not `Sync`, and no reference to the value is ever out, so nobody writes meanwhile.
        self.0.with(|value| unsafe { *value })
    }

    #[inline(always)]
    pub(crate) fn set(&self, value: T) {
        // SAFETY: as in `get`; nobody reads meanwhile either.
        self.0.with_mut(|place| unsafe { *place = value });
    }
}
