//! The load generator of `echo` and `balance`: connections with one message in flight each, over a raw epoll loop.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::MESSAGE;
use crate::figures::{Figures, percentile};
use crate::sys::{self, Epoll};

/// What to ask of an echo server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// Whose CPU time counts.
    pub(crate) server: u32,
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
}

/// Loads the server: a quarter of the time to warm up, then the time that counts.
pub(crate) fn echo_load(load: &Load) -> io::Result<Figures> {
    let mut clients = Clients::connect(load.address, load.connections)?;
    let measured = Duration::from_secs_f64(load.seconds);
    clients.exchange(measured / 4)?;
    clients.forget();

    let cpu = sys::cpu_time(load.server)?;
    let start = Instant::now();
    clients.exchange(measured)?;
    let wall = start.elapsed();
    let cpu = sys::cpu_time(load.server)? - cpu;

    let mut figures = Figures::new();
    let answers = clients.answers as f64;
    figures.add("requests/s", answers / wall.as_secs_f64());
    figures.add("server CPU µs", cpu.as_secs_f64() * 1e6 / answers);
    if load.connections == 1 {
        clients.latencies.sort_unstable();
        figures.add("p50 µs", percentile(&clients.latencies, 50.0) / 1e3);
        figures.add("p99 µs", percentile(&clients.latencies, 99.0) / 1e3);
    }
    Ok(figures)
}

struct Clients {
    epoll: Epoll,
    streams: Vec<TcpStream>,
    answers: u64,
    /// Nanoseconds of each exchange; kept only when there is one connection, or the clock would weigh on the load.
    latencies: Vec<u64>,
    sent: Instant,
}

impl Clients {
    /// Connects one after the other. Those that are connected exchange messages meanwhile, so that
    /// the server is busy when the later ones come.
    fn connect(address: SocketAddr, connections: usize) -> io::Result<Self> {
        let streams = Vec::with_capacity(connections);
        let mut clients =
            Self { epoll: Epoll::new()?, streams, answers: 0, latencies: Vec::new(), sent: Instant::now() };
        for token in 0..connections {
            let mut stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            stream.write_all(&[b'm'; MESSAGE])?;
            clients.epoll.watch(stream.as_raw_fd(), token as u64)?;
            clients.streams.push(stream);
            clients.turn(Some(Duration::ZERO))?;
        }
        Ok(clients)
    }

    fn exchange(&mut self, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn(Some(Duration::from_millis(100)))?;
        }
        Ok(())
    }

    fn turn(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let Self { epoll, streams, answers, latencies, sent } = self;
        let alone = streams.len() == 1;
        for token in epoll.wait(timeout)? {
            let mut stream = &streams[token as usize];
            // A message of 64 bytes is one segment: it comes whole or not at all.
            let mut message = [0; 2 * MESSAGE];
            if stream.read(&mut message)? != MESSAGE {
                return Err(io::Error::other("the server did not echo what it was sent"));
            }
            *answers += 1;
            if alone {
                latencies.push(sent.elapsed().as_nanos() as u64);
                *sent = Instant::now();
            }
            stream.write_all(&message[..MESSAGE])?;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.answers = 0;
        self.latencies.clear();
    }
}
