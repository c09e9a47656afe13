//! [`Receiver`].

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use super::{RecvError, RecvTimeoutError, TryRecvError, clock::Clock};
use crate::{
    lockfree::channel::{Channel, NotReceived, Receive},
    sched::{
        self, cancel,
        clock::Nanos,
        park,
        wait::{self, TimedOut, WaitsFor, Who},
    },
    time::{Duration, Instant},
};

/// The receiving side of a channel. Can be cloned (each message goes to one of them), shared, and used from green
/// threads and plain OS threads alike.
///
/// # Fairness
/// Messages are received in the order in which they were sent. Who waits stands in line, first come first served, and
/// nobody overtakes: a message is handed to the first in line, also if another comes just then.
///
/// # Cancellation
/// [`recv`](Self::recv) is a park point if it has to wait. A receiver that is cancelled, or whose time is up, leaves the
/// line; if it was handed a message at that moment it has it, and the cancel is met at the next park. So no message
/// is lost.
///
/// ```
/// use sward::channel::unbounded;
///
/// let (sender, receiver) = unbounded();
/// let sum = sward::spawn(move || receiver.into_iter().sum::<i32>());
/// for i in 1..=4 {
///     sender.send(i).unwrap();
/// }
/// drop(sender);
/// assert_eq!(sum.join().unwrap(), 10);
/// ```
pub struct Receiver<T> {
    pub(super) flavor: Flavor<T>,
}

/// Where messages come from.
pub(super) enum Flavor<T> {
    Channel(Arc<Channel<Who, T>>),
    Clock(Arc<dyn Clock<T>>),
    Never,
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    /// Receives a message, parking until there is one.
    ///
    /// # Errors
    /// If there is none, and no sender is left.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// sward::spawn(move || sender.send(7).unwrap());
    /// assert_eq!(receiver.recv(), Ok(7)); // parks until it is sent
    /// assert!(receiver.recv().is_err()); // and nobody can send any more
    /// ```
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn recv(&self) -> Result<T, RecvError> {
        // With nothing buffered it most likely has to wait, where it looks again.
        if let Flavor::Channel(channel) = &self.flavor
            && channel.len() > 0
        {
            match channel.try_receive() {
                Ok(message) => return Ok(message),
                Err(NotReceived::Closed) => return Err(RecvError),
                Err(_) => {}
            }
        }
        self.wait_to_receive()
    }

    /// Receives a message if there is one.
    ///
    /// Parks only where a select, on a channel without capacity, is about to send one and makes it: until it has.
    ///
    /// # Errors
    /// If there is none.
    ///
    /// ```
    /// use sward::channel::{TryRecvError, unbounded};
    ///
    /// let (sender, receiver) = unbounded();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match &self.flavor {
            Flavor::Channel(channel) => match channel.try_receive() {
                Ok(message) => Ok(message),
                Err(NotReceived::Empty) => Err(TryRecvError::Empty),
                Err(NotReceived::Closed) => Err(TryRecvError::Disconnected),
                Err(NotReceived::Again) => {
                    receive(channel, false, Nanos::NEVER).map_err(|error| match error {
                        NoMessage::Disconnected => TryRecvError::Disconnected,
                        NoMessage::NotInTime => TryRecvError::Empty,
                    })
                }
            },
            Flavor::Clock(clock) => clock.take(sched::now()).ok_or(TryRecvError::Empty),
            Flavor::Never => Err(TryRecvError::Empty),
        }
    }

    /// As [`recv`](Self::recv), at the longest for this time.
    ///
    /// # Errors
    /// If there is none in time, or no sender is left.
    ///
    /// ```
    /// use sward::{channel::{RecvTimeoutError, unbounded}, time::Duration};
    ///
    /// let (sender, receiver) = unbounded();
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(7));
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_until(|| sched::now().saturating_add(timeout))
    }

    /// As [`recv`](Self::recv), at the longest until this moment.
    ///
    /// # Errors
    /// If there is none in time, or no sender is left.
    ///
    /// ```
    /// use sward::{channel::{RecvTimeoutError, unbounded}, time::Instant};
    ///
    /// let (_sender, receiver) = unbounded::<()>();
    /// assert_eq!(receiver.recv_deadline(Instant::now()), Err(RecvTimeoutError::Timeout));
    /// ```
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_until(|| deadline.nanos())
    }

    fn recv_until(&self, deadline: impl FnOnce() -> Nanos) -> Result<T, RecvTimeoutError> {
        if let Flavor::Channel(channel) = &self.flavor {
            match channel.try_receive() {
                Ok(message) => return Ok(message),
                Err(NotReceived::Closed) => return Err(RecvTimeoutError::Disconnected),
                Err(_) => {}
            }
        }
        self.wait_until(deadline()).map_err(|error| match error {
            NoMessage::Disconnected => RecvTimeoutError::Disconnected,
            NoMessage::NotInTime => RecvTimeoutError::Timeout,
        })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wait_to_receive(&self) -> Result<T, RecvError> {
        self.wait_until(Nanos::NEVER).map_err(|_| RecvError)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wait_until(&self, deadline: Nanos) -> Result<T, NoMessage> {
        match &self.flavor {
            Flavor::Channel(channel) => receive(channel, true, deadline),
            Flavor::Clock(clock) => take_when_due(&**clock, deadline),
            Flavor::Never => {
                sleep_until(deadline);
                Err(NoMessage::NotInTime)
            }
        }
    }

    /// Whether no message is buffered. A channel without capacity is always empty.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether as many messages are buffered as fit. A channel without capacity is always full.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::bounded(1);
    /// sender.send(1).unwrap();
    /// assert!(receiver.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        match &self.flavor {
            Flavor::Channel(channel) => channel.is_full(),
            Flavor::Clock(_) => self.len() == 1,
            Flavor::Never => true,
        }
    }

    /// How many messages are buffered.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded();
    /// (0..3).for_each(|i| sender.send(i).unwrap());
    /// assert_eq!(receiver.len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        match &self.flavor {
            Flavor::Channel(channel) => channel.len(),
            Flavor::Clock(clock) => usize::from(clock.due() <= sched::now()),
            Flavor::Never => 0,
        }
    }

    /// How many messages can be buffered. `None`: as many as there is memory for.
    ///
    /// ```
    /// use sward::channel::{bounded, unbounded};
    ///
    /// assert_eq!(bounded::<()>(3).1.capacity(), Some(3));
    /// assert_eq!(unbounded::<()>().1.capacity(), None);
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        match &self.flavor {
            Flavor::Channel(channel) => channel.capacity(),
            Flavor::Clock(_) => Some(1),
            Flavor::Never => Some(0),
        }
    }

    /// Whether both are of one channel. All that [`never`](super::never) gives are.
    ///
    /// ```
    /// let (sender, receiver) = sward::channel::unbounded::<()>();
    /// assert!(receiver.same_channel(&receiver.clone()));
    /// assert!(!receiver.same_channel(&sward::channel::unbounded().1));
    /// ```
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        match (&self.flavor, &other.flavor) {
            (Flavor::Channel(a), Flavor::Channel(b)) => Arc::ptr_eq(a, b),
            (Flavor::Clock(a), Flavor::Clock(b)) => Arc::ptr_eq(a, b),
            (Flavor::Never, Flavor::Never) => true,
            _ => false,
        }
    }
}

/// Why a receive that waited has nothing.
#[derive(Clone, Copy, Debug)]
enum NoMessage {
    Disconnected,
    NotInTime,
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn receive<T>(channel: &Channel<Who, T>, may_wait: bool, deadline: Nanos) -> Result<T, NoMessage> {
    loop {
        let operation = Receive::new(channel, may_wait);
        match wait::block_on(operation, WaitsFor::signal("Receiver", channel), deadline) {
            Ok(Ok(message)) => return Ok(message),
            Ok(Err(NotReceived::Again)) => {}
            Ok(Err(NotReceived::Closed)) => return Err(NoMessage::Disconnected),
            Ok(Err(NotReceived::Empty)) | Err(TimedOut) => return Err(NoMessage::NotInTime),
        }
    }
}

fn take_when_due<T>(clock: &dyn Clock<T>, deadline: Nanos) -> Result<T, NoMessage> {
    loop {
        let now = sched::now();
        match clock.take(now) {
            Some(message) => return Ok(message),
            None if now >= deadline => return Err(NoMessage::NotInTime),
            None => sleep_until(clock.due().min(deadline)),
        }
    }
}

fn sleep_until(moment: Nanos) {
    if !park::sleep_until(moment) {
        cancel::unwind();
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        let flavor = match &self.flavor {
            Flavor::Channel(channel) => {
                channel.add_receiver();
                Flavor::Channel(Arc::clone(channel))
            }
            Flavor::Clock(clock) => Flavor::Clock(Arc::clone(clock)),
            Flavor::Never => Flavor::Never,
        };
        Self { flavor }
    }
}

impl<T> Drop for Receiver<T> {
    /// The last one disconnects the channel: what is buffered is dropped, and all who send learn of it.
    fn drop(&mut self) {
        if let Flavor::Channel(channel) = &self.flavor {
            channel.drop_receiver();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
    }
}
