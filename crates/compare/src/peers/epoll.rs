//! The limit of IO and timers: a raw epoll loop, and nothing else.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::{Bench, Result};
use crate::figures::Figures;
use crate::load::{MESSAGE, REQUEST, RESPONSE};
use crate::probes::{Lateness, Meter, Seats};
use crate::sys::{self, Epoll};

pub(super) struct Loop;

impl Bench for Loop {
    fn echo(&self, listener: TcpListener, _workers: usize, _seats: Option<&'static Seats>) -> Result<()> {
        const LISTENER: u64 = u64::MAX;
        let mut epoll = Epoll::new()?;
        let mut streams: Vec<Option<TcpStream>> = Vec::new();
        epoll.watch(listener.as_raw_fd(), LISTENER)?;
        loop {
            let mut newcomers = Vec::new();
            for token in epoll.wait(None)? {
                if token == LISTENER {
                    newcomers.push(listener.accept()?.0);
                } else if let Some(slot) = streams.get_mut(token as usize)
                    && !slot.as_mut().is_some_and(echo_once)
                {
                    *slot = None;
                }
            }
            for stream in newcomers {
                stream.set_nonblocking(true)?;
                epoll.watch(stream.as_raw_fd(), streams.len() as u64)?;
                streams.push(Some(stream));
            }
        }
    }

    fn fetch(&self, address: SocketAddr, count: usize, rounds: &'static [&'static str]) -> Result<Figures> {
        let mut figures = Figures::new();
        for round in rounds {
            let meter = Meter::start()?;
            fetch_all(address, count)?;
            figures.add_times(round, meter.stop()?);
        }
        Ok(figures)
    }

    fn timers(&self, delays: Vec<Duration>, late: &'static Lateness) -> Result<()> {
        let mut epoll = Epoll::new()?;
        let mut heap = BinaryHeap::new();
        for (index, delay) in delays.into_iter().enumerate() {
            heap.push(Reverse((Instant::now() + delay, index)));
        }
        while let Some(&Reverse((due, index))) = heap.peek() {
            let now = Instant::now();
            if due <= now {
                heap.pop();
                late.note(index, due);
            } else {
                epoll.wait(Some(due - now))?.for_each(drop);
            }
        }
        Ok(())
    }
}

/// Echoes one message, level-triggered: false when the client is gone.
fn echo_once(stream: &mut TcpStream) -> bool {
    let mut message = [0; 16 * MESSAGE];
    match stream.read(&mut message) {
        Ok(0) => false,
        Ok(length) => stream.write_all(&message[..length]).is_ok(),
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

fn fetch_all(address: SocketAddr, count: usize) -> io::Result<()> {
    let mut epoll = Epoll::new()?;
    let mut fetches = Vec::with_capacity(count);
    for token in 0..count {
        let mut fetch = Fetch { stream: sys::start_connect(address.port())?, sent: false, length: 0 };
        fetch.send()?;
        epoll.watch_edges(fetch.stream.as_raw_fd(), token as u64)?;
        fetches.push(Some(fetch));
    }
    let mut left = count;
    while left > 0 {
        for token in epoll.wait(None)? {
            let slot = &mut fetches[token as usize];
            let Some(fetch) = slot else { continue };
            if !fetch.sent {
                fetch.send()?;
            } else if fetch.read()? {
                *slot = None;
                left -= 1;
            }
        }
    }
    Ok(())
}

/// A request on its way.
struct Fetch {
    stream: TcpStream,
    sent: bool,
    length: usize,
}

impl Fetch {
    /// Sends the request, if the connection is there: on the loopback it often is at once.
    fn send(&mut self) -> io::Result<()> {
        match self.stream.write_all(REQUEST) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                self.sent = true;
                Ok(())
            }
        }
    }

    /// Reads to the end, as far as it has come: true at the end.
    fn read(&mut self) -> io::Result<bool> {
        let mut answer = [0; 1024];
        loop {
            match self.stream.read(&mut answer) {
                Ok(0) if self.length == RESPONSE.len() => return Ok(true),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(more) => self.length += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}
