//! [`Sender`].

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use super::{SendError, SendTimeoutError, TrySendError};
use crate::{
    lockfree::channel::{Channel, NotSent, Send as SendOperation},
    sched::{
        self,
        clock::Nanos,
        wait::{self, WaitsFor, Who},
    },
    time::{Duration, Instant},
};

/// The sending side of a channel. Can be cloned, shared, and used from green threads and plain OS threads alike.
///
/// # Fairness
/// Who waits stands in line, first come first served, and nobody overtakes: a place that becomes free goes to the first in
/// line, also if another comes just then.
///
/// # Cancellation
/// [`send`](Self::send) is a park point if it has to wait. A sender that is cancelled leaves the line, and its message
/// is dropped as it unwinds; if the message was taken at that moment it was sent, and the cancel is met at the next
/// park. The same holds for a timeout, where the message is given back. So no message is lost, or sent twice.
///
/// ```
/// use sward::channel::bounded;
///
/// let (sender, receiver) = bounded(2);
/// for name in ["one", "two", "three"] {
///     let sender = sender.clone();
///     sward::spawn(move || sender.send(name).unwrap()); // the last one parks until there is room
/// }
/// drop(sender);
/// let mut names: Vec<_> = receiver.iter().collect(); // ends when all senders are gone
/// names.sort_unstable();
/// assert_eq!(names, ["one", "three", "two"]);
/// ```
pub struct Sender<T> {
    pub(super) channel: Arc<Channel<Who, T>>,
}

impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    /// Sends a message, parking until there is room for it; on a channel without capacity, until somebody receives it.
    ///
    /// # Errors
    /// With the message, if no receiver is left, or none is while it waits.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// sender.send(1).unwrap();
    /// let job = sward::spawn(move || sender.send(2)); // parks until there is room
    /// assert!(receiver.iter().eq([1, 2]));
    /// assert_eq!(job.join().unwrap(), Ok(()));
    /// ```
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        match self.channel.try_send(message) {
            Ok(()) => Ok(()),
            Err(NotSent::Closed(message)) => Err(SendError(message)),
            Err(NotSent::Full(message)) => self.wait_to_send(message),
        }
    }

    /// Sends a message if there is room for it, or somebody waits to receive it. Never parks.
    ///
    /// # Errors
    /// With the message.
    ///
    /// ```
    /// use sward::channel::{TrySendError, bounded};
    ///
    /// let (sender, receiver) = bounded(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.channel.try_send(message).map_err(|error| match error {
            NotSent::Closed(message) => TrySendError::Disconnected(message),
            NotSent::Full(message) => TrySendError::Full(message),
        })
    }

    /// As [`send`](Self::send), at the longest for this time.
    ///
    /// # Errors
    /// With the message.
    ///
    /// ```
    /// use sward::{channel::{SendTimeoutError, bounded}, time::Duration};
    ///
    /// let (sender, _receiver) = bounded(1);
    /// assert_eq!(sender.send_timeout(1, Duration::ZERO), Ok(()));
    /// assert_eq!(sender.send_timeout(2, Duration::from_millis(1)), Err(SendTimeoutError::Timeout(2)));
    /// ```
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_until(message, || sched::now().saturating_add(timeout))
    }

    /// As [`send`](Self::send), at the longest until this moment.
    ///
    /// # Errors
    /// With the message.
    ///
    /// ```
    /// use sward::{channel::{SendTimeoutError, bounded}, time::Instant};
    ///
    /// let (sender, _receiver) = bounded(0);
    /// assert_eq!(sender.send_deadline(1, Instant::now()), Err(SendTimeoutError::Timeout(1)));
    /// ```
    pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_until(message, || deadline.nanos())
    }

    fn send_until(&self, message: T, deadline: impl FnOnce() -> Nanos) -> Result<(), SendTimeoutError<T>> {
        match self.channel.try_send(message) {
            Ok(()) => Ok(()),
            Err(NotSent::Closed(message)) => Err(SendTimeoutError::Disconnected(message)),
            Err(NotSent::Full(message)) => self.wait_to_send_until(message, deadline()),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wait_to_send(&self, message: T) -> Result<(), SendError<T>> {
        let operation = SendOperation::new(&*self.channel, message, None);
        match wait::block_on(operation, WaitsFor::signal("Sender", &*self.channel), Nanos::NEVER) {
            Ok(sent) => sent.map_err(SendError),
            Err(wait::TimedOut) => unreachable!("there is no deadline"),
        }
    }

    #[inline(never)]
    fn wait_to_send_until(&self, message: T, deadline: Nanos) -> Result<(), SendTimeoutError<T>> {
        let mut back = None;
        let operation = SendOperation::new(&*self.channel, message, Some(&mut back));
        match wait::block_on(operation, WaitsFor::signal("Sender", &*self.channel), deadline) {
            Ok(sent) => sent.map_err(SendTimeoutError::Disconnected),
            Err(wait::TimedOut) => Err(SendTimeoutError::Timeout(back.expect("it was given up"))),
        }
    }

    /// Whether no message is buffered. A channel without capacity is always empty.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// assert!(sender.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!sender.is_empty());
    /// # drop(receiver);
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether as many messages are buffered as fit. A channel without capacity is always full.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// sender.send(1).unwrap();
    /// assert!(sender.is_full());
    /// # drop(receiver);
    /// ```
    pub fn is_full(&self) -> bool {
        self.channel.is_full()
    }

    /// How many messages are buffered.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// (0..3).for_each(|i| sender.send(i).unwrap());
    /// assert_eq!(sender.len(), 3);
    /// # drop(receiver);
    /// ```
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// How many messages can be buffered. `None`: as many as there is memory for.
    ///
    /// ```
    /// use sward::channel::{bounded, unbounded};
    ///
    /// assert_eq!(bounded::<()>(3).0.capacity(), Some(3));
    /// assert_eq!(unbounded::<()>().0.capacity(), None);
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.channel.capacity()
    }

    /// Whether both are of one channel.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded::<()>();
    /// assert!(sender.same_channel(&sender.clone()));
    /// assert!(!sender.same_channel(&sward::channel::unbounded().0));
    /// ```
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.channel.add_sender();
        Self { channel: Arc::clone(&self.channel) }
    }
}

impl<T> Drop for Sender<T> {
    /// The last one disconnects the channel: what is buffered is received, and then all who receive learn of it.
    fn drop(&mut self) {
        self.channel.drop_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}
