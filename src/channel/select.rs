//! [`Select`].

use std::{fmt, ptr};

use super::{
    ReadyTimeoutError, Receiver, SelectTimeoutError, SelectedOperation, Sender, TryReadyError,
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
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// sender.send(7).unwrap();
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// assert_eq!(select.select().recv(&receiver), Ok(7));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { operations: Vec::with_capacity(4), next: 0, biased: false }
    }

    /// Without operations; if several can be done, the one that was added first is.
    ///
    /// ```
    /// let channels = [(); 3].map(|()| sward::channel::unbounded());
    /// channels.iter().for_each(|(sender, _)| sender.send(7).unwrap());
    /// let mut select = sward::channel::Select::new_biased();
    /// channels.iter().for_each(|(_, receiver)| drop(select.recv(receiver)));
    /// assert_eq!(select.ready(), 0);
    /// ```
    #[must_use]
    pub fn new_biased() -> Self {
        Self { biased: true, ..Self::new() }
    }

    /// Adds a send, and returns its index.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// let mut select = sward::channel::Select::new();
    /// assert_eq!(select.send(&sender), 0);
    /// select.select().send(&sender, 7).unwrap();
    /// assert_eq!(receiver.recv(), Ok(7));
    /// ```
    pub fn send<T: Send>(&mut self, sender: &'a Sender<T>) -> usize {
        self.add(sender)
    }

    /// Adds a receive, and returns its index.
    ///
    /// ```
    /// let (_sender, receiver) = sward::channel::unbounded::<()>();
    /// let mut select = sward::channel::Select::new();
    /// assert_eq!((select.recv(&receiver), select.recv(&receiver)), (0, 1));
    /// ```
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
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// sender.send(7).unwrap();
    /// let mut select = sward::channel::Select::new();
    /// let index = select.recv(&receiver);
    /// select.remove(index);
    /// assert!(select.try_ready().is_err()); // nothing is left
    /// ```
    pub fn remove(&mut self, index: usize) {
        assert!(index < self.next, "index out of bounds; {index} >= {}", self.next);
        let place = self.operations.iter().position(|added| added.index == index);
        self.operations.remove(place.expect("no operation with this index"));
    }

    /// Selects an operation that can be done now.
    ///
    /// # Errors
    /// If there is none.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.try_select().is_err());
    /// sender.send(7).unwrap();
    /// assert_eq!(select.try_select().unwrap().recv(&receiver), Ok(7));
    /// ```
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.select_until(None).ok_or(TrySelectError)
    }

    /// Selects an operation, parking until one can be done.
    ///
    /// # Panics
    /// If none has been added.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// sward::spawn(move || sender.send(7).unwrap());
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// let operation = select.select(); // parks until it is sent
    /// assert_eq!(operation.recv(&receiver), Ok(7));
    /// ```
    pub fn select(&mut self) -> SelectedOperation<'a> {
        self.assert_any();
        self.select_until(Some(Nanos::NEVER)).expect("it waits for as long as it takes")
    }

    /// As [`select`](Self::select), at the longest for this time.
    ///
    /// # Errors
    /// If there is none in time.
    ///
    /// ```
    /// let (_sender, receiver) = sward::channel::unbounded::<()>();
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.select_timeout(sward::time::Duration::from_millis(1)).is_err());
    /// ```
    pub fn select_timeout(&mut self, timeout: Duration) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.select_until(Some(sched::now().saturating_add(timeout))).ok_or(SelectTimeoutError)
    }

    /// As [`select`](Self::select), at the longest until this moment.
    ///
    /// # Errors
    /// If there is none in time.
    ///
    /// ```
    /// let (_sender, receiver) = sward::channel::unbounded::<()>();
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.select_deadline(sward::time::Instant::now()).is_err());
    /// ```
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
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// let mut select = sward::channel::Select::new();
    /// let index = select.recv(&receiver);
    /// assert!(select.try_ready().is_err());
    /// sender.send(7).unwrap();
    /// assert_eq!(select.try_ready(), Ok(index));
    /// ```
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.ready_until(None).ok_or(TryReadyError)
    }

    /// The index of an operation that can be done, parking until there is one. Somebody else may be faster to do it.
    ///
    /// # Panics
    /// If none has been added.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// let mut select = sward::channel::Select::new();
    /// let index = select.recv(&receiver);
    /// sward::spawn(move || sender.send(7).unwrap());
    /// assert_eq!(select.ready(), index);
    /// assert_eq!(receiver.try_recv(), Ok(7)); // nobody was faster
    /// ```
    pub fn ready(&mut self) -> usize {
        self.assert_any();
        self.ready_until(Some(Nanos::NEVER)).expect("it waits for as long as it takes")
    }

    /// As [`ready`](Self::ready), at the longest for this time.
    ///
    /// # Errors
    /// If there is none in time.
    ///
    /// ```
    /// let (_sender, receiver) = sward::channel::unbounded::<()>();
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.ready_timeout(sward::time::Duration::from_millis(1)).is_err());
    /// ```
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        self.ready_until(Some(sched::now().saturating_add(timeout))).ok_or(ReadyTimeoutError)
    }

    /// As [`ready`](Self::ready), at the longest until this moment.
    ///
    /// # Errors
    /// If there is none in time.
    ///
    /// ```
    /// let (_sender, receiver) = sward::channel::unbounded::<()>();
    /// let mut select = sward::channel::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.ready_deadline(sward::time::Instant::now()).is_err());
    /// ```
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
        Some(SelectedOperation::new(added.index, end, cases.swap_remove(selected)))
    }

    fn ready_until(&self, until: Option<Nanos>) -> Option<usize> {
        let mut cases = self.cases();
        let mut any: Vec<_> = cases.iter_mut().map(|case| AnyCase::of(&mut **case)).collect();
        let ready = case::ready(&mut any, until, self.biased);
        self.operations.get(ready).filter(|_| ready != NONE).map(|added| added.index)
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
