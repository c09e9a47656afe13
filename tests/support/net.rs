//! What the tests of sockets begin with.

use sward::net::{SocketAddr, TcpListener, TcpStream};

/// Each body as two tests.
macro_rules! on_both {
    ($($(#[$attr:meta])* fn $name:ident() $body:block)*) => { $(
        mod $name {
            use super::*;

            fn body() $body

            $(#[$attr])*
            #[test]
            fn on_a_green_thread() {
                $crate::support::in_run(body);
            }

            $(#[$attr])*
            #[test]
            fn on_an_os_thread() {
                $crate::support::watched(body);
            }
        }
    )* };
}
pub(crate) use on_both;

pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

/// Two ends of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let (listener, at) = listener();
    let near = TcpStream::connect(at).unwrap();
    let (far, from) = listener.accept().unwrap();
    assert_eq!(from, near.local_addr().unwrap());
    (near, far)
}
