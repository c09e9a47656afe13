//! The methods of all three queues, which differ in their buffer and in what an item must be able to do.

/// A face of [`Shared`]: its name, its buffer, what its items must be able to do.
macro_rules! queue {
    ($(#[$doc:meta])* $Queue:ident, $Buffer:ident $(, $Bound:ident)?) => {
        $(#[$doc])*
        ///
        /// # Fairness
        /// Who waits for an item stands in line, and each put calls the first and *promises* it an item: nobody who
        /// comes between takes it. So gets that wait are served first in, first out, and none starves. Puts that wait
        /// for a place alike.
        ///
        /// # Cancellation
        /// A call is a park point if it has to wait in line, and there only. One that is cancelled or times out there
        /// has taken nothing. If it was called at that moment, it is done: a get returns its item, a put has put its
        /// own, and the cancel comes at the next park. A put that is cancelled drops its item, as all that unwinds.
        pub struct $Queue<T>(Shared<$Buffer<T>>);

        impl<T> UnwindSafe for $Queue<T> {}
        impl<T> RefUnwindSafe for $Queue<T> {}

        impl<T $(: $Bound)?> $Queue<T> {
            /// An empty queue: of any number of items, or of `maxsize` at most.
            ///
            /// # Panics
            /// If `maxsize` is `Some(0)`: no put could ever succeed.
            #[must_use]
            pub const fn new(maxsize: Option<usize>) -> Self {
                Self(Shared::new(stringify!($Queue), maxsize, $Buffer::new()))
            }

            /// Puts an item in, parking while the queue is full.
            ///
            /// # Errors
            /// With the item, if the queue is closed, or is closed while it waits.
            pub fn put(&self, item: T) -> Result<(), PutError<T>> {
                self.0.put(item, Patience::Forever).map_err(|(_, item)| PutError(item))
            }

            /// As [`put`](Self::put), parking for `timeout` at the most.
            ///
            /// # Errors
            /// With the item, if the queue is closed or no place was free in time.
            ///
            /// ```
            /// use sward::{queue::{PutTimeoutError, Queue}, time::Duration};
            ///
            /// let queue = Queue::new(Some(1));
            /// assert_eq!(queue.put_timeout(1, Duration::ZERO), Ok(()));
            /// assert_eq!(queue.put_timeout(2, Duration::from_millis(1)), Err(PutTimeoutError::Timeout(2)));
            /// ```
            pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutTimeoutError<T>> {
                self.0.put(item, Patience::For(timeout)).map_err(|(why, item)| match why {
                    Why::Late => PutTimeoutError::Timeout(item),
                    Why::Closed => PutTimeoutError::Closed(item),
                })
            }

            /// As [`put`](Self::put), to be awaited, by any executor.
            ///
            /// A future that is dropped leaves the line, and its item is dropped with it. A place that it was promised before
            /// goes to the next in line.
            ///
            /// # Errors
            /// With the item, if the queue is closed, or is closed while it waits.
            ///
            /// ```
            /// use sward::queue::{PutError, Queue};
            ///
            /// async fn add(numbers: &Queue<u32>) -> Result<(), PutError<u32>> {
            ///     numbers.put_async(1).await?;
            ///     numbers.put_async(2).await // waits while it is full
            /// }
            /// # let numbers = Queue::new(Some(1));
            /// # let mut add = std::pin::pin!(add(&numbers));
            /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            /// # assert!(add.as_mut().poll(&mut context).is_pending());
            /// # assert_eq!(numbers.try_get(), Ok(1));
            /// # assert!(add.as_mut().poll(&mut context).is_ready());
            /// ```
            pub async fn put_async(&self, item: T) -> Result<(), PutError<T>> {
                self.0.put_async(item).await.map_err(PutError)
            }

            /// Puts an item in if that needs no waiting. A place that is promised to a put that waited is not free.
            ///
            /// # Errors
            /// With the item, if the queue is closed or full.
            ///
            /// ```
            /// use sward::queue::{Queue, TryPutError};
            ///
            /// let queue = Queue::new(Some(1));
            /// assert_eq!(queue.try_put(1), Ok(()));
            /// assert_eq!(queue.try_put(2), Err(TryPutError::Full(2)));
            /// ```
            pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
                self.0.put(item, Patience::None).map_err(|(why, item)| match why {
                    Why::Late => TryPutError::Full(item),
                    Why::Closed => TryPutError::Closed(item),
                })
            }

            /// Takes the next item out, parking while there is none.
            ///
            /// # Errors
            /// If the queue is closed and has no items any more.
            pub fn get(&self) -> Result<T, GetError> {
                self.0.get(Patience::Forever).map_err(|_| GetError)
            }

            /// As [`get`](Self::get), parking for `timeout` at the most.
            ///
            /// # Errors
            /// If the queue is closed and has no items any more, or none came in time.
            ///
            /// ```
            /// use sward::{queue::{GetTimeoutError, Queue}, time::Duration};
            ///
            /// let queue = Queue::<i32>::new(None);
            /// assert_eq!(queue.get_timeout(Duration::from_millis(1)), Err(GetTimeoutError::Timeout));
            /// ```
            pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetTimeoutError> {
                self.0.get(Patience::For(timeout)).map_err(|why| match why {
                    Why::Late => GetTimeoutError::Timeout,
                    Why::Closed => GetTimeoutError::Closed,
                })
            }

            /// As [`get`](Self::get), to be awaited, by any executor.
            ///
            /// A future that is dropped leaves the line. An item that it was promised before goes to the next in line, or is
            /// free again: it is not lost. But one that was called and is neither polled nor dropped keeps it from all others.
            ///
            /// # Errors
            /// If the queue is closed and has no items any more.
            ///
            /// ```
            /// use sward::queue::Queue;
            ///
            /// async fn sum(numbers: &Queue<u32>) -> u32 {
            ///     let mut sum = 0;
            ///     while let Ok(number) = numbers.get_async().await {
            ///         sum += number;
            ///     }
            ///     sum
            /// }
            /// # let numbers = Queue::new(None);
            /// # let mut sum = std::pin::pin!(sum(&numbers));
            /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            /// # assert!(sum.as_mut().poll(&mut context).is_pending());
            /// # (1..=4).for_each(|number| numbers.put(number).unwrap());
            /// # numbers.close();
            /// # assert_eq!(sum.as_mut().poll(&mut context), std::task::Poll::Ready(10));
            /// ```
            pub async fn get_async(&self) -> Result<T, GetError> {
                self.0.get_async().await.ok_or(GetError)
            }

            /// Takes the next item out if that needs no waiting. An item that is promised to a get that waited is not
            /// free.
            ///
            /// # Errors
            /// If the queue has no items, or is closed and has none any more.
            ///
            /// ```
            /// use sward::queue::{Queue, TryGetError};
            ///
            /// let queue = Queue::new(None);
            /// queue.put(1).unwrap();
            /// assert_eq!((queue.try_get(), queue.try_get()), (Ok(1), Err(TryGetError::Empty)));
            /// ```
            pub fn try_get(&self) -> Result<T, TryGetError> {
                self.0.get(Patience::None).map_err(|why| match why {
                    Why::Late => TryGetError::Empty,
                    Why::Closed => TryGetError::Closed,
                })
            }

            /// Reports that the work on an item is done that was taken out. What [`join`](Self::join) counts.
            ///
            /// # Panics
            /// If it is called more often than items were put in.
            #[track_caller]
            pub fn task_done(&self) {
                self.0.task_done();
            }

            /// Parks until every item that was put in was also reported as [done](Self::task_done). Who waits when the
            /// last one is reported is let go, even if there are new ones by then.
            pub fn join(&self) {
                self.0.join(Patience::Forever);
            }

            /// As [`join`](Self::join), for `timeout` at the most. False: the time was up.
            ///
            /// ```
            /// use std::time::Duration;
            ///
            /// let queue = sward::queue::Queue::new(None);
            /// queue.put(1).unwrap();
            /// assert!(!queue.join_timeout(Duration::from_millis(1)));
            /// queue.get().map(|_| queue.task_done()).unwrap();
            /// assert!(queue.join_timeout(Duration::ZERO));
            /// ```
            pub fn join_timeout(&self, timeout: Duration) -> bool {
                self.0.join(Patience::For(timeout))
            }

            /// As [`join`](Self::join), to be awaited, by any executor.
            ///
            /// ```
            /// use sward::queue::Queue;
            ///
            /// async fn run(jobs: &Queue<&str>, job: &'static str) {
            ///     jobs.put_async(job).await.unwrap();
            ///     jobs.join_async().await; // until it is reported as done
            /// }
            /// # let jobs = Queue::new(None);
            /// # let mut run = std::pin::pin!(run(&jobs, "write"));
            /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            /// # assert!(run.as_mut().poll(&mut context).is_pending());
            /// # assert_eq!(jobs.get(), Ok("write"));
            /// # jobs.task_done();
            /// # assert!(run.as_mut().poll(&mut context).is_ready());
            /// ```
            pub async fn join_async(&self) {
                self.0.join_async().await;
            }

            /// Closes the queue: puts fail at once, those that wait included. Gets go on until it is empty, and fail
            /// then. To close it again does nothing.
            ///
            /// ```
            /// let queue = sward::queue::Queue::new(None);
            /// queue.put(1).unwrap();
            /// queue.close();
            /// assert_eq!(queue.put(2).unwrap_err().into_inner(), 2);
            /// assert_eq!(queue.get(), Ok(1)); // what is there can be had
            /// assert!(queue.is_closed() && queue.get().is_err());
            /// ```
            pub fn close(&self) {
                self.0.close();
            }

            /// Closes the queue, and takes out what is left, in the order in which gets would have: gets fail at once.
            /// What is returned counts as [done](Self::task_done), so that a [`join`](Self::join) ends as soon as the
            /// others are reported.
            ///
            /// ```
            /// let queue = sward::queue::Queue::new(None);
            /// (1..=2).for_each(|item| queue.put(item).unwrap());
            /// assert_eq!(queue.close_now(), [1, 2]);
            /// assert!(queue.get().is_err());
            /// ```
            pub fn close_now(&self) -> Vec<T> {
                self.0.close_now()
            }

            /// Whether it was closed.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.0.is_closed()
            }

            /// How many items are there to be taken, without those that are promised to gets that waited.
            ///
            /// ```
            /// let queue = sward::queue::Queue::new(Some(2));
            /// assert!(queue.is_empty());
            /// (1..=2).for_each(|item| queue.put(item).unwrap());
            /// assert_eq!((queue.len(), queue.is_full(), queue.maxsize()), (2, true, Some(2)));
            /// ```
            #[must_use]
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether a [`try_get`](Self::try_get) would find nothing.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether a put would have to wait, if the queue is open. Never, if it has no `maxsize`.
            #[must_use]
            pub fn is_full(&self) -> bool {
                self.0.is_full()
            }

            /// How many items it has room for. `None`: for any number.
            #[must_use]
            pub fn maxsize(&self) -> Option<usize> {
                self.0.maxsize()
            }

            /// Gets items until the queue is closed and empty, parking while it is only empty.
            pub fn iter(&self) -> Iter<'_, Self> {
                Iter(self)
            }
        }

        impl<T $(: $Bound)?> Default for $Queue<T> {
            fn default() -> Self {
                Self::new(None)
            }
        }

        /// Without a `maxsize`. Each item counts as put.
        impl<T $(: $Bound)?> FromIterator<T> for $Queue<T> {
            fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
                let queue = Self::new(None);
                for item in items {
                    // It is open, and has room.
                    let _ = queue.put(item);
                }
                queue
            }
        }

        impl<T $(: $Bound)?> fmt::Debug for $Queue<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<T $(: $Bound)?> Iterator for Iter<'_, $Queue<T>> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                self.0.get().ok()
            }
        }

        impl<T $(: $Bound)?> FusedIterator for Iter<'_, $Queue<T>> {}

        impl<'a, T $(: $Bound)?> IntoIterator for &'a $Queue<T> {
            type Item = T;
            type IntoIter = Iter<'a, $Queue<T>>;

            fn into_iter(self) -> Iter<'a, $Queue<T>> {
                self.iter()
            }
        }
    };
}
pub(super) use queue;
