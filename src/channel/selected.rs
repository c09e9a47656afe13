//! [`SelectedOperation`].

#![allow(unsafe_code)]

use std::{fmt, mem, ptr};

use super::{
    Receiver, RecvError, SendError, Sender,
    case::{Entry, Receiving, Sending},
};

/// An operation that a [`Select`](super::Select) has selected, to be completed: with the sender or receiver that it was
/// added with.
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

impl<'a> SelectedOperation<'a> {
    /// The operation with this index. `end` is the address of a sender or receiver that is borrowed for 'a, and `case` is the
    /// one that this end has made: what is unsafe below builds on it.
    pub(super) fn new(index: usize, end: *const (), case: Box<dyn Entry + 'a>) -> Self {
        Self { index, end, case: Some(case) }
    }
}

impl SelectedOperation<'_> {
    /// The index of the operation, as it was returned when it was added.
    ///
    /// ```
    /// let (sender, _receiver) = sward::channel::bounded(1);
    /// let mut select = sward::channel::Select::new();
    /// let index = select.send(&sender);
    /// let operation = select.select();
    /// assert_eq!(operation.index(), index);
    /// operation.send(&sender, 7).unwrap();
    /// ```
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
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// let mut select = sward::channel::Select::new();
    /// select.send(&sender);
    /// let operation = select.select(); // a place is kept
    /// operation.send(&sender, 7).unwrap();
    /// assert_eq!(receiver.recv(), Ok(7));
    /// ```
    pub fn send<T>(mut self, sender: &Sender<T>, message: T) -> Result<(), SendError<T>> {
        assert!(ptr::eq(self.end, ptr::from_ref(sender).cast()), "passed a sender that wasn't selected");
        let case = self.case.take().expect("it is completed once");
        // SAFETY: as `new` was told, the end is borrowed for as long as the operation, so what lies at its address is still
        // that one. The address of a `Sender<T>` (which is not of size zero) is no other end's, so it was added as one,
        // and its case is a `Sending<T>`.
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
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// sender.send(7).unwrap();
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// let operation = select.select(); // a message is kept
    /// assert_eq!(operation.recv(&receiver), Ok(7));
    /// ```
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

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SelectedOperation { .. }")
    }
}
