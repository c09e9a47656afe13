//! The server of `fetch`: answers every request after a fixed delay, and closes; a raw epoll loop.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::{REQUEST, RESPONSE};
use crate::sys::Epoll;

const LISTENER: u64 = u64::MAX;

/// Serves until the process ends.
pub(crate) fn serve_slowly(listener: &TcpListener, delay: Duration) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new()?;
    epoll.watch(listener.as_raw_fd(), LISTENER)?;
    let mut server = Server { epoll, delay, connections: Vec::new(), free: Vec::new(), due: VecDeque::new() };
    loop {
        server.turn(listener)?;
    }
}

struct Server {
    epoll: Epoll,
    delay: Duration,
    /// Those that have not sent their request yet, by token; `None` at the tokens in `free`.
    connections: Vec<Option<TcpStream>>,
    free: Vec<u64>,
    /// Those that have, in the order of their answers' time, as the delay is the same for all.
    due: VecDeque<(Instant, TcpStream)>,
}

impl Server {
    fn turn(&mut self, listener: &TcpListener) -> io::Result<()> {
        let timeout = self.due.front().map(|(at, _)| at.saturating_duration_since(Instant::now()));
        let tokens: Vec<u64> = self.epoll.wait(timeout)?.collect();
        for token in tokens {
            if token == LISTENER { self.accept(listener)? } else { self.hear(token)? }
        }
        while self.due.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            if let Some((_, mut stream)) = self.due.pop_front() {
                // A client that is gone does not matter to the others.
                let _ = stream.write_all(RESPONSE);
            }
        }
        Ok(())
    }

    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            let token = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() as u64 - 1
            });
            self.epoll.watch(stream.as_raw_fd(), token)?;
            self.connections[token as usize] = Some(stream);
        }
    }

    /// Reads what a client sends: its request, or it is dropped.
    fn hear(&mut self, token: u64) -> io::Result<()> {
        let Some(mut stream) = self.connections[token as usize].take() else { return Ok(()) };
        self.free.push(token);
        self.epoll.forget(stream.as_raw_fd())?;
        let mut request = [0; 512];
        // A request of this size is one segment: it comes whole or not at all.
        if matches!(stream.read(&mut request), Ok(length) if request[..length] == *REQUEST) {
            self.due.push_back((Instant::now() + self.delay, stream));
        }
        Ok(())
    }
}
