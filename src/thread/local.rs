//! Values of the green thread's own.

use std::{error::Error, fmt};

use crate::sched::{locals::Gone, worker};

/// A key to a value that each green thread has of its own. Made by [`local!`](crate::local); as
/// [`std::thread::LocalKey`].
///
/// On a plain OS thread the value is that thread's, as with `std`'s `thread_local!`.
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
    of_os_thread: &'static std::thread::LocalKey<T>,
}

/// The value is being dropped, or has been: the green thread is at its end. As [`std::thread::AccessError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessError;

/// Declares values that each green thread has of its own, made at the first use and dropped at its end. As
/// [`std::thread_local!`].
///
/// ```
/// use std::cell::Cell;
///
/// sward::local! {
///     static COUNT: Cell<u32> = Cell::new(1);
/// }
///
/// COUNT.with(|count| count.set(7));
/// let other = sward::spawn(|| COUNT.with(Cell::get));
/// assert_eq!(other.join().unwrap(), 1);
/// assert_eq!(COUNT.get(), 7);
/// ```
#[macro_export]
macro_rules! local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident : $type:ty = const $init:block $(; $($rest:tt)*)?) => {
        $crate::local! { $(#[$attribute])* $visibility static $name: $type = $init $(; $($rest)*)? }
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident : $type:ty = $init:expr $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::thread::LocalKey<$type> = {
            fn init() -> $type { $init }
            ::std::thread_local! { static OF_OS_THREAD: $type = init(); }
            $crate::thread::LocalKey::new(init, &OF_OS_THREAD)
        };
        $($crate::local! { $($rest)* })?
    };
}

impl<T: 'static> LocalKey<T> {
    /// For [`local!`](crate::local).
    #[doc(hidden)]
    pub const fn new(init: fn() -> T, of_os_thread: &'static std::thread::LocalKey<T>) -> Self {
        Self { init, of_os_thread }
    }

    /// Calls `f` with the caller's value. As [`std::thread::LocalKey::with`].
    ///
    /// # Panics
    /// If the value is being dropped, or has been.
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.try_with(f).unwrap_or_else(|error| panic!("cannot access a green thread's local value: {error}"))
    }

    /// As [`with`](Self::with).
    ///
    /// # Errors
    /// If the value is being dropped, or has been.
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        match worker::current() {
            Some((_, slot)) => {
                let key = std::ptr::from_ref(self).addr();
                slot.locals.with(key, self.init, f).map_err(|Gone| AccessError)
            }
            None => self.of_os_thread.try_with(f).map_err(|_| AccessError),
        }
    }
}

impl<T: 'static> LocalKey<std::cell::Cell<T>> {
    /// Sets the value. As `std`'s.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// A copy of the value.
    #[must_use]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(std::cell::Cell::get)
    }

    /// Takes the value, and leaves the default.
    #[must_use]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(std::cell::Cell::take)
    }

    /// Replaces the value, and returns the old one.
    #[must_use]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<std::cell::RefCell<T>> {
    /// Calls `f` with a reference to the value.
    ///
    /// # Panics
    /// If it is mutably borrowed.
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with a mutable reference to the value.
    ///
    /// # Panics
    /// If it is borrowed.
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets the value.
    ///
    /// # Panics
    /// If it is borrowed.
    pub fn set(&'static self, value: T) {
        self.with(|cell| *cell.borrow_mut() = value);
    }

    /// Takes the value, and leaves the default.
    ///
    /// # Panics
    /// If it is borrowed.
    #[must_use]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(std::cell::RefCell::take)
    }

    /// Replaces the value, and returns the old one.
    ///
    /// # Panics
    /// If it is borrowed.
    #[must_use]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("already destroyed")
    }
}

impl Error for AccessError {}
