//! What a measured program carries within it: gates, meters and counters, the same for every peer.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

use crate::figures::{Figures, percentile};
use crate::sys;

/// A race: the clock runs from when the last one has arrived until the last one has left.
pub(crate) struct Lap {
    runners: usize,
    arrived: AtomicUsize,
    left: AtomicUsize,
    start: OnceLock<Instant>,
    time: OnceLock<Duration>,
    /// For OS threads, which would wait too long for each other by yields.
    pub(crate) barrier: Barrier,
}

impl Lap {
    pub(crate) fn new(runners: usize) -> Self {
        Self {
            runners,
            arrived: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            start: OnceLock::new(),
            time: OnceLock::new(),
            barrier: Barrier::new(runners),
        }
    }

    /// Counts one in; true for the last one.
    pub(crate) fn arrive(&self) -> bool {
        let last = self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.runners;
        if last {
            self.start.get_or_init(Instant::now);
        }
        last
    }

    pub(crate) fn all_arrived(&self) -> bool {
        self.arrived.load(Ordering::Acquire) == self.runners
    }

    pub(crate) fn leave(&self) {
        if self.left.fetch_add(1, Ordering::AcqRel) + 1 == self.runners {
            let start = self.start.get_or_init(Instant::now);
            self.time.get_or_init(|| start.elapsed());
        }
    }

    /// From the last arrival to the last leave.
    pub(crate) fn time(&self) -> Duration {
        self.time.get().copied().unwrap_or_default()
    }
}

/// How late each timer was.
pub(crate) struct Lateness(Vec<AtomicU32>);

impl Lateness {
    pub(crate) fn of(timers: usize) -> Self {
        // Written to, so that no page fault falls into the measurement.
        Self((0..timers).map(|_| AtomicU32::new(u32::MAX)).collect())
    }

    /// Timer `index` was due at `due`, and is served now.
    pub(crate) fn note(&self, index: usize, due: Instant) {
        let late = due.elapsed().as_nanos().min(u128::from(u32::MAX)) as u32;
        self.0[index].store(late, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> Figures {
        let mut late: Vec<u64> = self.0.iter().map(|late| late.load(Ordering::Relaxed).into()).collect();
        late.sort_unstable();
        let mut figures = Figures::new();
        figures.add("p50 µs", percentile(&late, 50.0) / 1e3);
        figures.add("p99 µs", percentile(&late, 99.0) / 1e3);
        figures
    }
}

/// `count` delays below `most`, scattered, and the same in every run.
pub(crate) fn delays(count: usize, most: Duration) -> Vec<Duration> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        // xorshift64*: good enough to scatter, and three lines.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    };
    (0..count).map(|_| most.mul_f64(next() as f64 / (1_u64 << 53) as f64)).collect()
}

/// Wall and CPU time of the process since the start.
pub(crate) struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    pub(crate) fn start() -> io::Result<Self> {
        Ok(Self { cpu: sys::cpu_time(0)?, wall: Instant::now() })
    }

    /// Wall and CPU time in milliseconds.
    pub(crate) fn stop(&self) -> io::Result<(f64, f64)> {
        let wall = self.wall.elapsed();
        Ok((wall.as_secs_f64() * 1e3, (sys::cpu_time(0)? - self.cpu).as_secs_f64() * 1e3))
    }
}

/// Which worker serves each connection: a worker is an OS thread.
pub(crate) struct Seats(Vec<AtomicU32>);

impl Seats {
    pub(crate) fn of(connections: usize) -> Self {
        Self((0..connections).map(|_| AtomicU32::new(0)).collect())
    }

    /// The calling OS thread serves a message of `connection`.
    ///
    /// Never inlined: may's coroutines move between OS threads, and a caller must not remember the
    /// address of a thread-local across a switch.
    #[inline(never)]
    pub(crate) fn note(&self, connection: usize) {
        static LAST: AtomicU32 = AtomicU32::new(0);
        thread_local!(static WORKER: u32 = LAST.fetch_add(1, Ordering::Relaxed) + 1);
        if let Some(seat) = self.0.get(connection) {
            seat.store(WORKER.with(|worker| *worker), Ordering::Relaxed);
        }
    }

    /// The part of the connections, in percent, whose last message was served by the fullest worker.
    pub(crate) fn fullest(&self) -> Figures {
        let mut workers: Vec<u32> =
            self.0.iter().map(|seat| seat.load(Ordering::Relaxed)).filter(|&w| w != 0).collect();
        workers.sort_unstable();
        let fullest = workers.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
        Figures::one("fullest worker %", 100.0 * fullest as f64 / workers.len().max(1) as f64)
    }
}

/// The memory of the process.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    resident: u64,
    mappings: usize,
}

impl Memory {
    pub(crate) fn now() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
            .ok_or_else(|| io::Error::other("no VmRSS in /proc/self/status"))?;
        let mappings = fs::read("/proc/self/maps")?.iter().filter(|&&byte| byte == b'\n').count();
        Ok(Self { resident: resident * 1024, mappings })
    }
}

/// The stages of `parked`.
pub(crate) struct Parking {
    count: usize,
    before: Memory,
    clock: Instant,
    figures: Figures,
}

impl Parking {
    /// `count` are about to be spawned.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        Ok(Self { count, before: Memory::now()?, clock: Instant::now(), figures: Figures::new() })
    }

    /// All of them are parked.
    pub(crate) fn all_parked(&mut self) -> io::Result<()> {
        let each = self.each();
        let now = Memory::now()?;
        let bytes = now.resident.saturating_sub(self.before.resident) as f64 / self.count as f64;
        self.figures.add("bytes", bytes);
        self.figures.add("mappings", now.mappings as f64);
        self.figures.add("spawn+park µs", each);
        self.clock = Instant::now();
        Ok(())
    }

    /// All of them are woken and joined.
    pub(crate) fn all_joined(mut self) -> Figures {
        self.figures.add("wake+join µs", self.each());
        self.figures
    }

    fn each(&self) -> f64 {
        self.clock.elapsed().as_secs_f64() * 1e6 / self.count as f64
    }
}
