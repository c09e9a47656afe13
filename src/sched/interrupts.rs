//! What ends a wait from outside: the timeouts that a thread is inside of, and the shields that hold them back.
//!
//! Timeouts nest. Each is a frame with a deadline; a park waits no longer than for the nearest one, and one that has
//! come unwinds to the `timeout` that pushed its frame. A shield holds back what was there before it, and no
//! timeout inside it. Setting a timeout touches neither the timers nor the clock's deadline list: that is done by
//! the park that has to wait, so a timeout around a call that does not wait costs a clock reading.
//!
//! Owner-only data: it lies in a green thread's slot, or in an OS thread's locals.

use std::cell::{Cell, OnceCell, RefCell};

use super::{cancel::CAN_UNWIND, clock::Nanos, worker};

/// See the [module](self). What every yield looks at comes first, and then what every park does.
#[repr(C)]
pub(crate) struct Interrupts {
    /// The nearest deadline that is not held back.
    nearest: Cell<Nanos>,
    shields: Cell<u32>,
    /// Set while a cancel or a timeout unwinds the thread.
    unwinding: Cell<bool>,
    /// Made by the first timeout. Most green threads have none.
    timeouts: OnceCell<Box<Timeouts>>,
}

#[derive(Default)]
struct Timeouts {
    frames: RefCell<Vec<Frame>>,
    last_id: Cell<u64>,
}

#[derive(Clone, Copy)]
struct Frame {
    id: u64,
    deadline: Nanos,
    /// How many shields there were when it was pushed: with more, it is held back.
    shields: u32,
}

/// The frame of a deadline that was inherited: no `timeout` of this thread catches it.
pub(crate) const INHERITED: u64 = 0;

impl Interrupts {
    pub(crate) const fn new() -> Self {
        Self {
            nearest: Cell::new(Nanos::NEVER),
            shields: Cell::new(0),
            unwinding: Cell::new(false),
            timeouts: OnceCell::new(),
        }
    }

    /// The nearest deadline that is not held back.
    #[inline(always)]
    pub(crate) fn nearest(&self) -> Nanos {
        self.nearest.get()
    }

    #[inline(always)]
    pub(crate) fn is_shielded(&self) -> bool {
        self.shields.get() != 0
    }

    /// The nearest deadline of all, held back or not.
    pub(crate) fn deadline(&self) -> Option<Nanos> {
        let nearest = self.with_frames(|frames| frames.iter().map(|frame| frame.deadline).min());
        nearest.filter(|&deadline| deadline != Nanos::NEVER)
    }

    /// Whose time has come: of all that are not held back the earliest, and of equal ones the outermost.
    pub(crate) fn due(&self, now: Nanos) -> Option<u64> {
        self.with_frames(|frames| {
            let active = frames.iter().filter(|frame| frame.shields == self.shields.get());
            active
                .min_by_key(|frame| frame.deadline)
                .filter(|frame| frame.deadline <= now)
                .map(|frame| frame.id)
        })
    }

    pub(crate) fn push(&self, deadline: Nanos) -> u64 {
        let last = &self.timeouts().last_id;
        let id = last.get() + 1;
        last.set(id);
        self.push_as(id, deadline);
        id
    }

    pub(crate) fn push_as(&self, id: u64, deadline: Nanos) {
        self.timeouts().frames.borrow_mut().push(Frame { id, deadline, shields: self.shields.get() });
        if CAN_UNWIND {
            self.nearest.set(self.nearest.get().min(deadline));
        }
    }

    /// Takes out the frame on top.
    pub(crate) fn pop(&self) {
        self.timeouts().frames.borrow_mut().pop();
        self.find_nearest();
    }

    pub(crate) fn say_unwinding(&self, unwinding: bool) {
        self.unwinding.set(unwinding);
    }

    /// Whether what unwinds the thread is a cancel or a timeout, and not a panic.
    pub(crate) fn is_unwinding(&self) -> bool {
        self.unwinding.get()
    }

    pub(crate) fn raise_shield(&self) {
        self.shields.set(self.shields.get() + 1);
        self.nearest.set(Nanos::NEVER);
    }

    pub(crate) fn lower_shield(&self) {
        self.shields.set(self.shields.get().saturating_sub(1));
        self.find_nearest();
    }

    /// As new, for the next green thread.
    #[inline]
    pub(crate) fn clear(&self) {
        if let Some(timeouts) = self.timeouts.get() {
            timeouts.frames.borrow_mut().clear();
        }
        self.nearest.set(Nanos::NEVER);
        self.shields.set(0);
        self.unwinding.set(false);
    }

    fn find_nearest(&self) {
        let nearest = self.with_frames(|frames| {
            let active = frames.iter().rev().take_while(|frame| frame.shields == self.shields.get());
            active.map(|frame| frame.deadline).min().filter(|_| CAN_UNWIND)
        });
        self.nearest.set(nearest.unwrap_or(Nanos::NEVER));
    }

    fn timeouts(&self) -> &Timeouts {
        self.timeouts.get_or_init(Box::default)
    }

    fn with_frames<R>(&self, f: impl FnOnce(&[Frame]) -> R) -> R {
        match self.timeouts.get() {
            Some(timeouts) => f(&timeouts.frames.borrow()),
            None => f(&[]),
        }
    }
}

/// Runs `f` with the calling thread's interrupts, green or not.
pub(crate) fn with_current<R>(f: impl FnOnce(&Interrupts) -> R) -> R {
    thread_local! {
        static OF_OS_THREAD: Interrupts = const { Interrupts::new() };
        /// Without a destructor, and so there to the very end.
        static LATE: Cell<Option<&'static Interrupts>> = const { Cell::new(None) };
    }
    match worker::current() {
        Some((_, slot)) => f(&slot.interrupts),
        None => {
            let mut f = Some(f);
            let result = OF_OS_THREAD.try_with(|interrupts| f.take().map(|f| f(interrupts)));
            // At the very end of an OS thread its locals are gone, and what stands for them is never freed.
            result.ok().flatten().unwrap_or_else(|| {
                let late = LATE.get().unwrap_or_else(|| Box::leak(Box::new(Interrupts::new())));
                LATE.set(Some(late));
                f.take().expect("not called")(late)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_wins_and_of_equal_ones_the_outermost() {
        let interrupts = Interrupts::new();
        let outer = interrupts.push(Nanos(20));
        let inner = interrupts.push(Nanos(10));
        interrupts.push(Nanos(10));
        assert_eq!(interrupts.nearest(), Nanos(10));
        assert_eq!(interrupts.due(Nanos(9)), None);
        assert_eq!(interrupts.due(Nanos(30)), Some(inner));
        interrupts.pop();
        interrupts.pop();
        assert_eq!((interrupts.nearest(), interrupts.due(Nanos(20))), (Nanos(20), Some(outer)));
    }

    #[test]
    fn a_shield_holds_back_what_was_there_and_not_what_comes_inside() {
        let interrupts = Interrupts::new();
        let outside = interrupts.push(Nanos(10));
        interrupts.raise_shield();
        assert_eq!((interrupts.nearest(), interrupts.due(Nanos(99))), (Nanos::NEVER, None));
        let inside = interrupts.push(Nanos(20));
        assert_eq!(interrupts.due(Nanos(99)), Some(inside));
        interrupts.pop();
        interrupts.lower_shield();
        assert_eq!((interrupts.nearest(), interrupts.due(Nanos(99))), (Nanos(10), Some(outside)));
    }
}
