//! References to a task, counted in its core. As an `Arc`'s, but for the price: the two that a spawn needs are made at once,
//! there is no count of weak ones to take down at the end, and the core is where the pointer points to, whatever comes
//! behind it.

#![allow(unsafe_code)]

use std::{
    alloc::Layout,
    mem,
    ops::Deref,
    ptr::{self, NonNull},
};

use super::{Stage, Task, memory};

/// A shared green thread of any type.
///
/// **Invariant.** It owns one of those that the core's count counts, so the task is alive; and with the last one it is
/// dropped.
pub(crate) struct TaskRef(NonNull<Task<dyn Stage>>);

// SAFETY: it gives out `&Task` on whatever thread it is, and the last one drops the task there.
unsafe impl Send for TaskRef where Task<dyn Stage>: Send + Sync {}
// SAFETY: as above, for a shared one can be cloned.
unsafe impl Sync for TaskRef where Task<dyn Stage>: Send + Sync {}

/// What [`TaskRef::from_raw`] takes, for who has still something to write into it.
pub(in crate::sched) fn to_raw<S>(task: Task<S>) -> NonNull<Task<S>> {
    let place = memory::allocate(Layout::new::<Task<S>>()).cast();
    // SAFETY: it was just allocated for this.
    unsafe { place.write(task) };
    place
}

impl TaskRef {
    /// The first one of a task.
    ///
    /// # Safety
    /// `task` is of [`to_raw`], and the caller's to give, with a count of one; and what the task borrows lives as long as it
    /// is used.
    pub(super) unsafe fn from_raw(task: NonNull<Task<dyn Stage + '_>>) -> Self {
        // SAFETY: only the bound of the lifetime changes, which the caller answers for.
        Self(unsafe { mem::transmute::<NonNull<Task<dyn Stage + '_>>, NonNull<Task<dyn Stage>>>(task) })
    }

    /// As [`clone`](Clone::clone), and cheaper as long as it is the only one.
    pub(crate) fn clone_exclusive(&mut self) -> Self {
        // Borrowed exclusively: nobody makes another of it meanwhile.
        self.core.refs.add_exclusively();
        Self(self.0)
    }
}

impl Deref for TaskRef {
    type Target = Task<dyn Stage>;

    #[inline(always)]
    fn deref(&self) -> &Task<dyn Stage> {
        // SAFETY: alive by the invariant, for as long as this is; it is only ever shared.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for TaskRef {
    #[inline]
    fn clone(&self) -> Self {
        self.core.refs.add();
        Self(self.0)
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        if self.core.refs.give_back() {
            let layout = Layout::for_value(&**self);
            // SAFETY: this was the last one, so nobody else reaches it, and its memory is of `to_raw`.
            unsafe {
                ptr::drop_in_place(self.0.as_ptr());
                memory::free(self.0.cast(), layout);
            }
        }
    }
}
