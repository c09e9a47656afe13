//! What few green threads have: a name, somebody to tell of their end, a deadline, a delay. It lies in the task's allocation,
//! between core and closure, and those that have none pay a null pointer for it.

#![allow(unsafe_code)]

use std::{ptr::NonNull, sync::Arc};

use super::{
    clock::Nanos,
    delay::Delay,
    task::{Core, Failure, OnEnd, Stage, Task, to_raw},
};

pub(super) struct Extras {
    pub(super) name: Option<Box<str>>,
    pub(super) on_end: Option<Arc<dyn OnEnd>>,
    pub(super) deadline: Option<Nanos>,
    pub(super) delay: Option<Delay>,
}

/// A core's way to its extras.
///
/// **Invariant.** What it points to is a part of the task that the core is a part of, and is not written to.
#[derive(Default)]
pub(super) struct ExtrasPtr(Option<NonNull<Extras>>);

// SAFETY: it is only good for shared references to what is `Sync`, below.
unsafe impl Send for ExtrasPtr where Extras: Sync {}
// SAFETY: as above.
unsafe impl Sync for ExtrasPtr where Extras: Sync {}

impl ExtrasPtr {
    #[inline(always)]
    pub(super) fn get(&self) -> Option<&Extras> {
        // SAFETY: by the invariant it lives as long as the core that this is borrowed from, and nobody writes to it.
        self.0.map(|extras| unsafe { extras.as_ref() })
    }
}

/// A stage behind extras.
pub(super) struct WithExtras<S> {
    extras: Extras,
    stage: S,
}

/// A task of these parts.
pub(super) fn task_of<S>(core: Core, extras: Extras, stage: S) -> NonNull<Task<WithExtras<S>>> {
    let task = to_raw(Task { core, stage: WithExtras { extras, stage } });
    // By the allocation's own pointer, which references do not outdate.
    let at = task.as_ptr();
    // SAFETY: the allocation is alive, and nobody else has it yet.
    unsafe { (*at).core.extras = ExtrasPtr(NonNull::new(&raw mut (*at).stage.extras)) };
    task
}

impl<S: Stage> Stage for WithExtras<S> {
    unsafe fn run(&self, core: &Core) {
        // SAFETY: handed on, as in the others.
        unsafe { self.stage.run(core) }
    }

    unsafe fn abandon(&self, core: &Core, why: Failure) {
        // SAFETY: handed on.
        unsafe { self.stage.abandon(core, why) }
    }

    unsafe fn take(&self, into: *mut ()) {
        // SAFETY: handed on.
        unsafe { self.stage.take(into) }
    }

    unsafe fn discard(&self, core: &Core) {
        // SAFETY: handed on.
        unsafe { self.stage.discard(core) }
    }
}
