//! ureq over [`sward::net::TcpStream`]: the one place where the HTTP client meets the runtime.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::SockRef;
use sward::net::TcpStream;
use sward::thread::{self, ThreadId};
use ureq::config::Config;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Error, Timeout};

use crate::client::check_redirected;

/// Opens sward's TCP streams, where no connector before it (a proxy's) has opened one.
///
/// It does not register ureq's shutdown handles: nothing here shuts the agent down, and ureq walks the whole
/// list of them at every connect, which is quadratic in what is in flight.
#[derive(Debug)]
pub(crate) struct TcpConnector(pub(crate) Requests);

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        self.0.note(|request| request.connects = true);
        // With a proxy nothing was looked up before.
        check_redirected(details.uri)?;
        if let Some(open) = chained {
            return Ok(Some(Either::A(open)));
        }
        let stream = connect_to_any(&details.addrs, details.timeout)?;
        stream.set_nodelay(details.config.no_delay())?;
        let buffers =
            LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TcpTransport { stream, buffers, read_timeout: None, write_timeout: None })))
    }
}

/// Tries the addresses in turn, until one answers or the time is over. Each gets half of what is left, the
/// last one all of it, so that a dead first address leaves time for the others.
fn connect_to_any(addrs: &[SocketAddr], timeout: NextTimeout) -> Result<TcpStream, Error> {
    let deadline = timeout.not_zero().and_then(|limit| Instant::now().checked_add(*limit));
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (i, addr) in addrs.iter().enumerate() {
        let attempt = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return Err(Error::Timeout(timeout.reason)),
            Some(left) if i + 1 < addrs.len() => TcpStream::connect_timeout(addr, left / 2),
            Some(left) => TcpStream::connect_timeout(addr, left),
            None => TcpStream::connect(addr),
        };
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e,
        }
    }
    Err(or_timeout(last, timeout.reason))
}

/// A TCP stream with the buffers that ureq reads and writes through.
pub(crate) struct TcpTransport {
    stream: TcpStream,
    buffers: LazyBuffers,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let limit = time_left(timeout)?;
        if limit != self.write_timeout {
            self.stream.set_write_timeout(limit)?;
            self.write_timeout = limit;
        }
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output).map_err(|e| or_timeout(e, timeout.reason))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let limit = time_left(timeout)?;
        if limit != self.read_timeout {
            self.stream.set_read_timeout(limit)?;
            self.read_timeout = limit;
        }
        let room = self.buffers.input_append_buf();
        let amount = self.stream.read(room).map_err(|e| or_timeout(e, timeout.reason))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// An idle connection is good while there is nothing to read: neither an end nor bytes nobody asked for.
    ///
    /// ureq asks under its pool's (std) lock, where a green thread must not park: hence a raw look at the socket.
    fn is_open(&mut self) -> bool {
        let peek = || {
            self.stream.set_nonblocking(true)?;
            let seen = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
            self.stream.set_nonblocking(false)?;
            seen
        };
        peek().is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock)
    }
}

impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpTransport").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// What a socket's timeout should be: `None` for no end, and never zero, which std refuses.
fn time_left(timeout: NextTimeout) -> Result<Option<Duration>, Error> {
    if timeout.after.is_not_happening() {
        Ok(None)
    } else if timeout.after.is_zero() {
        Err(Error::Timeout(timeout.reason))
    } else {
        Ok(Some(*timeout.after))
    }
}

/// std's sockets call a timeout `WouldBlock` or `TimedOut`, by platform; ureq has a name of its own for it.
fn or_timeout(error: io::Error, reason: Timeout) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout(reason),
        _ => Error::Io(error),
    }
}

/// What is known of a request on its way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request {
    /// When it first went out, over a connection that stood by then, TLS included, be it new or an idle one.
    pub(crate) asked_at: Option<Instant>,
    /// A new connection was begun for it.
    connects: bool,
}

impl Request {
    /// Whether it was sent over idle connections only.
    pub(crate) fn went_by_idle(self) -> bool {
        self.asked_at.is_some() && !self.connects
    }
}

/// The last link of the chain: notes what the requests do.
///
/// ureq tells a connector nothing of the request it connects for, but it runs it, and the transport it makes, on the
/// request's own (green) thread, whose id is the key.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    under_way: Arc<Mutex<HashMap<ThreadId, Request>>>,
    /// Whether they may go by a proxy.
    proxied: bool,
}

impl Requests {
    /// Of an agent that is made with `config`.
    pub(crate) fn with(config: &Config) -> Self {
        Requests { under_way: Arc::default(), proxied: config.proxy().is_some() }
    }

    fn note(&self, what: impl FnOnce(&mut Request)) {
        what(self.under_way.lock().unwrap().entry(thread::current().id()).or_default());
    }

    /// What the calling green thread's request did, since it last asked.
    pub(crate) fn take(&self) -> Request {
        self.under_way.lock().unwrap().remove(&thread::current().id()).unwrap_or_default()
    }
}

impl<In: Transport> Connector<In> for Requests {
    type Out = Noted<In>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Noted<In>>, Error> {
        // ureq connects to a proxy as it does to any server, by a configuration without one.
        let is_to_proxy = self.proxied && details.config.proxy().is_none();
        let requests = (!is_to_proxy).then(|| self.clone());
        Ok(chained.map(|transport| Noted { transport, requests }))
    }
}

/// A transport that notes when it is written to.
#[derive(Debug)]
pub(crate) struct Noted<T> {
    transport: T,
    /// `None` on the way to a proxy: what it is asked for is the connection, and not the URL.
    requests: Option<Requests>,
}

impl<T: Transport> Transport for Noted<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(requests) = &self.requests {
            requests.note(|request| request.asked_at = request.asked_at.or_else(|| Some(Instant::now())));
        }
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}
