//! Reading and writing, by value and by reference.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use super::TcpStream;
use crate::sys::socket::Receive;

/// Implements [`Read`] and [`Write`] for what is or refers to a tuple of one [`Socket`](super::socket::Socket).
macro_rules! stream_traits {
    ($($type:ty),*) => { $(
        impl Read for $type {
            #[inline]
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.0.read(buf, Receive::Take)
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.0.read_vectored(bufs)
            }
        }

        impl Write for $type {
            #[inline]
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.0.write(buf)
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.0.write_vectored(bufs)
            }

            #[inline]
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
    )* };
}

stream_traits!(TcpStream, &TcpStream);
