//! To and from descriptors, and the types of `std` and socket2 that own one.

/// Implements the conversions for a type that is a tuple of one [`Socket`] or
/// [`Acceptor`], which is what `$inner` names.
macro_rules! descriptor_traits {
    ($type:ty, $inner:ty, $std:ty) => {
        impl AsFd for $type {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.show()
            }
        }

        impl AsRawFd for $type {
            fn as_raw_fd(&self) -> RawFd {
                self.0.show().as_raw_fd()
            }
        }

        impl IntoRawFd for $type {
            fn into_raw_fd(self) -> RawFd {
                self.0.release().into_raw_fd()
            }
        }

        #[allow(unsafe_code)]
        impl FromRawFd for $type {
            unsafe fn from_raw_fd(fd: RawFd) -> Self {
                // SAFETY: the caller's contract is the same: the descriptor is open, and theirs to give.
                Self::from(unsafe { OwnedFd::from_raw_fd(fd) })
            }
        }

        impl From<OwnedFd> for $type {
            fn from(fd: OwnedFd) -> Self {
                Self::from(socket2::Socket::from(fd))
            }
        }

        impl From<$type> for OwnedFd {
            fn from(socket: $type) -> Self {
                socket.0.release().into()
            }
        }

        impl From<$std> for $type {
            fn from(socket: $std) -> Self {
                Self::from(OwnedFd::from(socket))
            }
        }

        impl From<$type> for $std {
            fn from(socket: $type) -> Self {
                OwnedFd::from(socket).into()
            }
        }

        impl From<socket2::Socket> for $type {
            fn from(socket: socket2::Socket) -> Self {
                Self(<$inner>::adopt(socket))
            }
        }

        impl From<$type> for socket2::Socket {
            fn from(socket: $type) -> Self {
                socket.0.release()
            }
        }
    };
}

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use super::{TcpListener, TcpStream, UdpSocket, acceptor::Acceptor, socket::Socket};

descriptor_traits!(TcpStream, Socket, std::net::TcpStream);
descriptor_traits!(TcpListener, Acceptor, std::net::TcpListener);
descriptor_traits!(UdpSocket, Socket, std::net::UdpSocket);
