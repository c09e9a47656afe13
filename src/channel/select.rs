//! [`Select`].

#![allow(unsafe_code)]

use std::{fmt, mem, ptr};

use super::{
    ReadyTimeoutError, Receiver, RecvError, SelectTimeoutError, SendError, Sender, TryReadyError,
    TrySelectError,
    case::{self, AnyCase, Entry, NONE, Receiving, Sending},
};
use crate::{
    sched::{self, clock::Nanos},
    time::{Duration, Instant},
};

/// Waits for one of several channel operations, of a number that is known at run time only. As crossbeam's; where the
/// operations are known, [`select!`](crate::channel::select) is simpler and allocates nothing.
///
/// An operation that was selected must be [completed](SelectedOperation), on the same channel. Until then what it stands
/// for is kept for it: a message, a place in the buffer, or the receiver of a rendezvous.
///
/// A `Select` may be sent to another OS thread, and so takes channels of messages that may be; the macro takes any.
///
/// # Fairness
/// If several can be done, one of them is chosen at random (by the runtime's seed, if it has one), or the first with
/// [`new_biased`](Self::new_biased). While it waits it stands in each channel's line, as a send or receive does.
///
/// # Cancellation
/// [`select`](Self::select) and [`ready`](Self::ready) are park points if they have to wait. If an operation was selected when
/// a cancel came it is returned, and the cancel is met at the next park.
///
/// ```
/// use sward::channel::{Select, unbounded};
///
/// let channels: Vec<_> = (0..10).map(|_| unbounded()).collect();
/// channels[7].0.send("seven").unwrap();
///
/// let mut select = Select::new();
/// for (_, receiver) in &channels {
///     select.recv(receiver);
/// }
/// let operation = select.select();
/// assert_eq!(operation.index(), 7);
/// assert_eq!(operation.recv(&channels[7].1), Ok("seven"));
/// ```
#[derive(Clone)]
pub struct Select<'a> {
    operations: Vec<Added<'a>>,
    next: usize,
    biased: bool,
}

#[derive(Clone, Copy)]
struct Added<'a> {
    index: usize,
    end: &'a (dyn End + Sync + 'a),
}

/// An operation that a [`Select`] has selected, to be completed: with the sender or receiver that it was added with.
///
/// # Panics
/// If it is dropped instead, or completed with another one.
#[must_use]
pub struct SelectedOperation<'a> {
    index: usize,
    /// The sender or receiver.
    end: *const (),
    /// A [`Sending`] or [`Receiving`] of it; `None` when it is completed.
    case: Option<Box<dyn Entry + 'a>>,
}

/// A sender or receiver.
trait End {
    fn case(&self) -> Box<dyn Entry + '_>;
}

impl<T> End for Sender<T> {
    fn case(&self) -> Box<dyn Entry + '_> {
        Box::new(Sending::new(self))
    }
}

impl<T> End for Receiver<T> {
    fn case(&self) -> Box<dyn Entry + '_> {
        Box::new(Receiving::new(self))
    }
}

impl<'a> Select<'a> {
    /// Without operations.
    #[must_use]
    pub fn new() -> Self {
        Self { operations: Vec::with_capacity(4), next: 0, biased: false }
    }

    /// Without operations; if several can be done, the one that was added first is.
    #[must_use]
    pub fn new_biased() -> Self {
        Self { biased: true, ..Self::new() }
    }

    /// Adds a send, and returns its index.
    pub fn send<T: Send>(&mut self, sender: &'a Sender<T>) -> usize {
        self.add(sender)
    }

    /// Adds a receive, and returns its index.
    pub fn recv<T: Send>(&mut self, receiver: &'a Receiver<T>) -> usize {
        self.add(receiver)
    }

    fn add(&mut self, end: &'a (dyn End + Sync + 'a)) -> usize {
        let index = self.next;
        self.operations.push(Added { index, end });
        self.next += 1;
        index
    }

    /// Removes an operation that was added. The others keep their indices.
    ///
    /// # Panics
    /// If there is none with this index, or no more.
    pub fn remove(&mut self, index: usize) {
        assert!(index < self.next, "index out of bounds; {index} >= {}", self.next);
        let place = self.operations.iter().position(|added| added.index == index);
        self.operations.remove(place.expect("no operation with this index"));
    }

    /// Selects an operation that can be done now.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.select_until(None).ok_or(TrySelectError)
    }

    /// Selects an operation, parking until one can be done.
    ///
    /// # Panics
    /// If none has been added.
    pub fn select(&mut self) -> SelectedOperation<'a> {
        self.assert_any();
        self.select_until(Some(Nanos::NEVER)).expect("it waits for as long as it takes")
    }

    /// As [`select`](Self::select), at the longest for this time.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn select_timeout(&mut self, timeout: Duration) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.select_until(Some(sched::now().saturating_add(timeout))).ok_or(SelectTimeoutError)
    }

    /// As [`select`](Self::select), at the longest until this moment.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.select_until(Some(deadline.nanos())).ok_or(SelectTimeoutError)
    }

    /// The index of an operation that can be done now. Somebody else may be faster to do it.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.ready_until(None).ok_or(TryReadyError)
    }

    /// The index of an operation that can be done, parking until there is one. Somebody else may be faster to do it.
    ///
    /// # Panics
    /// If none has been added.
    pub fn ready(&mut self) -> usize {
        self.assert_any();
        self.ready_until(Some(Nanos::NEVER)).expect("it waits for as long as it takes")
    }

    /// As [`ready`](Self::ready), at the longest for this time.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        self.ready_until(Some(sched::now().saturating_add(timeout))).ok_or(ReadyTimeoutError)
    }

    /// As [`ready`](Self::ready), at the longest until this moment.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        self.ready_until(Some(deadline.nanos())).ok_or(ReadyTimeoutError)
    }

    #[track_caller]
    fn assert_any(&self) {
        assert!(!self.operations.is_empty(), "no operations have been added to `Select`");
    }

    fn cases(&self) -> Vec<Box<dyn Entry + 'a>> {
        self.operations.iter().map(|added| added.end.case()).collect()
    }

    fn select_until(&self, until: Option<Nanos>) -> Option<SelectedOperation<'a>> {
        let mut cases = self.cases();
        let selected = {
            let mut any: Vec<_> = cases.iter_mut().map(|case| AnyCase::of(&mut **case)).collect();
            case::select_until(&mut any, until, self.biased)
        };
        let added = self.operations.get(selected).filter(|_| selected != NONE)?;
        let end = ptr::from_ref(added.end).cast();
        Some(SelectedOperation { index: added.index, end, case: Some(cases.swap_remove(selected)) })
    }

    fn ready_until(&self, until: Option<Nanos>) -> Option<usize> {
        let mut cases = self.cases();
        let mut any: Vec<_> = cases.iter_mut().map(|case| AnyCase::of(&mut **case)).collect();
        let ready = case::ready(&mut any, until, self.biased);
        self.operations.get(ready).filter(|_| ready != NONE).map(|added| added.index)
    }
}

impl SelectedOperation<'_> {
    /// The index of the operation, as it was returned when it was added.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Sends. Never parks.
    ///
    /// # Errors
    /// With the message, if no receiver is left.
    ///
    /// # Panics
    /// If this is not the sender that was selected.
    pub fn send<T>(mut self, sender: &Sender<T>, message: T) -> Result<(), SendError<T>> {
        assert!(ptr::eq(self.end, ptr::from_ref(sender).cast()), "passed a sender that wasn't selected");
        let case = self.case.take().expect("it is completed once");
        // SAFETY: a sender is borrowed for as long as the operation, so what lies at its address is still that one. The
        // address of a `Sender<T>` (which is not of size zero) is no other end's, so it was added as one, and its case
        // is a `Sending<T>`.
        let case = unsafe { Box::from_raw(Box::into_raw(case).cast::<Sending<'_, T>>()) };
        let permit = case.permit();
        permit.send(message)
    }

    /// Receives. Never parks.
    ///
    /// # Errors
    /// If there is no message, and no sender is left.
    ///
    /// # Panics
    /// If this is not the receiver that was selected.
    pub fn recv<T>(mut self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        assert!(ptr::eq(self.end, ptr::from_ref(receiver).cast()), "passed a receiver that wasn't selected");
        let case = self.case.take().expect("it is completed once");
        // SAFETY: as in `send`, with a receiver.
        let case = unsafe { Box::from_raw(Box::into_raw(case).cast::<Receiving<'_, T>>()) };
        case.finish()
    }
}

impl Drop for SelectedOperation<'_> {
    fn drop(&mut self) {
        if let Some(mut case) = mem::take(&mut self.case) {
            case.abandon();
            if !std::thread::panicking() {
                panic!("dropped `SelectedOperation` without completing the operation");
            }
        }
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Select { .. }")
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SelectedOperation { .. }")
    }
}
