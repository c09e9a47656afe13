//! sward beside its peers, in one run on one machine.
//!
//! ```text
//! cargo run --release -p compare                              # everything: under ten minutes
//! cargo run --release -p compare -- yield ping-pong           # some workloads
//! cargo run --release -p compare -- echo --peer may --runs 1  # one peer, once
//! cargo run --release -p compare -- --json
//! ```
//!
//! The peers' turns are interleaved (A B C A B C …), so that what disturbs the machine for a while
//! disturbs all of them; the medians are shown. Each turn is a process of its own, pinned to one CPU, or
//! to two where two workers are compared. What failed, or took too long, is named, and the others go on.
//!
//! A table that other programs have disturbed says so; `--patience 10` waits for them before each turn.

mod child;
mod figures;
mod load;
mod machine;
mod measure;
mod peers;
mod probes;
mod report;
mod sys;
mod workloads;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use crate::machine::Usage;
use crate::measure::Cpus;
use crate::peers::{Peer, Result};
use crate::report::{Report, Runs};
use crate::workloads::{Case, Workload};

/// sward beside its peers, in one run.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What to measure [default: everything].
    #[arg(value_enum)]
    workloads: Vec<Workload>,
    /// Whom to measure [default: everybody].
    #[arg(long = "peer", value_enum, value_name = "NAME")]
    peers: Vec<Peer>,
    /// Turns of each peer, of which the median is shown.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Seconds for one turn.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    limit: u64,
    /// Seconds to wait, before each turn, for other programs to leave the CPUs alone.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    patience: u64,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Sizes so small that nothing is measured: shows that everything works.
    #[arg(long)]
    tiny: bool,
    /// What this process is to do for its parent.
    #[arg(long, hide = true)]
    child: Option<String>,
}

const LEGEND: &str = "Medians. ×: the ratio to sward, or to the limit where there is one and sward is not measured. \
    ~: the runs differ by more than a quarter. –: it has nothing to compare.\n";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(order) = &arguments.child {
        return measure::obey(serde_json::from_str(order)?);
    }
    let cpus = match *sys::allowed_cpus()?.as_slice() {
        [own, other, ..] => Cpus { own, other },
        _ => return Err("two CPUs are needed: one for the peer, one for the other side".into()),
    };
    if !arguments.json {
        writeln!(io::stdout(), "{LEGEND}")?;
    }
    let mut objects = Vec::new();
    for workload in chosen(&arguments.workloads) {
        let report = compare(workload, arguments, cpus)?;
        if arguments.json {
            objects.extend(report.json());
        } else {
            writeln!(io::stdout(), "{}", report.table())?;
        }
    }
    if arguments.json {
        writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&objects)?)?;
    }
    Ok(())
}

/// What was asked for, or else everything there is.
fn chosen<T: ValueEnum>(asked: &[T]) -> Vec<T> {
    if asked.is_empty() { T::value_variants().to_vec() } else { asked.to_vec() }
}

fn compare(workload: Workload, arguments: &Arguments, cpus: Cpus) -> Result<Report> {
    let cases = workload.cases(arguments.tiny);
    let mut peers = chosen(&arguments.peers);
    peers.retain(|&peer| cases.iter().any(|case| case.program.is_for(peer)));
    let before = Usage::now()?;
    let cases = cases.into_iter().map(|case| {
        let runs = take_turns(&case, &peers, arguments, cpus);
        (case, runs)
    });
    let cases = cases.collect();
    Ok(Report { workload, cases, peers, foreign: before.foreign(&Usage::now()?) })
}

/// Measures each peer once, and all of that again, as often as was asked for; one that failed is left out.
fn take_turns(case: &Case, peers: &[Peer], arguments: &Arguments, cpus: Cpus) -> BTreeMap<Peer, Runs> {
    let mut all: BTreeMap<Peer, Runs> = BTreeMap::new();
    for _ in 0..arguments.runs {
        for &peer in peers.iter().filter(|&&peer| case.program.is_for(peer)) {
            let runs = all.entry(peer).or_default();
            if runs.failure.is_some() {
                continue;
            }
            await_quiet(Duration::from_secs(arguments.patience));
            match measure::measure(peer, &case.program, cpus, Duration::from_secs(arguments.limit)) {
                Ok(figures) => runs.figures.push(figures),
                Err(error) => runs.failure = Some(error.to_string()),
            }
        }
    }
    all
}

/// Waits until hardly anybody else computes, or until `patience` is at its end.
fn await_quiet(patience: Duration) {
    let start = Instant::now();
    while start.elapsed() < patience {
        let Ok(before) = Usage::now() else { return };
        thread::sleep(Duration::from_millis(100));
        if Usage::now().is_ok_and(|after| before.foreign(&after).programs < 5.0) {
            return;
        }
    }
}
