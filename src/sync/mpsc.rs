//! `std::sync::mpsc` by name and signature: many send, one receives, first in, first out.
//!
//! [`channel()`] has room for any number of messages, [`sync_channel`] for a given one, or for none at all: then each send
//! waits for its receive. `std`'s documentation holds, and the errors are `std`'s own types; what blocks the OS thread
//! there parks the caller here. The ends may be with green threads of any worker, and with plain OS threads.
//!
//! ```
//! use sward::sync::mpsc;
//!
//! let (sender, receiver) = mpsc::channel();
//! for i in 0..3 {
//!     let sender = sender.clone();
//!     sward::spawn(move || sender.send(i).unwrap());
//! }
//! drop(sender); // or the receiver would wait for more
//! assert_eq!(receiver.iter().sum::<i32>(), 3);
//! ```
//!
//! # Fairness
//! Messages come in the order in which they were sent. Sends that wait for room stand in line, first come first served, and
//! nobody overtakes.
//!
//! # Cancellation
//! A call is a park point if it has to wait. A receive that is cancelled or times out has taken no message, and a send that
//! is cancelled has sent none: its message is dropped, as everything that unwinds. One that was done at that moment is
//! done, and the cancel comes at the next park.

use std::{
    cell::Cell,
    fmt,
    marker::PhantomData,
    panic::{RefUnwindSafe, UnwindSafe},
};

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use crate::{channel, time::Duration};

/// The sending end of a [`channel()`]. As [`std::sync::mpsc::Sender`], whose documentation holds.
///
/// When it and all its clones are gone, the receiver gets what was sent, and then an error.
pub struct Sender<T>(channel::Sender<T>);

/// The sending end of a [`sync_channel`]. As [`std::sync::mpsc::SyncSender`], whose documentation holds.
///
/// When it and all its clones are gone, the receiver gets what was sent, and then an error.
pub struct SyncSender<T>(channel::Sender<T>);

/// The receiving end of both kinds of channel. As [`std::sync::mpsc::Receiver`], whose documentation holds.
///
/// There is one, and one thread at a time has it: it can be sent, and not shared.
///
/// ```compile_fail
/// let (_sender, receiver) = sward::sync::mpsc::channel::<()>();
/// sward::scope(|s| drop(s.spawn(|| receiver.recv())));
/// ```
///
/// When it is gone, sends fail, and what was not received is dropped.
pub struct Receiver<T> {
    channel: channel::Receiver<T>,
    _not_sync: PhantomData<Cell<()>>,
}

/// Receives until all senders are gone. Made by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: 'a> {
    rx: &'a Receiver<T>,
}

/// Receives what is there already. Made by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T: 'a> {
    rx: &'a Receiver<T>,
}

/// Receives until all senders are gone, and owns the receiver.
#[derive(Debug)]
pub struct IntoIter<T> {
    rx: Receiver<T>,
}

/// A channel with room for any number of messages. A send never waits.
///
/// ```
/// use sward::sync::mpsc::channel;
///
/// let (sender, receiver) = channel();
/// let job = sward::spawn(move || sender.send(6 * 7).unwrap());
/// assert_eq!(receiver.recv(), Ok(42)); // parks until it is sent
/// job.join().unwrap();
/// assert!(receiver.recv().is_err(), "nobody can send any more");
/// ```
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = channel::unbounded();
    (Sender(sender), Receiver::new(receiver))
}

/// A channel with room for `bound` messages. A send waits while it is full. With room for none a send waits until its
/// message is received.
///
/// ```
/// use sward::sync::mpsc::sync_channel;
///
/// let (sender, receiver) = sync_channel(1);
/// sender.send(1).unwrap();
/// let job = sward::spawn(move || sender.send(2).unwrap()); // parks: it is full
/// assert!(receiver.iter().eq([1, 2]));
/// job.join().unwrap();
/// ```
#[must_use]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = channel::bounded(bound);
    (SyncSender(sender), Receiver::new(receiver))
}

impl<T> Sender<T> {
    /// Sends a message. Never waits. That it was sent does not mean that it will be received.
    ///
    /// # Errors
    /// With the message, if the receiver is gone.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.0.send(message).map_err(|error| SendError(error.0))
    }
}

impl<T> SyncSender<T> {
    /// Sends a message, parking until there is room for it, or until it is received if the channel has none.
    ///
    /// # Errors
    /// With the message, if the receiver is gone, or goes while this waits.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.0.send(message).map_err(|error| SendError(error.0))
    }

    /// Sends a message if there is room for it, or if the receiver waits for it right now. Never parks.
    ///
    /// # Errors
    /// With the message, if the channel is full or the receiver is gone.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(message).map_err(|error| match error {
            channel::TrySendError::Full(message) => TrySendError::Full(message),
            channel::TrySendError::Disconnected(message) => TrySendError::Disconnected(message),
        })
    }
}

impl<T> Receiver<T> {
    fn new(channel: channel::Receiver<T>) -> Self {
        Self { channel, _not_sync: PhantomData }
    }

    /// Receives the next message if it is there. Never parks.
    ///
    /// # Errors
    /// If there is none, or none any more since all senders are gone.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.channel.try_recv().map_err(|error| match error {
            channel::TryRecvError::Empty => TryRecvError::Empty,
            channel::TryRecvError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives the next message, parking until there is one.
    ///
    /// # Errors
    /// If there are none any more, and all senders are gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.channel.recv().map_err(|_| RecvError)
    }

    /// As [`recv`](Self::recv), parking for `timeout` at the most.
    ///
    /// # Errors
    /// If none came in time, or there are none any more and all senders are gone.
    ///
    /// ```
    /// use sward::{sync::mpsc::{self, RecvTimeoutError}, time::Duration};
    ///
    /// let (sender, receiver) = mpsc::channel::<()>();
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// drop(sender);
    /// assert_eq!(receiver.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.channel.recv_timeout(timeout).map_err(|error| match error {
            channel::RecvTimeoutError::Timeout => RecvTimeoutError::Timeout,
            channel::RecvTimeoutError::Disconnected => RecvTimeoutError::Disconnected,
        })
    }

    /// Receives messages until all senders are gone, parking while there are none.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { rx: self }
    }

    /// Receives the messages that are there, and does not wait for more.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { rx: self }
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { rx: self }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

macro_rules! end {
    ($End:ident) => {
        impl<T> UnwindSafe for $End<T> {}
        impl<T> RefUnwindSafe for $End<T> {}

        impl<T> fmt::Debug for $End<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($End)).finish_non_exhaustive()
            }
        }
    };
}

end!(Sender);
end!(SyncSender);
end!(Receiver);
