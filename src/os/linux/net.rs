//! Linux's sockets, by the names of [`std::os::linux::net`].

use std::io;

use crate::net::TcpStream;

/// What Linux can do with a [`TcpStream`] besides. As [`std::os::linux::net::TcpStreamExt`].
///
/// ```
/// use sward::{net::{TcpListener, TcpStream}, os::linux::net::TcpStreamExt};
///
/// sward::run(|| {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let stream = TcpStream::connect(listener.local_addr()?)?;
///     stream.set_quickack(false)?;
///     assert!(!stream.quickack()?);
/// #   Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait TcpStreamExt: sealed::Sealed {
    /// Whether what comes is acknowledged at once (`TCP_QUICKACK`), and not together with what goes back. The system may change
    /// it again by itself.
    ///
    /// # Errors
    /// The system's.
    fn set_quickack(&self, quickack: bool) -> io::Result<()>;

    /// Whether what comes is acknowledged at once, at this moment.
    ///
    /// # Errors
    /// The system's.
    fn quickack(&self) -> io::Result<bool>;
}

impl TcpStreamExt for TcpStream {
    fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.inner().set_tcp_quickack(quickack)
    }

    fn quickack(&self) -> io::Result<bool> {
        self.inner().tcp_quickack()
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for crate::net::TcpStream {}
}
