//! Why a join gave no value.

use std::{
    any::Any,
    error::Error,
    fmt, io,
    ops::{Deref, DerefMut},
};

use crate::{
    payload,
    sched::task::{Core, Failure},
};

/// Why a green thread gave no value.
///
/// It stands where `std` has the payload of the panic, a `Box<dyn Any + Send>`. It has that box's methods
/// ([`is`](Self::is), [`downcast_ref`](Self::downcast_ref), [`downcast`](Self::downcast)), derefs to the payload, and
/// converts to the box, so that code written for `std`'s join compiles. What does not is where the box is named as a type:
/// there say [`into_panic`](Self::into_panic), or `into`.
///
/// It is not `Sync`, since a payload need not be. So `?` takes it into a `Box<dyn Error>`, and not into an error that is
/// `Send + Sync`, as [`io::Error`] and `anyhow`'s are: those take its text, [`to_string`](ToString::to_string).
///
/// ```
/// let error = sward::spawn(|| panic!("no such file")).join().unwrap_err();
/// assert_eq!(error.downcast_ref::<&str>(), Some(&"no such file"));
/// assert!(error.to_string().ends_with("panicked: no such file"));
/// ```
#[non_exhaustive]
pub enum JoinError {
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    /// It was cancelled, or its runtime was shut down before it ran.
    Cancelled,
    /// No stack could be had for it.
    NoStack(io::Error),
}

impl JoinError {
    pub(crate) fn new(core: &Core, failure: Failure) -> Self {
        match failure {
            Failure::Panicked(payload) => {
                names::remember(&*payload, core);
                JoinError::Panicked(payload)
            }
            Failure::Cancelled => JoinError::Cancelled,
            Failure::NoStack(error) => JoinError::NoStack(error),
        }
    }

    /// Whether it was cancelled.
    ///
    /// ```
    /// let job = sward::spawn(|| sward::thread::park());
    /// job.cancel();
    /// assert!(job.join().unwrap_err().is_cancelled());
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled)
    }

    /// The payload of the panic, to go on with it by [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// If it did not panic.
    ///
    /// ```
    /// let job = sward::spawn(|| {
    ///     let error = sward::spawn(|| std::panic::panic_any(7)).join().unwrap_err();
    ///     std::panic::resume_unwind(error.into_panic()); // it goes on here
    /// });
    /// assert!(job.join().unwrap_err().is::<i32>());
    /// ```
    #[must_use]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self {
            JoinError::Panicked(payload) => payload,
            other => panic!("into_panic of another error: {other}"),
        }
    }

    /// Whether it panicked with a payload of this type.
    ///
    /// ```
    /// let error = sward::spawn(|| std::panic::panic_any(7)).join().unwrap_err();
    /// assert!(error.is::<i32>() && !error.is::<&str>());
    /// ```
    #[must_use]
    pub fn is<U: Any>(&self) -> bool {
        self.downcast_ref::<U>().is_some()
    }

    /// The payload, if it panicked with one of this type.
    ///
    /// ```
    /// let error = sward::spawn(|| std::panic::panic_any(7)).join().unwrap_err();
    /// assert_eq!(error.downcast_ref(), Some(&7));
    /// ```
    #[must_use]
    pub fn downcast_ref<U: Any>(&self) -> Option<&U> {
        match self {
            JoinError::Panicked(payload) => payload.downcast_ref(),
            _ => None,
        }
    }

    /// The payload, if it panicked with one of this type.
    ///
    /// # Errors
    /// The error itself, if not.
    ///
    /// ```
    /// let error = sward::spawn(|| std::panic::panic_any(7)).join().unwrap_err();
    /// let error = error.downcast::<&str>().unwrap_err();
    /// assert_eq!(*error.downcast::<i32>().unwrap(), 7);
    /// ```
    pub fn downcast<U: Any>(self) -> Result<Box<U>, Self> {
        match self {
            JoinError::Panicked(payload) => payload.downcast().map_err(JoinError::Panicked),
            other => Err(other),
        }
    }
}

/// To the payload of the panic, or if there was none to the error itself: what `&*error` is with `std`.
///
/// ```
/// fn message(payload: &(dyn std::any::Any + Send)) -> &str {
///     payload.downcast_ref::<&str>().copied().unwrap_or("?")
/// }
/// let error = sward::spawn(|| panic!("no such file")).join().unwrap_err();
/// assert_eq!(message(&*error), "no such file");
/// ```
impl Deref for JoinError {
    type Target = dyn Any + Send;

    fn deref(&self) -> &(dyn Any + Send) {
        match self {
            JoinError::Panicked(payload) => &**payload,
            other => other,
        }
    }
}

impl DerefMut for JoinError {
    fn deref_mut(&mut self) -> &mut (dyn Any + Send) {
        match self {
            JoinError::Panicked(payload) => &mut **payload,
            other => other,
        }
    }
}

/// The payload of the panic, or if there was none the error itself, in a box: for [`std::panic::resume_unwind`], and for `?`
/// in a function that returns `std`'s [`thread::Result`](std::thread::Result).
///
/// ```
/// fn twice(n: i32) -> std::thread::Result<i32> {
///     Ok(sward::spawn(move || if n > 0 { n * 2 } else { panic!("{n}") }).join()?)
/// }
/// assert_eq!(twice(21).unwrap(), 42);
/// assert_eq!(twice(-1).unwrap_err().downcast_ref::<String>().unwrap(), "-1");
/// ```
impl From<JoinError> for Box<dyn Any + Send> {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Panicked(payload) => payload,
            other => Box::new(other),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Panicked(payload) => {
                let who = names::recall(&**payload);
                let who = who.as_deref().unwrap_or("green thread");
                write!(f, "{who} panicked: {}", payload::message(&**payload))
            }
            JoinError::Cancelled => f.write_str("green thread cancelled"),
            JoinError::NoStack(error) => write!(f, "green thread could not start: {error}"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl Error for JoinError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            JoinError::NoStack(error) => Some(error),
            _ => None,
        }
    }
}

/// Who panicked, for the message. The payload is the user's own value and goes to the user as it is, so the
/// name is kept beside it, by the payload's address and type: of the last [`KEPT`](names::KEPT) panics that were joined,
/// and not for a payload of no size, which has no address of its own. While an error lives, its address is nobody else's.
mod names {
    use std::{
        any::TypeId,
        collections::{HashMap, VecDeque},
        sync::Mutex,
    };

    use super::{Any, Core};

    /// More errors than anybody reads.
    pub(super) const KEPT: usize = 10_000;

    type Key = (usize, TypeId);

    #[derive(Default)]
    struct Known {
        names: HashMap<Key, String>,
        oldest_first: VecDeque<Key>,
    }

    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

    pub(super) fn remember(payload: &(dyn Any + Send), core: &Core) {
        if size_of_val(payload) == 0 {
            return;
        }
        let mut known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
        let Known { names, oldest_first } = known.get_or_insert_default();
        if names.insert(key(payload), core.to_string()).is_none() {
            oldest_first.push_back(key(payload));
        }
        if oldest_first.len() > KEPT
            && let Some(oldest) = oldest_first.pop_front()
        {
            names.remove(&oldest);
        }
    }

    pub(super) fn recall(payload: &(dyn Any + Send)) -> Option<String> {
        let known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
        known.as_ref()?.names.get(&key(payload)).cloned()
    }

    fn key(payload: &(dyn Any + Send)) -> Key {
        (std::ptr::from_ref(payload).cast::<()>().addr(), payload.type_id())
    }
}
