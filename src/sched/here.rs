//! What runs on this OS thread: its worker, and the green thread that runs there now.
//!
//! Both lie side by side in the thread's own memory. A switch is a chain of loads, each by the address that the one before
//! it gave (the stack pointer, what is popped from there, this, the way back, ...), and the processor can do nothing else
//! meanwhile: so neither is found by way of the other.

#![allow(unsafe_code)]

use std::{cell::Cell, ptr};

use super::{
    slot::{Slot, SlotPtr},
    worker::Worker,
};

struct Here {
    /// Set by [`enter`] for as long as that runs.
    worker: Cell<*const Worker>,
    /// Set while a green thread runs; it is one of the worker's.
    slot: Cell<Option<SlotPtr>>,
}

thread_local! {
    static HERE: Here = const { Here { worker: Cell::new(ptr::null()), slot: Cell::new(None) } };
}

/// The worker whose OS thread this is.
#[inline(always)]
pub(crate) fn worker<'a>() -> Option<&'a Worker> {
    // SAFETY: the pointer is set by `enter` for as long as the worker's loop runs on this thread, and whoever calls this
    // runs under that loop: on one of its fibers, or in the scheduler itself.
    unsafe { HERE.with(|here| here.worker.get()).as_ref() }
}

/// The running green thread and its worker; `None` on a plain OS thread, and in the scheduler.
#[inline(always)]
pub(crate) fn current<'a>() -> Option<(&'a Worker, &'a Slot)> {
    HERE.with(|here| {
        let slot = here.slot.get()?;
        // SAFETY: a green thread runs, so this is under its worker's loop, as above; the slot is that worker's, and this
        // is its thread.
        Some(unsafe { (&*here.worker.get(), slot.get()) })
    })
}

/// The place of the running green thread.
#[inline(always)]
pub(super) fn slot() -> Option<SlotPtr> {
    HERE.with(|here| here.slot.get())
}

/// Says which green thread runs from now on, if any.
#[inline(always)]
pub(super) fn set_slot(slot: Option<SlotPtr>) {
    HERE.with(|here| here.slot.set(slot));
}

/// Runs `f` with this as the OS thread's worker. It does not unwind.
///
/// # Panics
/// If it has one.
pub(super) fn enter<R>(worker: &Worker, f: impl FnOnce() -> R) -> R {
    HERE.with(|here| {
        assert!(here.worker.get().is_null(), "an OS thread is one worker at a time");
        here.worker.set(worker);
    });
    let result = f();
    HERE.with(|here| here.worker.set(ptr::null()));
    result
}
