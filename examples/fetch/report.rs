//! What a run came to, for people (tables) and for programs (JSON lines).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::outcome::{Outcome, Summary, by_cause};

/// A run of up to this many fetches shows each one, in order; a longer one its slowest.
const SHOW_ALL: usize = 20;
const SLOWEST: usize = 10;

pub(crate) fn tables(out: &mut impl Write, outcomes: &[Outcome], summary: &Summary) -> io::Result<()> {
    let mut shown: Vec<_> = outcomes.iter().collect();
    if outcomes.len() > SHOW_ALL {
        shown.sort_by_key(|o| std::cmp::Reverse(o.took()));
        shown.truncate(SLOWEST);
        writeln!(out, "the slowest {SLOWEST} of {}:", count(outcomes.len() as u64))?;
    }
    writeln!(out, "{:>6} {:>12} {:>10}  URL", "status", "bytes", "time")?;
    for o in shown {
        let status = o.status.map_or("-".into(), |code| code.to_string());
        write!(out, "{status:>6} {:>12} {:>10}  {}", count(o.bytes), short(o.took()), on_one_line(&o.url))?;
        match &o.failure {
            Some(failure) => writeln!(out, "  ({})", failure.cause)?,
            None => writeln!(out)?,
        }
    }

    if summary.failed > 0 {
        writeln!(out, "\n{} failed:", count(summary.failed as u64))?;
        for (cause, times, first) in by_cause(outcomes) {
            let example = if times == 1 { "" } else { "first " };
            writeln!(out, "{:>6} {cause}  ({example}{})", count(times as u64), on_one_line(&first.url))?;
        }
    }

    writeln!(out, "\n{}", headline(outcomes.len(), summary))?;
    writeln!(out, "  failed          {}", count(summary.failed as u64))?;
    writeln!(out, "  bytes           {}", count(summary.bytes))?;
    writeln!(out, "  peak in flight  {}", count(summary.peak as u64))?;
    if let Some(peak) = summary.server_peak {
        writeln!(out, "  server's peak   {} requests being answered at once", count(peak as u64))?;
    }
    if let Some(kib) = summary.memory_kib {
        writeln!(out, "  memory          {:.1} MiB at most", kib as f64 / 1024.0)?;
    }
    Ok(())
}

/// "1,000 fetches, 105.20 s of waiting in 0.21 s"
pub(crate) fn headline(fetches: usize, summary: &Summary) -> String {
    let noun = if fetches == 1 { "fetch" } else { "fetches" };
    format!(
        "{} {noun}, {} of waiting in {}",
        count(fetches as u64),
        seconds(summary.waited),
        seconds(summary.wall)
    )
}

/// A text on one line, with nothing in it that a terminal would obey: a bad URL may hold anything, and so may what a
/// server or a panic said.
pub(crate) fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// With a comma after each three digits.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// In seconds, unless that would be 0.0-something.
fn seconds(d: Duration) -> String {
    match d.as_secs_f64() {
        s if s < 0.1 => short(d),
        s if s < 1_000.0 => format!("{s:.2} s"),
        _ => format!("{} s", count(d.as_secs())),
    }
}

/// In the unit that reads best.
pub(crate) fn short(d: Duration) -> String {
    match d.as_secs_f64() {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 0.01 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

#[derive(Serialize)]
struct JsonFetch<'a> {
    url: &'a str,
    ok: bool,
    status: Option<u16>,
    bytes: u64,
    ms: f64,
    started_ms: f64,
    connected_ms: Option<f64>,
    answered_ms: Option<f64>,
    ended_ms: f64,
    saved: Option<Cow<'a, str>>,
    error: Option<JsonError<'a>>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    cause: String,
    detail: &'a str,
}

#[derive(Serialize)]
struct JsonSummary {
    summary: JsonSums,
}

#[derive(Serialize)]
struct JsonSums {
    fetches: usize,
    ok: usize,
    failed: usize,
    causes: BTreeMap<String, usize>,
    bytes: u64,
    wall_ms: f64,
    waited_ms: f64,
    peak_in_flight: usize,
    server_peak: Option<usize>,
    memory_kib: Option<u64>,
}

/// A line a fetch, in the order asked for, and one with the summary. Instants count from the start of the run.
pub(crate) fn json(out: &mut impl Write, outcomes: &[Outcome], summary: &Summary) -> io::Result<()> {
    for o in outcomes {
        let error = o.failure.as_ref().map(|f| JsonError { cause: f.cause.to_string(), detail: &f.detail });
        let line = JsonFetch {
            url: &o.url,
            ok: error.is_none(),
            status: o.status,
            bytes: o.bytes,
            ms: ms(o.took()),
            started_ms: ms(o.started),
            connected_ms: o.connected.map(ms),
            answered_ms: o.answered.map(ms),
            ended_ms: ms(o.ended),
            // JSON has no words for a path that is no Unicode.
            saved: o.saved.as_deref().map(Path::to_string_lossy),
            error,
        };
        write_line(out, &line)?;
    }
    let causes = by_cause(outcomes).into_iter().map(|(cause, times, _)| (cause, times)).collect();
    let sums = JsonSums {
        fetches: outcomes.len(),
        ok: outcomes.len() - summary.failed,
        failed: summary.failed,
        causes,
        bytes: summary.bytes,
        wall_ms: ms(summary.wall),
        waited_ms: ms(summary.waited),
        peak_in_flight: summary.peak,
        server_peak: summary.server_peak,
        memory_kib: summary.memory_kib,
    };
    write_line(out, &JsonSummary { summary: sums })
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// To the microsecond.
fn ms(d: Duration) -> f64 {
    d.as_micros() as f64 / 1e3
}
