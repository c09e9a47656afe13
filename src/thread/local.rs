//! Values of the green thread's own.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    fmt,
};

use crate::sched::{
    locals::{Gone, Locals},
    worker,
};

/// A key to a value that each green thread has of its own. Made by [`local!`](crate::local); as
/// [`std::thread::LocalKey`].
///
/// On a plain OS thread the value is that thread's, as with `std`'s `thread_local!`. The keys of that macro are
/// [`std::thread::LocalKey`]s still, and all green threads of a worker share their values: it is a macro of `std`'s root, which
/// no change of a `use` line reaches.
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
    ///
    /// ```
    /// sward::local! { static NAME: String = "nobody".to_owned(); }
    ///
    /// assert_eq!(NAME.with(|name| name.len()), 6);
    /// ```
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(result) => result,
            Err(AccessError) => gone(),
        }
    }

    /// As [`with`](Self::with).
    ///
    /// # Errors
    /// If the value is being dropped, or has been.
    ///
    /// ```
    /// struct Logs;
    /// impl Drop for Logs {
    ///     fn drop(&mut self) {
    ///         assert!(LOGS.try_with(|_| ()).is_err()); // too late
    ///     }
    /// }
    /// sward::local! { static LOGS: Logs = Logs; }
    ///
    /// let job = sward::spawn(|| LOGS.try_with(|_| ()).is_ok());
    /// assert!(job.join().unwrap());
    /// ```
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

impl<T: 'static> LocalKey<T> {
    /// Calls `overwrite` with the value that is there and `value`; if there is none, `value` becomes it, and the key's own
    /// closure is not called.
    #[track_caller]
    fn set_in(&'static self, locals: &Locals, value: T, overwrite: impl FnOnce(&T, T)) {
        let value = Cell::new(Some(value));
        let key = std::ptr::from_ref(self).addr();
        let make = || value.take().expect("the value is taken once");
        let result = locals.with(key, make, |there| {
            if let Some(value) = value.take() {
                overwrite(there, value);
            }
        });
        result.unwrap_or_else(|Gone| gone());
    }
}

#[cold]
#[track_caller]
fn gone() -> ! {
    panic!("cannot access a green thread's local value: {AccessError}")
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets the value. As `std`'s, at the first use it does not call the key's own closure.
    ///
    /// # Panics
    /// If the value is being dropped, or has been.
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// sward::local! { static ID: Cell<u32> = panic!("set it first"); }
    ///
    /// let id = sward::spawn(|| { ID.set(7); ID.get() });
    /// assert_eq!(id.join().unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn set(&'static self, value: T) {
        match worker::current() {
            Some((_, slot)) => {
                self.set_in(&slot.locals, Cell::new(value), |cell, value| cell.set(value.into_inner()))
            }
            None => self.of_os_thread.set(value),
        }
    }

    /// A copy of the value.
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// sward::local! { static COUNT: Cell<u32> = Cell::new(1); }
    ///
    /// assert_eq!(COUNT.get(), 1);
    /// ```
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the value, and leaves the default.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Replaces the value, and returns the old one.
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// sward::local! { static COUNT: Cell<u32> = Cell::new(1); }
    ///
    /// assert_eq!((COUNT.replace(2), COUNT.take(), COUNT.get()), (1, 2, 0));
    /// ```
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with a reference to the value.
    ///
    /// # Panics
    /// If it is mutably borrowed.
    #[track_caller]
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
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// sward::local! { static SEEN: RefCell<Vec<u32>> = RefCell::default(); }
    ///
    /// SEEN.with_borrow_mut(|seen| seen.push(7));
    /// assert_eq!(SEEN.with_borrow(Vec::len), 1);
    /// ```
    #[track_caller]
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets the value. As `std`'s, at the first use it does not call the key's own closure.
    ///
    /// # Panics
    /// If it is borrowed; if it is being dropped, or has been.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        match worker::current() {
            Some((_, slot)) => self.set_in(&slot.locals, RefCell::new(value), |cell, value| {
                *cell.borrow_mut() = value.into_inner()
            }),
            None => self.of_os_thread.set(value),
        }
    }

    /// Takes the value, and leaves the default.
    ///
    /// # Panics
    /// If it is borrowed.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Replaces the value, and returns the old one.
    ///
    /// # Panics
    /// If it is borrowed.
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// sward::local! { static NAME: RefCell<String> = panic!("set it first"); }
    ///
    /// NAME.set("parser".to_owned());
    /// assert_eq!(NAME.replace("lexer".to_owned()), "parser");
    /// assert_eq!(NAME.take(), "lexer");
    /// ```
    #[track_caller]
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
