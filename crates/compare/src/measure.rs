//! How a program of a peer becomes figures: both sides, the parent's and the child's.

use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::process;
use std::time::Duration;
use std::{io, thread};

use serde::{Deserialize, Serialize};

use crate::child::{Child, Order, Word};
use crate::figures::Figures;
use crate::load::{self, Load};
use crate::peers::{Peer, Result};
use crate::probes::{self, Lateness, Meter, Seats};
use crate::sys;
use crate::workloads::{FETCH_DELAY_MILLIS, FETCH_ROUNDS, Program};

/// What a child can be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// A peer, with the server that it is a client of, if it is one.
    Peer { peer: Peer, program: Program, server: Option<SocketAddr> },
    /// The load of an echo server.
    Load(Load),
    /// The server of the fetches.
    SlowServer,
}

/// The CPUs that are measured on: the peer's own, and the one of the other side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpus {
    pub(crate) own: usize,
    pub(crate) other: usize,
}

/// Measures `program` of `peer` once, in children that have `limit`.
pub(crate) fn measure(peer: Peer, program: &Program, cpus: Cpus, limit: Duration) -> Result<Figures> {
    let both = vec![cpus.own, cpus.other];
    let own = if program.workers() == 1 { vec![cpus.own] } else { both.clone() };
    let role = |server| Role::Peer { peer, program: program.clone(), server };
    let start = |cpus, role| Child::start(&Order { cpus, role }, limit);
    match *program {
        Program::Echo { connections, seconds } => {
            let mut server = start(own, role(None))?;
            let load = Load { address: local(server.port()?), server: server.id(), connections, seconds };
            start(vec![cpus.other], Role::Load(load))?.figures().map_err(|error| server.blame(error))
        }
        Program::Balance { connections, seconds } => {
            let mut server = start(own, role(None))?;
            let load = Load { address: local(server.port()?), server: server.id(), connections, seconds };
            start(both, Role::Load(load))?.figures().map_err(|error| server.blame(error))?;
            server.close_input();
            server.figures()
        }
        Program::Fetch { .. } => {
            let mut server = start(vec![cpus.other], Role::SlowServer)?;
            let address = local(server.port()?);
            start(own, role(Some(address)))?.figures()
        }
        _ => start(own, role(None))?.figures(),
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Does what a child is told.
pub(crate) fn obey(order: Order) -> Result<()> {
    sys::end_with_parent()?;
    sys::pin_to(&order.cpus)?;
    sys::raise_open_files()?;
    let figures = match order.role {
        Role::Peer { peer, program, server } => run(peer, program, server)?,
        Role::Load(load) => load::echo_load(&load)?,
        Role::SlowServer => {
            let listener = sys::listen()?;
            Word::Port(listener.local_addr()?.port()).say()?;
            load::serve_slowly(&listener, Duration::from_millis(FETCH_DELAY_MILLIS))?;
            return Ok(());
        }
    };
    Word::Figures(figures).say()?;
    Ok(())
}

fn run(peer: Peer, program: Program, server: Option<SocketAddr>) -> Result<Figures> {
    let bench = peer.bench();
    let slowness = peer.slowness();
    let nanos_each =
        |time: Duration, count: usize| Figures::one("ns", time.as_secs_f64() * 1e9 / count as f64);
    Ok(match program {
        Program::Yield { tasks, yields } => {
            let rounds = (yields / slowness / tasks).max(1);
            nanos_each(bench.yields(tasks, rounds)?, tasks * rounds)
        }
        Program::SpawnJoin { workers, size, batches } => {
            let batches = (batches / slowness).max(1);
            // Not on the main thread, whose heap is glibc's cheapest: several workers would be beside one that has it.
            let time = thread::scope(|scope| {
                scope
                    .spawn(move || peer.bench().spawn_join(workers, size, batches))
                    .join()
                    .unwrap_or_else(|panic| resume_unwind(panic))
            })?;
            nanos_each(time, size * batches)
        }
        Program::Channel { workers, rounds } => {
            let rounds = (rounds / slowness).max(1);
            nanos_each(bench.channel(workers, rounds)?, rounds)
        }
        Program::PingPong { workers, rounds } => {
            let rounds = (rounds / slowness).max(1);
            nanos_each(bench.ping_pong(workers, rounds)?, rounds)
        }
        Program::Parked { count } => bench.parked(count)?,
        Program::Timers { count, most_millis, calls } => {
            let delays = probes::delays(count, Duration::from_millis(most_millis));
            // Lives as long as the process, since what notes into it may outlive this function.
            let late: &'static Lateness = Box::leak(Box::new(Lateness::of(count)));
            let meter = Meter::start()?;
            match calls {
                false => bench.timers(delays, late)?,
                true => bench.delayed_calls(delays, late)?,
            }
            let (_, cpu) = meter.stop()?;
            let mut figures = late.figures();
            figures.add("CPU ms", cpu);
            figures
        }
        Program::Fetch { count } => bench.fetch(server.ok_or("no server was named")?, count, FETCH_ROUNDS)?,
        Program::Echo { .. } | Program::Balance { .. } => {
            let seats = match program {
                Program::Balance { connections, .. } => Some(connections),
                _ => None,
            };
            // Lives as long as the process, which the connections end with.
            let seats: Option<&'static Seats> = seats.map(|count| &*Box::leak(Box::new(Seats::of(count))));
            let listener = sys::listen()?;
            Word::Port(listener.local_addr()?.port()).say()?;
            thread::spawn(move || end_with_input(seats));
            bench.echo(listener, program.workers(), seats)?;
            Figures::new()
        }
    })
}

/// When the parent closes the input, says who sat where, and ends the process.
fn end_with_input(seats: Option<&Seats>) {
    // A read that fails ends the input as well.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    let said = seats.map_or(Ok(()), |seats| Word::Figures(seats.fullest()).say());
    process::exit(i32::from(said.is_err()));
}
