//! What is measured: the workloads, their cases, and who takes part.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::figures::grouped;
use crate::peers::Peer;

/// What can be measured, each alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Yields of 2 to 10,000 tasks on one worker.
    Yield,
    /// Batches of 1,000 spawned and joined.
    SpawnJoin,
    /// TCP echo of 64-byte messages at 1, 64 and 1,024 connections.
    Echo,
    /// 2,000 HTTP requests at once.
    Fetch,
    /// 100,000 timers at once.
    Timers,
    /// Park and unpark of two, in turns.
    PingPong,
    /// A message there and one back, over channels of one place.
    Channel,
    /// Memory of up to 1,000,000 that are parked.
    Parked,
    /// Connections over two busy workers.
    Balance,
}

/// What a process of a peer does, with all sizes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Program {
    /// As many `yields` in all, by `tasks`.
    Yield {
        tasks: usize,
        yields: usize,
    },
    SpawnJoin {
        workers: usize,
        size: usize,
        batches: usize,
    },
    Echo {
        connections: usize,
        seconds: f64,
    },
    Fetch {
        count: usize,
    },
    Timers {
        count: usize,
        most_millis: u64,
        /// Calls of something later, and not sleeps in the middle of it.
        calls: bool,
    },
    PingPong {
        workers: usize,
        rounds: usize,
    },
    Channel {
        workers: usize,
        rounds: usize,
    },
    Parked {
        count: usize,
    },
    Balance {
        connections: usize,
        seconds: f64,
    },
}

/// One program of a workload, as a column of its table.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) label: String,
    pub(crate) program: Program,
}

/// Milliseconds that the server of [`Workload::Fetch`] waits before each answer.
pub(crate) const FETCH_DELAY_MILLIS: u64 = 10;

/// The rounds of [`Workload::Fetch`] in one process: cold, and with what the first one left behind.
pub(crate) const FETCH_ROUNDS: &[&str] = &["first", "again"];

impl Workload {
    /// What its table is headed by.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Yield => "yield_now: ns a yield, tasks on one worker",
            Self::SpawnJoin => "spawn and join: ns a task, in batches of 1,000",
            Self::Echo => {
                "TCP echo: messages of 64 bytes, the server on one core, one load for all on another"
            }
            Self::Fetch => "fetch: 2,000 HTTP requests at once, answered after 10 ms, the client on one core",
            Self::Timers => "timers: 100,000 of 0 to 1,000 ms at once, how late they are",
            Self::PingPong => "ping-pong: two wake each other in turns, ns a round trip",
            Self::Channel => "channel: a message there and one back, channels of one place, ns a round trip",
            Self::Parked => "parked: memory and time of each of many that are parked, one worker",
            Self::Balance => "balance: 1,000 connections of one acceptor over two busy workers",
        }
    }

    /// Its cases; `tiny` ones show in milliseconds that the programs work, and measure nothing.
    pub(crate) fn cases(self, tiny: bool) -> Vec<Case> {
        let (connections, seconds, batches) = if tiny { (16, 0.02, 10) } else { (1000, 1.0, 4000) };
        let case = |label: &str, program| Case { label: label.to_owned(), program };
        match self {
            Self::Yield => {
                let yields = if tiny { 20_000 } else { 4_000_000 };
                let counts: &[usize] = if tiny { &[2, 100] } else { &[2, 100, 1000, 10_000] };
                counts
                    .iter()
                    .map(|&tasks| case(&grouped(&tasks.to_string()), Program::Yield { tasks, yields }))
                    .collect()
            }
            Self::SpawnJoin => {
                let on = |workers| Program::SpawnJoin { workers, size: 1000, batches };
                vec![case("1 worker", on(1)), case("2 workers", on(2))]
            }
            Self::Echo => {
                let counts: &[usize] = if tiny { &[1, 16] } else { &[1, 64, 1024] };
                let with = |&connections: &usize| {
                    case(&grouped(&connections.to_string()), Program::Echo { connections, seconds })
                };
                counts.iter().map(with).collect()
            }
            Self::Fetch => vec![case("", Program::Fetch { count: if tiny { 20 } else { 2000 } })],
            Self::Timers => {
                let (count, most_millis) = if tiny { (100, 10) } else { (100_000, 1000) };
                let of = |calls| Program::Timers { count, most_millis, calls };
                vec![case("sleeps", of(false)), case("calls", of(true))]
            }
            Self::PingPong => {
                let on =
                    |workers, rounds| Program::PingPong { workers, rounds: if tiny { 1000 } else { rounds } };
                vec![case("1 worker", on(1, 2_000_000)), case("2 workers", on(2, 20_000))]
            }
            Self::Channel => {
                let on =
                    |workers, rounds| Program::Channel { workers, rounds: if tiny { 1000 } else { rounds } };
                vec![case("1 worker", on(1, 1_000_000)), case("2 workers", on(2, 20_000))]
            }
            Self::Parked => {
                let counts: &[usize] = if tiny { &[100] } else { &[10_000, 100_000, 1_000_000] };
                counts
                    .iter()
                    .map(|&count| case(&grouped(&count.to_string()), Program::Parked { count }))
                    .collect()
            }
            Self::Balance => vec![case("", Program::Balance { connections, seconds })],
        }
    }

    /// The limit that its ratios are to when sward is not measured.
    pub(crate) fn limit(self) -> Option<Peer> {
        match self {
            Self::Yield | Self::PingPong | Self::Parked => Some(Peer::Corosensei),
            Self::Echo | Self::Fetch | Self::Timers => Some(Peer::Epoll),
            Self::SpawnJoin | Self::Channel | Self::Balance => None,
        }
    }
}

impl Program {
    /// Whether `peer` has something that can be compared here.
    pub(crate) fn is_for(&self, peer: Peer) -> bool {
        match (self, peer) {
            (Self::Yield { .. } | Self::PingPong { workers: 1, .. }, Peer::Corosensei) => true,
            (Self::Parked { .. }, Peer::Corosensei) => true,
            (Self::Echo { .. } | Self::Fetch { .. } | Self::Timers { .. }, Peer::Epoll) => true,
            (_, Peer::Corosensei | Peer::Epoll) => false,
            // Its runtime is one thread.
            (Self::SpawnJoin { workers: 2, .. } | Self::Balance { .. }, Peer::Tokio) => false,
            // A thread a connection has no worker.
            (Self::Balance { .. }, Peer::Threads) => false,
            _ => true,
        }
    }

    /// How many workers, and so cores, it has.
    pub(crate) fn workers(&self) -> usize {
        match self {
            Self::SpawnJoin { workers, .. }
            | Self::PingPong { workers, .. }
            | Self::Channel { workers, .. } => *workers,
            Self::Balance { .. } => 2,
            _ => 1,
        }
    }
}
