//! [`PromiseError`].

use std::{error::Error, fmt, sync::Arc};

/// Why there is no value.
///
/// Two are equal if they say the same; two failures, if they share one error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PromiseError {
    /// The promise failed, with this error. All readers share it.
    Failed(Arc<dyn Error + Send + Sync>),
    /// The promise was dropped without a value: nobody can give one any more.
    Broken,
    /// The time was up first. The value may come yet.
    TimedOut,
}

impl fmt::Display for PromiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PromiseError::Failed(error) => error.fmt(f),
            PromiseError::Broken => f.write_str("broken promise: it was dropped without a value"),
            PromiseError::TimedOut => f.write_str("the time was up before the promise was kept"),
        }
    }
}

impl Error for PromiseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PromiseError::Failed(error) => error.source(),
            PromiseError::Broken | PromiseError::TimedOut => None,
        }
    }
}

impl PromiseError {
    /// The error that the promise failed with, if it is an `E`.
    ///
    /// ```
    /// let (promise, promised) = sward::event::Promise::<u32>::new();
    /// promise.fail("x".parse::<u32>().unwrap_err());
    /// let error = promised.get().unwrap_err();
    /// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    /// ```
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            PromiseError::Failed(error) => error.downcast_ref(),
            PromiseError::Broken | PromiseError::TimedOut => None,
        }
    }
}

impl PartialEq for PromiseError {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (PromiseError::Failed(one), PromiseError::Failed(other)) => Arc::ptr_eq(one, other),
            (PromiseError::Broken, PromiseError::Broken) => true,
            (PromiseError::TimedOut, PromiseError::TimedOut) => true,
            _ => false,
        }
    }
}

impl Eq for PromiseError {}
