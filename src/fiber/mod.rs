//! L2: fibers, a stack and a saved context: the only user of `corosensei`.
//!
//! A [`Fiber`] runs one closure on one [`Stack`] and is resumed until the closure returns; the closure gets a
//! [`Suspender`] to switch back to whoever resumed it. Panics must not leave the closure: the scheduler
//! catches them at the root of every green thread, so that the payload goes to the joiner.

#![allow(unsafe_code)]

use std::num::NonZeroUsize;

use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::stack::Stack;

/// A green thread's mechanism: not `Send`, because what is on its stack need not be.
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<corosensei::Coroutine<(), ()>>();
/// ```
pub(crate) struct Fiber(Coroutine<(), (), (), FiberStack>);

/// The way back to the scheduler, for the closure that a fiber runs.
#[repr(transparent)]
pub(crate) struct Suspender(Yielder<(), ()>);

/// Where a fiber stands after [`Fiber::resume`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumed {
    Suspended,
    Returned,
}

struct FiberStack(Stack);

// SAFETY: `Stack` is at least 8 KiB above a guard region that faults on access, which `limit` includes; base
// and limit are aligned to 16 and stay the same as long as the stack is owned.
unsafe impl corosensei::stack::Stack for FiberStack {
    #[inline]
    fn base(&self) -> NonZeroUsize {
        self.0.base()
    }

    #[inline]
    fn limit(&self) -> NonZeroUsize {
        self.0.limit()
    }
}

impl Fiber {
    /// A fiber that will run `f` on `stack` at the first [`resume`](Self::resume).
    #[inline]
    pub(crate) fn new(stack: Stack, f: impl FnOnce(&Suspender) + 'static) -> Self {
        Self(Coroutine::with_stack(FiberStack(stack), move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: `Suspender` is a transparent wrapper of the yielder.
            f(unsafe { &*std::ptr::from_ref(yielder).cast::<Suspender>() });
        }))
    }

    /// Switches to the fiber, until it suspends itself or returns.
    #[inline(always)]
    pub(crate) fn resume(&mut self) -> Resumed {
        match self.0.resume(()) {
            CoroutineResult::Yield(()) => Resumed::Suspended,
            CoroutineResult::Return(()) => Resumed::Returned,
        }
    }

    /// The stack of a fiber that has returned.
    #[inline]
    pub(crate) fn into_stack(self) -> Stack {
        self.0.into_stack().0
    }

    /// Gives the fiber up without unwinding it, and leaks its stack with all that is on it: for a process
    /// that cannot unwind (`panic = "abort"`).
    pub(crate) fn leak(self) {
        std::mem::forget(self);
    }
}

impl Suspender {
    /// Switches back to whoever resumed the fiber; returns when it is resumed again.
    #[inline(always)]
    pub(crate) fn suspend(&self) {
        self.0.suspend(());
    }

    /// Runs `f` on the stack of whoever resumed the fiber. A panic in `f` comes out here.
    ///
    /// # Safety
    /// `f` must not suspend the fiber: its context is in use by this very call.
    pub(crate) unsafe fn on_parent_stack<F: FnOnce() -> R, R>(&self, f: F) -> R {
        struct SameThread<F>(F);
        // SAFETY: the parent's stack is the same OS thread's, so nothing crosses threads; the bound is there
        // to keep the yielder out of `f`, which is this function's contract.
        unsafe impl<F> Send for SameThread<F> {}
        impl<F: FnOnce() -> R, R> SameThread<F> {
            fn call(self) -> R {
                (self.0)()
            }
        }
        let f = SameThread(f);
        self.0.on_parent_stack(move || f.call())
    }
}
