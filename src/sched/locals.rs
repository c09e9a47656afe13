//! Storage of the green thread's own: values by key, made at the first use and dropped at its end.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    rc::Rc,
};

use super::worker;

/// A green thread's values. Owner-only.
pub(crate) struct Locals {
    values: RefCell<Vec<(usize, Rc<dyn Any>)>>,
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
    pub(crate) fn with<T: 'static, R>(
        &self,
        key: usize,
        init: fn() -> T,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, Gone> {
        if let Some(value) = self.find::<T>(key) {
            return Ok(f(&value));
        }
        if self.ending.get() {
            return Err(Gone);
        }
        // Not under the borrow: `init` may use other keys. If it used this one, the later value counts.
        let value = Rc::new(init());
        self.values.borrow_mut().push((key, Rc::clone(&value) as Rc<dyn Any>));
        Ok(f(&value))
    }

    fn find<T: 'static>(&self, key: usize) -> Option<Rc<T>> {
        let values = self.values.borrow();
        let (_, value) = values.iter().rev().find(|(its, _)| *its == key)?;
        Rc::clone(value).downcast().ok()
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
