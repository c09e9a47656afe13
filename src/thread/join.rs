//! Joining many.

use super::{JoinHandle, Result};

/// Waits for all of them, and returns every result in the order of the handles.
///
/// Parks. Costs a join each, whatever the order in which they end. If the caller is cancelled it unwinds, and
/// those not joined yet run on detached.
///
/// ```
/// let handles = (1..=3).map(|i| sward::spawn(move || if i == 2 { panic!("two") } else { i }));
/// let results = sward::join_all(handles);
/// assert_eq!(*results[0].as_ref().unwrap(), 1);
/// assert!(results[1].is_err());
/// assert_eq!(*results[2].as_ref().unwrap(), 3);
/// ```
#[doc(alias = "joinall")]
#[doc(alias = "gather")]
pub fn join_all<I, T>(handles: I) -> Vec<Result<T>>
where
    I: IntoIterator<Item = JoinHandle<T>>,
{
    // All are spawned before the first is waited for, also by an iterator that spawns as it goes.
    let handles: Vec<_> = handles.into_iter().collect();
    handles.into_iter().map(JoinHandle::join).collect()
}
