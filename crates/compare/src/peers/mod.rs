//! Who is compared.
//!
//! Two kinds of peer have their programs written once: those whose code blocks ([`blocking`]) and
//! those whose code awaits ([`tasks`]); each peer is an adapter to one of them. The limits have no
//! scheduler: [`corosensei`] only switches stacks, and [`epoll`] only waits for events.

mod blocking;
mod corosensei;
mod epoll;
mod may;
mod smol;
mod sward;
mod tasks;
mod threads;
mod tokio;

use std::error;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use self::blocking::Blocking;
use self::tasks::Async;
use crate::figures::Figures;
use crate::probes::{Lateness, Seats};

pub(crate) type Error = Box<dyn error::Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Who can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peer {
    /// What this is about.
    Sward,
    /// tokio's `current_thread` runtime, one for each worker.
    Tokio,
    /// tokio's `multi_thread` runtime.
    TokioMulti,
    /// may's coroutines.
    May,
    /// smol: async-executor and async-io.
    Smol,
    /// Threads of the operating system.
    Threads,
    /// The limit: a bare queue of corosensei stacks.
    Corosensei,
    /// The limit: a raw epoll loop.
    Epoll,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sward => "sward",
            Self::Tokio => "tokio",
            Self::TokioMulti => "tokio-multi",
            Self::May => "may",
            Self::Smol => "smol",
            Self::Threads => "threads",
            Self::Corosensei => "corosensei",
            Self::Epoll => "epoll",
        })
    }
}

impl Peer {
    /// Its programs.
    pub(crate) fn bench(self) -> Box<dyn Bench> {
        match self {
            Self::Sward => Box::new(Blocking::<sward::Sward>::new()),
            Self::Tokio => Box::new(Async::<tokio::CurrentThread>::new()),
            Self::TokioMulti => Box::new(Async::<tokio::MultiThread>::new()),
            Self::May => Box::new(Blocking::<may::May>::new()),
            Self::Smol => Box::new(Async::<smol::Smol>::new()),
            Self::Threads => Box::new(Blocking::<threads::OsThreads>::new()),
            Self::Corosensei => Box::new(corosensei::Queue),
            Self::Epoll => Box::new(epoll::Loop),
        }
    }

    /// By how much to shorten what is measured per operation, to stay within a second.
    pub(crate) fn slowness(self) -> usize {
        if self == Self::Threads { 20 } else { 1 }
    }
}

/// The programs of a peer; each runs in a process of its own. What it cannot do, it has no program for.
pub(crate) trait Bench {
    /// `tasks` yield `rounds` times each, on one worker: the time of it all.
    fn yields(&self, _tasks: usize, _rounds: usize) -> Result<Duration> {
        no_program()
    }

    /// `batches` times: spawn `size` and join them all.
    fn spawn_join(&self, _workers: usize, _size: usize, _batches: usize) -> Result<Duration> {
        no_program()
    }

    /// Echoes to every connection until the process ends, and tells `seats` who served what.
    fn echo(&self, _listener: TcpListener, _workers: usize, _seats: Option<&'static Seats>) -> Result<()> {
        no_program()
    }

    /// Makes `count` requests at once; again until each of `rounds` has been done.
    fn fetch(
        &self,
        _address: SocketAddr,
        _count: usize,
        _rounds: &'static [&'static str],
    ) -> Result<Figures> {
        no_program()
    }

    /// Starts a timer for each delay, all at once, and notes how late they are.
    fn timers(&self, _delays: Vec<Duration>, _late: &'static Lateness) -> Result<()> {
        no_program()
    }

    /// As [`timers`](Self::timers), but what is to be done is called after the time: nothing of it is there before. Where
    /// that is the same, it need not be told apart.
    fn delayed_calls(&self, delays: Vec<Duration>, late: &'static Lateness) -> Result<()> {
        self.timers(delays, late)
    }

    /// Two wake each other in turns, on one worker or on one each: the time of `rounds` round trips.
    fn ping_pong(&self, _workers: usize, _rounds: usize) -> Result<Duration> {
        no_program()
    }

    /// As `ping_pong`, by messages over two bounded channels of one place.
    fn channel(&self, _workers: usize, _rounds: usize) -> Result<Duration> {
        no_program()
    }

    /// Spawns `count` that park, then wakes and joins them all.
    fn parked(&self, _count: usize) -> Result<Figures> {
        no_program()
    }
}

fn no_program<T>() -> Result<T> {
    Err("it has no program for this".into())
}

/// Says how many there were when one more could not be had.
fn at(count: usize, error: &io::Error) -> Error {
    format!("the {}th cannot be spawned: {error}", count + 1).into()
}
