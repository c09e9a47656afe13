//! What stands on the other side of the wire: the same for every peer, in a process and on a core of its own.

mod clients;
mod slow_server;

pub(crate) use clients::{Load, echo_load};
pub(crate) use slow_server::serve_slowly;

/// What a client of the `fetch` workload sends.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What it gets, some time later, before the connection is closed.
pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\
    Connection: close\r\n\r\nhello, meadow\n";

/// Bytes of an echo message.
pub(crate) const MESSAGE: usize = 64;
