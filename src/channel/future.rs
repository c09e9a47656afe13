//! The same, to be awaited.

use std::{
    future::{pending, poll_fn},
    task::Poll,
};

use super::{Receiver, RecvError, SendError, Sender, receiver::Flavor};
use crate::{
    lockfree::channel::{NotReceived, Receive, Send as SendOperation},
    sched::{self, clock::Nanos, wait::Waiting},
    thread::{self, Canceller},
    time::Instant,
};

impl<T> Sender<T> {
    /// As [`send`](Self::send), to be awaited, by any executor.
    ///
    /// A future that is dropped leaves the line. Its message was sent by then, or is dropped with it.
    ///
    /// # Errors
    /// With the message, if no receiver is left.
    ///
    /// ```
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// let (sender, receiver) = sward::channel::bounded(0);
    /// let mut task = std::pin::pin!(sender.send_async(7));
    /// assert!(task.as_mut().poll(&mut context).is_pending());
    /// assert_eq!(receiver.recv(), Ok(7));
    /// assert!(task.as_mut().poll(&mut context).is_ready());
    /// ```
    pub async fn send_async(&self, message: T) -> Result<(), SendError<T>> {
        Waiting::new(SendOperation::new(&*self.channel, message, None)).await.map_err(SendError)
    }
}

impl<T> Receiver<T> {
    /// As [`recv`](Self::recv), to be awaited, by any executor.
    ///
    /// A future that is dropped leaves the line. A message that it was handed before goes to the next in line, or back to
    /// the front of the channel's buffer, also if that is full: it is not lost.
    ///
    /// # Errors
    /// If there is no message, and no sender is left.
    ///
    /// ```
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// let (sender, receiver) = sward::channel::unbounded();
    /// let mut task = std::pin::pin!(async { receiver.recv_async().await });
    /// assert!(task.as_mut().poll(&mut context).is_pending());
    /// sender.send(7).unwrap();
    /// assert_eq!(task.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(7)));
    /// ```
    pub async fn recv_async(&self) -> Result<T, RecvError> {
        match &self.flavor {
            Flavor::Channel(channel) => loop {
                match Waiting::new(Receive::new(channel, true)).await {
                    Ok(message) => return Ok(message),
                    Err(NotReceived::Again) => {}
                    Err(_) => return Err(RecvError),
                }
            },
            Flavor::Clock(clock) => loop {
                match clock.take(sched::now()) {
                    Some(message) => return Ok(message),
                    None => sleep_until(clock.due()).await,
                }
            },
            Flavor::Never => pending().await,
        }
    }
}

/// Cancels the green thread that sleeps for a future, when that is dropped.
struct Sleeper(Option<Canceller>);

impl Sleeper {
    fn stop(&mut self) {
        if let Some(canceller) = self.0.take() {
            canceller.cancel();
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An executor has no clock of ours: a green thread sleeps in its place.
async fn sleep_until(moment: Nanos) {
    if moment == Nanos::NEVER {
        return pending().await;
    }
    let mut sleeper = Sleeper(None);
    poll_fn(|context| {
        sleeper.stop();
        if sched::now() >= moment {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        let sleeping = thread::spawn(move || {
            thread::sleep_until(Instant::from_nanos(moment));
            waker.wake();
        });
        sleeper.0 = Some(sleeping.canceller());
        Poll::Pending
    })
    .await;
}
