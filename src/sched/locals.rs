//! Storage of the green thread's own: values by key, made at the first use and dropped at its end.

#![allow(unsafe_code)]

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    ptr::NonNull,
};

use super::worker;

/// A green thread's values. Owner-only.
pub(crate) struct Locals {
    values: RefCell<Vec<(usize, Box<dyn Any>)>>,
    /// Set while they are dropped: what is gone stays gone.
    ending: Cell<bool>,
}

/// The value is being dropped, or has been.
pub(crate) struct Gone;

impl Locals {
    pub(crate) const fn new() -> Self {
        Self { values: RefCell::new(Vec::new()), ending: Cell::new(false) }
    }

    /// Calls `f` with the value of `key`, which `init` makes if there is none.
    pub(crate) fn with<T: 'static, R>(&self, key: usize, init: fn() -> T, f: impl FnOnce(&T) -> R) -> Result<R, Gone> {
        let value = match self.find::<T>(key) {
            Some(value) => value,
            None if self.ending.get() => return Err(Gone),
            None => {
                // Not under the borrow: `init` may use other keys. Used this one itself, the later value stays.
                let made: Box<dyn Any> = Box::new(init());
                self.values.borrow_mut().push((key, made));
                self.find(key).expect("just pushed")
            }
        };
        // SAFETY: the value is in a box of its own, which moves neither when others come nor when they go, and is
        // dropped by `clear` alone: at the green thread's end, when its closure has returned, and so no `f` runs
        // but one that a destructor calls; and `clear` takes a value out before it runs its destructor, so that
        // `f` does not find it.
        Ok(f(unsafe { value.as_ref() }))
    }

    fn find<T: 'static>(&self, key: usize) -> Option<NonNull<T>> {
        let values = self.values.borrow();
        let (_, value) = values.iter().rev().find(|(its, _)| *its == key)?;
        value.downcast_ref().map(NonNull::from)
    }

    #[cold]
    fn clear(&self) {
        self.ending.set(true);
        loop {
            let last = self.values.borrow_mut().pop();
            let Some((_, value)) = last else { break };
            // A panic in a destructor has been printed, and has nobody to go to.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(value)));
        }
        self.ending.set(false);
    }
}

/// Drops the current green thread's values: it is at its end.
#[inline]
pub(crate) fn clear() {
    if let Some((_, slot)) = worker::current()
        && !slot.locals.values.borrow().is_empty()
    {
        slot.locals.clear();
    }
}
