//! Storage of the green thread's own: values by key, made at the first use and dropped at its end.

use std::{any::Any, cell::RefCell, ptr, rc::Rc};

use super::{task::Core, worker};
use crate::payload;

/// A green thread's values, in the order in which they were made. Owner-only.
pub(crate) struct Locals(RefCell<Vec<(usize, Value)>>);

/// `None` while its green thread ends, and it is being dropped or has been: what is gone stays gone.
type Value = Option<Rc<dyn Any>>;

/// The value is being dropped, or has been.
pub(crate) struct Gone;

impl Locals {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// Calls `f` with the value of `key`, which `init` makes if there is none.
    pub(crate) fn with<T: 'static, R>(
        &self,
        key: usize,
        init: impl FnOnce() -> T,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, Gone> {
        if let Some(value) = self.find(key) {
            let value = value.and_then(|value| value.downcast().ok()).ok_or(Gone)?;
            return Ok(f(&value));
        }
        // Not under the borrow: `init` may use other keys. If it used this one, the later value counts.
        let value = Rc::new(init());
        self.0.borrow_mut().push((key, Some(Rc::clone(&value) as Rc<dyn Any>)));
        Ok(f(&value))
    }

    fn find(&self, key: usize) -> Option<Value> {
        self.0.borrow().iter().rev().find(|(its, _)| *its == key).map(|(_, value)| value.clone())
    }

    /// Drops the values, the last first. What a destructor makes by a key that had none is dropped, too, as in `std`.
    #[cold]
    fn clear(&self) {
        let take_last = || self.0.borrow_mut().iter_mut().rev().find_map(|(_, value)| value.take());
        while let Some(value) = take_last() {
            payload::contain(|| drop(value));
        }
        self.0.borrow_mut().clear();
    }
}

/// Drops the values of the green thread of `core`, which is at its end, if it is the current one. It may be one that never
/// ran, and whose spawner was told so: then the current one is that one.
#[inline]
pub(crate) fn clear(core: &Core) {
    if let Some((_, slot)) = worker::current()
        && !slot.locals.0.borrow().is_empty()
        && ptr::eq(slot.core(), core)
    {
        slot.locals.clear();
    }
}
