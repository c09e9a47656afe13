//! Channels: many senders, many receivers, by `crossbeam-channel`'s names, between green threads, workers and plain OS
//! threads alike.
//!
//! Where a call of crossbeam's blocks the OS thread, one of these parks the caller: the green thread alone, if it is one.
//! Each can be awaited as well. Moments are the runtime's, [`sward::time::Instant`](crate::time::Instant), also of a virtual
//! clock. To wait for one channel allocates nothing; nor does an unbounded channel but for its buffer.
//!
//! ```
//! use sward::channel::bounded;
//!
//! let (sender, receiver) = bounded(1);
//! sward::spawn(move || {
//!     for i in 0..3 {
//!         sender.send(i).unwrap(); // parks while the channel is full
//!     }
//! });
//! assert_eq!(receiver.iter().collect::<Vec<i32>>(), [0, 1, 2]);
//! ```
//!
//! # Order
//! Messages are received in the order in which they were sent. Senders and receivers that wait stand in line, first come
//! first served, and nobody overtakes.

mod case;
mod clock;
mod error;
mod future;
mod iter;
mod macros;
mod receiver;
mod select;
mod selected;
mod sender;

use std::sync::Arc;

#[doc(inline)]
pub use crate::{select, select_biased};

/// For the macros.
#[doc(hidden)]
pub mod internal {
    pub use super::case::{AnyCase, NONE, Permit, Receiving, Sending, Until, ended, select};
}

use self::{
    clock::{At, Tick},
    receiver::Flavor,
};
pub use self::{
    error::{
        ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError, SendTimeoutError,
        TryReadyError, TryRecvError, TrySelectError, TrySendError,
    },
    iter::{IntoIter, Iter, TryIter},
    receiver::Receiver,
    select::Select,
    selected::SelectedOperation,
    sender::Sender,
};
use crate::{
    lockfree::channel::Channel,
    sched::{self, clock::Nanos},
    time::{Duration, Instant},
};

/// A channel that buffers at most `capacity` messages.
///
/// With a capacity of zero it buffers none, and is a *rendezvous*: a send and a receive wait for each other.
///
/// ```
/// use sward::channel::{TrySendError, bounded};
///
/// let (sender, receiver) = bounded(1);
/// sender.send('a').unwrap();
/// assert_eq!(sender.try_send('b'), Err(TrySendError::Full('b')));
/// assert_eq!(receiver.recv(), Ok('a'));
/// ```
#[must_use]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel(Some(capacity))
}

/// A channel that buffers as many messages as there is memory for. To send never parks.
///
/// ```
/// let (sender, receiver) = sward::channel::unbounded();
/// (0..1000).for_each(|i| sender.send(i).unwrap());
/// assert_eq!(receiver.try_iter().count(), 1000);
/// ```
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel(None)
}

fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(capacity));
    (Sender { channel: Arc::clone(&channel) }, Receiver { flavor: Flavor::Channel(channel) })
}

/// A receiver of one message after so long: the moment at which it was due. For timeouts in a select.
///
/// It is computed from the clock when somebody looks, without a thread or a timer of its own. It is never disconnected.
///
/// ```
/// use sward::{channel::after, time::{Duration, Instant}};
///
/// sward::Runtime::builder().virtual_clock(true).run(|| {
///     let start = Instant::now();
///     let hour = Duration::from_secs(3600);
///     assert_eq!(after(hour).recv(), Ok(start + hour));
///     assert_eq!(start.elapsed(), hour);
/// });
/// ```
#[must_use]
pub fn after(duration: Duration) -> Receiver<Instant> {
    at_nanos(sched::now().saturating_add(duration))
}

/// A receiver of one message at this moment: the moment itself. As [`after`].
///
/// ```
/// use sward::{channel::at, time::{Duration, Instant}};
///
/// sward::Runtime::builder().virtual_clock(true).run(|| {
///     let noon = Instant::now() + Duration::from_secs(3600);
///     assert_eq!(at(noon).recv(), Ok(noon));
///     assert_eq!(Instant::now(), noon);
/// });
/// ```
#[must_use]
pub fn at(when: Instant) -> Receiver<Instant> {
    at_nanos(when.nanos())
}

fn at_nanos(due: Nanos) -> Receiver<Instant> {
    match due {
        Nanos::NEVER => never(),
        due => Receiver { flavor: Flavor::Clock(Arc::new(At::new(due))) },
    }
}

/// A receiver of a message each time so long has passed: the moment at which it was due. What nobody receives does not
/// pile up: the next one is due so long after one was received, if that was late.
///
/// ```
/// use sward::{channel::tick, time::{Duration, Instant}};
///
/// sward::Runtime::builder().virtual_clock(true).run(|| {
///     let start = Instant::now();
///     let second = Duration::from_secs(1);
///     let ticks: Vec<_> = tick(second).iter().take(3).map(|tick| tick - start).collect();
///     assert_eq!(ticks, [second, 2 * second, 3 * second]);
/// });
/// ```
#[must_use]
pub fn tick(duration: Duration) -> Receiver<Instant> {
    match sched::now().saturating_add(duration) {
        Nanos::NEVER => never(),
        first => Receiver { flavor: Flavor::Clock(Arc::new(Tick::new(first, duration))) },
    }
}

/// A receiver that no message ever comes to, and that is never disconnected: for a select, in place of one that is not
/// there.
///
/// ```
/// use sward::channel::{TryRecvError, never};
///
/// assert_eq!(never::<i32>().try_recv(), Err(TryRecvError::Empty));
/// ```
#[must_use]
pub fn never<T>() -> Receiver<T> {
    Receiver { flavor: Flavor::Never }
}
