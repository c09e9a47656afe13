//! Queues, as Python's `queue` and gevent's have them: [`Queue`], [`LifoQueue`], [`PriorityQueue`].
//!
//! All that share a queue share the queue itself: by reference in a [`scope`](crate::scope), or in an
//! [`Arc`](std::sync::Arc). There are no ends to be dropped, as a [channel](crate::channel) has: who is done says
//! [`close`](Queue::close). Green threads of any worker and plain OS threads put and get alike, and async tasks by the
//! methods that end in `_async`.
//!
//! ```
//! use sward::queue::Queue;
//!
//! // Two workers, and at most four jobs that wait for them.
//! let (jobs, results) = (Queue::new(Some(4)), Queue::new(None));
//! sward::scope(|s| {
//!     for _ in 0..2 {
//!         s.spawn(|| {
//!             for job in &jobs {
//!                 results.put(job * job).unwrap();
//!                 jobs.task_done();
//!             }
//!         });
//!     }
//!     for job in 1..=10 {
//!         jobs.put(job).unwrap(); // parks while four wait
//!     }
//!     jobs.join(); // until all are reported as done
//!     jobs.close(); // and the workers end
//! });
//! results.close();
//! assert_eq!(results.iter().sum::<i32>(), 385);
//! ```
//!
//! | Python | here |
//! |---|---|
//! | `Queue(maxsize=0)`, `Queue(maxsize=n)` | `Queue::new(None)`, `Queue::new(Some(n))` |
//! | `put(item)`, `put(item, timeout=t)`, `put_nowait(item)` | [`put`](Queue::put), [`put_timeout`](Queue::put_timeout), [`try_put`](Queue::try_put) |
//! | `get()`, `get(timeout=t)`, `get_nowait()` | [`get`](Queue::get), [`get_timeout`](Queue::get_timeout), [`try_get`](Queue::try_get) |
//! | `task_done()`, `join()` | [`task_done`](Queue::task_done), [`join`](Queue::join), [`join_timeout`](Queue::join_timeout) |
//! | `shutdown()`, `shutdown(immediate=True)` | [`close`](Queue::close), [`close_now`](Queue::close_now) |
//! | `qsize()`, `empty()`, `full()`, `maxsize` | [`len`](Queue::len), [`is_empty`](Queue::is_empty), [`is_full`](Queue::is_full), [`maxsize`](Queue::maxsize) |

mod buffer;
mod error;
mod face;
mod shared;

// What the macro's methods need is named here, where they are made.
use std::{
    fmt,
    iter::FusedIterator,
    panic::{RefUnwindSafe, UnwindSafe},
};

pub use self::error::{GetError, GetTimeoutError, PutError, PutTimeoutError, TryGetError, TryPutError};
use self::{
    buffer::{Fifo, Lifo, Smallest},
    face::queue,
    shared::{Patience, Shared, Why},
};
use crate::time::Duration;

/// Gets from a queue until it is closed and empty, parking while it is empty only. Made by its `iter`.
#[must_use = "an iterator does nothing unless it is used"]
pub struct Iter<'a, Q>(&'a Q);

impl<Q: fmt::Debug> fmt::Debug for Iter<'_, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(self.0).finish()
    }
}

impl<Q> Clone for Iter<'_, Q> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

queue! {
    /// A queue: the first in is the first out.
    ///
    /// ```
    /// use sward::{queue::{Queue, TryGetError}, sync::Arc};
    ///
    /// let queue = Arc::new(Queue::new(None));
    /// let lines = Arc::clone(&queue);
    /// let reader = sward::spawn(move || lines.iter().collect::<Vec<_>>().join(" "));
    /// for word in ["first", "in", "first", "out"] {
    ///     queue.put(word).unwrap();
    /// }
    /// queue.close();
    /// assert_eq!(reader.join().unwrap(), "first in first out");
    /// assert_eq!(queue.try_get(), Err(TryGetError::Closed));
    /// assert_eq!(queue.put("late").unwrap_err().into_inner(), "late");
    /// ```
    Queue, Fifo
}

queue! {
    /// A queue that gives the item first that came last. As a [`Queue`] in all else.
    ///
    /// ```
    /// let queue: sward::queue::LifoQueue<_> = (1..=3).collect();
    /// queue.close();
    /// assert!(queue.iter().eq([3, 2, 1]));
    /// ```
    LifoQueue, Lifo
}

queue! {
    /// A queue that gives the smallest item first, and of equal ones the one that came first. As a [`Queue`] in all else.
    ///
    /// For the greatest first, put [`Reverse`](std::cmp::Reverse)`(item)`. For an order apart from the item, put a type
    /// whose `Ord` looks at its key alone.
    ///
    /// # The order
    /// `T`'s order is the caller's code, and runs under the queue's lock. If it parks, who uses the queue meanwhile
    /// waits for it, also in a [`try_get`](Self::try_get). If it panics, that comes out of the put or the get which
    /// compared, and the queue goes on: a put has put its item, a get has dropped the one it took out, which counts as
    /// done. A cancel or a timeout that it meets where it parks is as a panic here. It may not use the queue itself: that
    /// panics.
    ///
    /// ```
    /// use std::cmp::Reverse;
    /// use sward::queue::PriorityQueue;
    ///
    /// let queue: PriorityQueue<_> = [(2, "write"), (1, "read"), (3, "rest")].into_iter().collect();
    /// queue.close();
    /// assert!(queue.iter().map(|(_, what)| what).eq(["read", "write", "rest"]));
    ///
    /// let queue: PriorityQueue<_> = [3, 1, 2].map(Reverse).into_iter().collect();
    /// assert_eq!(queue.get(), Ok(Reverse(3)));
    /// ```
    PriorityQueue, Smallest, Ord
}
