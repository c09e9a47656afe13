//! What a queue's calls fail with. A put gives the item back.

use std::{error::Error, fmt};

/// [`put`](super::Queue::put) failed: the queue is closed. With the item.
///
/// ```
/// let queue = sward::queue::Queue::new(None);
/// queue.close();
/// assert_eq!(queue.put("back").unwrap_err().into_inner(), "back");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PutError<T>(pub T);

/// Why a [`try_put`](super::Queue::try_put) failed. With the item.
///
/// ```
/// let queue = sward::queue::Queue::new(Some(1));
/// queue.put(1).unwrap();
/// let error = queue.try_put(2).unwrap_err();
/// assert!(error.is_full() && !error.is_closed());
/// assert_eq!(error.into_inner(), 2);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// The queue has no free place.
    Full(T),
    /// The queue is closed.
    Closed(T),
}

/// Why a [`put_timeout`](super::Queue::put_timeout) failed. With the item.
///
/// ```
/// let queue = sward::queue::Queue::new(Some(1));
/// queue.put(1).unwrap();
/// let error = queue.put_timeout(2, std::time::Duration::ZERO).unwrap_err();
/// assert!(error.is_timeout() && !error.is_closed());
/// assert_eq!(error.into_inner(), 2);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PutTimeoutError<T> {
    /// No place was free in time.
    Timeout(T),
    /// The queue is closed.
    Closed(T),
}

/// [`get`](super::Queue::get) failed: the queue is closed, and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetError;

/// Why a [`try_get`](super::Queue::try_get) failed.
///
/// ```
/// let queue = sward::queue::Queue::<i32>::new(None);
/// assert!(queue.try_get().unwrap_err().is_empty());
/// queue.close();
/// assert!(queue.try_get().unwrap_err().is_closed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryGetError {
    /// The queue has no item that is free to take.
    Empty,
    /// The queue is closed, and empty.
    Closed,
}

/// Why a [`get_timeout`](super::Queue::get_timeout) failed.
///
/// ```
/// let queue = sward::queue::Queue::<i32>::new(None);
/// assert!(queue.get_timeout(std::time::Duration::ZERO).unwrap_err().is_timeout());
/// queue.close();
/// assert!(queue.get_timeout(std::time::Duration::MAX).unwrap_err().is_closed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetTimeoutError {
    /// No item came in time.
    Timeout,
    /// The queue is closed, and empty.
    Closed,
}

impl<T> PutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TryPutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        let (Self::Full(item) | Self::Closed(item)) = self;
        item
    }

    /// Whether the queue had no free place.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl<T> PutTimeoutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        let (Self::Timeout(item) | Self::Closed(item)) = self;
        item
    }

    /// Whether no place was free in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl TryGetError {
    /// Whether there was no item.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self) -> bool {
        *self == Self::Closed
    }
}

impl GetTimeoutError {
    /// Whether no item came in time.
    pub fn is_timeout(&self) -> bool {
        *self == Self::Timeout
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self) -> bool {
        *self == Self::Closed
    }
}

const PUT_CLOSED: &str = "putting into a closed queue";
const GET_CLOSED: &str = "getting from an empty and closed queue";

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PUT_CLOSED)
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "putting into a full queue" } else { PUT_CLOSED })
    }
}

impl<T> fmt::Display for PutTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_timeout() { "timed out waiting to put into a queue" } else { PUT_CLOSED })
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GET_CLOSED)
    }
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "getting from an empty queue" } else { GET_CLOSED })
    }
}

impl fmt::Display for GetTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_timeout() { "timed out waiting for an item of a queue" } else { GET_CLOSED })
    }
}

// The item need not be printable.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutError(..)")
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "Full(..)" } else { "Closed(..)" })
    }
}

impl<T> fmt::Debug for PutTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_timeout() { "Timeout(..)" } else { "Closed(..)" })
    }
}

impl<T> Error for PutError<T> {}
impl<T> Error for TryPutError<T> {}
impl<T> Error for PutTimeoutError<T> {}
impl Error for GetError {}
impl Error for TryGetError {}
impl Error for GetTimeoutError {}

impl<T> From<PutError<T>> for TryPutError<T> {
    fn from(PutError(item): PutError<T>) -> Self {
        Self::Closed(item)
    }
}

impl<T> From<PutError<T>> for PutTimeoutError<T> {
    fn from(PutError(item): PutError<T>) -> Self {
        Self::Closed(item)
    }
}

impl From<GetError> for TryGetError {
    fn from(GetError: GetError) -> Self {
        Self::Closed
    }
}

impl From<GetError> for GetTimeoutError {
    fn from(GetError: GetError) -> Self {
        Self::Closed
    }
}
