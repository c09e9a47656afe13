//! What the tests of queues wait with.

use std::sync::Arc;

use sward::{
    JoinHandle,
    queue::{GetError, PutError, Queue},
    spawn,
};

use super::waiting::until_parked;

/// A getter that stands in line.
pub(crate) fn getter<T: Send + 'static>(queue: &Arc<Queue<T>>) -> JoinHandle<Result<T, GetError>> {
    let queue = Arc::clone(queue);
    let handle = spawn(move || queue.get());
    until_parked(&handle);
    handle
}

/// A putter that stands in line.
pub(crate) fn putter<T: Send + 'static>(
    queue: &Arc<Queue<T>>,
    item: T,
) -> JoinHandle<Result<(), PutError<T>>> {
    let queue = Arc::clone(queue);
    let handle = spawn(move || queue.put(item));
    until_parked(&handle);
    handle
}

pub(crate) fn shared<T>(maxsize: Option<usize>, items: impl IntoIterator<Item = T>) -> Arc<Queue<T>> {
    let queue = Queue::new(maxsize);
    items.into_iter().for_each(|item| queue.try_put(item).unwrap());
    Arc::new(queue)
}
