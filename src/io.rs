//! All of [`std::io`], and [`Readiness`]: waiting until a descriptor of any kind can be read or written.
//!
//! `std`'s items are the same ones: the traits that sward's sockets implement, and what is built on them. Beware of
//! `stdin`: to read from it stops the worker; wrap it in [`blocking`](crate::blocking), or wait for it first.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

pub use std::io::*;

use crate::{
    sched::{
        self,
        io::{Interest, Source, spend},
    },
    sys::poll,
};

/// Waiting until a descriptor is ready, for all that has one: pipes, terminals, sockets of other crates.
///
/// A green thread parks, a plain OS thread blocks. Ready means that the next call of that kind will not wait if
/// nobody else is faster; at the end of the file, and when the other side is gone or broken, a descriptor is ready
/// too. Files are always ready. The descriptor's mode does not matter, and is left alone.
///
/// A cancel ends the wait: the green thread unwinds.
///
/// ```
/// use std::io::{Read, Write};
/// use sward::io::Readiness;
///
/// let (mut reader, mut writer) = std::io::pipe()?;
/// let text = sward::run(|| {
///     let reading = sward::spawn(move || -> std::io::Result<_> {
///         assert!(reader.wait_readable(None)?); // here others run
///         let mut buf = [0; 16];
///         let n = reader.read(&mut buf)?;
///         Ok(buf[..n].to_vec())
///     });
///     writer.write_all(b"hello")?;
///     reading.join().unwrap()
/// })?;
/// assert_eq!(text, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Readiness: AsFd {
    /// Waits until a read would not wait, at the longest for `timeout`. `Ok(false)`: the time ran out.
    ///
    /// # Errors
    /// The system's, if the descriptor cannot be waited for, or there is no other one left for the wait itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sward::io::Readiness;
    ///
    /// let (reader, writer) = std::io::pipe()?;
    /// assert!(!reader.wait_readable(Some(Duration::from_millis(1)))?);
    /// drop(writer);
    /// assert!(reader.wait_readable(None)?); // the end of the file
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn wait_readable(&self, timeout: Option<Duration>) -> Result<bool> {
        wait(self.as_fd(), Interest::Readable, timeout)
    }

    /// Waits until a write would not wait, at the longest for `timeout`. `Ok(false)`: the time ran out.
    ///
    /// # Errors
    /// The system's, if the descriptor cannot be waited for, or there is no other one left for the wait itself.
    ///
    /// ```
    /// use sward::io::Readiness;
    ///
    /// let (_reader, writer) = std::io::pipe()?;
    /// assert!(writer.wait_writable(None)?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn wait_writable(&self, timeout: Option<Duration>) -> Result<bool> {
        wait(self.as_fd(), Interest::Writable, timeout)
    }
}

impl<T: AsFd + ?Sized> Readiness for T {}

fn wait(fd: BorrowedFd<'_>, interest: Interest, timeout: Option<Duration>) -> Result<bool> {
    let _ = spend();
    let deadline = timeout.map(|timeout| sched::now().saturating_add(timeout));
    loop {
        // A wake-up is no promise, and an edge that was before the wait is not told again.
        if poll::is_ready(fd, interest)? {
            return Ok(true);
        }
        let left = deadline.map(|deadline| deadline.since(sched::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        // A poller knows a descriptor once, and this one may be a socket of sward's, or waited for by others.
        let twin = fd.try_clone_to_owned()?;
        Source::wait(twin.as_fd(), interest, left)?;
    }
}
