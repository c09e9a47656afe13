//! The outcome of many runs, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::figures::{Figures, Short, median};
use crate::machine::Foreign;
use crate::peers::Peer;
use crate::workloads::{Case, Workload};

/// Percent of the CPUs' time that others may have before a table is marked.
const QUIET: f64 = 3.0;

/// All runs of one peer in one case.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) figures: Vec<Figures>,
    pub(crate) failure: Option<String>,
}

/// A figure over several runs.
struct Summary {
    median: f64,
    min: f64,
    max: f64,
}

impl Runs {
    fn summary(&self, figure: &str) -> Option<Summary> {
        let mut values: Vec<f64> = self.figures.iter().filter_map(|figures| figures.get(figure)).collect();
        let median = if values.is_empty() { return None } else { median(&mut values) };
        Some(Summary { median, min: values[0], max: values[values.len() - 1] })
    }
}

/// A workload, measured.
pub(crate) struct Report {
    pub(crate) workload: Workload,
    /// In the order of the table's rows.
    pub(crate) peers: Vec<Peer>,
    pub(crate) cases: Vec<(Case, BTreeMap<Peer, Runs>)>,
    /// What others had of the machine meanwhile.
    pub(crate) foreign: Foreign,
}

impl Report {
    /// Whom the ratios are to: the first of the rows that may be.
    fn base(&self) -> Option<Peer> {
        let measured = |peer: &Peer| {
            self.cases.iter().any(|(_, runs)| runs.get(peer).is_some_and(|runs| !runs.figures.is_empty()))
        };
        [Some(Peer::Sward), self.workload.limit()].into_iter().flatten().find(measured)
    }

    /// The figures of a case, in their order, by whoever has them.
    fn figures(runs: &BTreeMap<Peer, Runs>) -> Vec<&str> {
        let first = runs.values().flat_map(|runs| &runs.figures).next();
        first.map_or_else(|| vec!["–"], |figures| figures.names().collect())
    }

    /// Tables in Markdown, and what failed below them.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("## {}\n\n", self.workload.title());
        // Cases of one figure share a table; each case of several has its own.
        if self.cases.iter().all(|(_, runs)| Self::figures(runs).len() == 1) {
            text.push_str(&self.table_of(&self.cases, "peer"));
        } else {
            for one in self.cases.chunks(1) {
                let label = one[0].0.label.as_str();
                text.push_str(&self.table_of(one, if label.is_empty() { "peer" } else { label }));
                text.push('\n');
            }
        }
        for (case, runs) in &self.cases {
            for (peer, failure) in runs.iter().filter_map(|(peer, runs)| Some((peer, runs.failure.as_ref()?)))
            {
                let place = if case.label.is_empty() { String::new() } else { format!(", {}", case.label) };
                let _ = writeln!(text, "{peer}{place}: fails: {failure}");
            }
        }
        let Foreign { programs, stolen } = self.foreign;
        if programs > QUIET || stolen > QUIET {
            let _ = writeln!(
                text,
                "NOISY: meanwhile, other programs had {programs:.0} % of the CPUs, and other guests {stolen:.0} %."
            );
        }
        text
    }

    fn table_of(&self, cases: &[(Case, BTreeMap<Peer, Runs>)], corner: &str) -> String {
        let base = self.base();
        let columns: Vec<_> = cases
            .iter()
            .flat_map(|(case, runs)| Self::figures(runs).into_iter().map(move |figure| (case, runs, figure)))
            .collect();
        let mut rows = vec![vec![corner.to_owned()]];
        rows[0].extend(columns.iter().map(|(case, _, figure)| match *figure {
            "ns" | "–" => case.label.clone(),
            figure => figure.to_owned(),
        }));
        for &peer in &self.peers {
            let mut row = vec![peer.to_string()];
            row.extend(columns.iter().map(|(_, runs, figure)| cell(runs, peer, figure, base)));
            rows.push(row);
        }
        aligned(&rows)
    }

    /// An object for each figure, or failure.
    pub(crate) fn json(&self) -> Vec<Value> {
        let base = self.base();
        let workload = self.workload.to_possible_value();
        let workload = workload.as_ref().map_or("", |value| value.get_name());
        let mut all = Vec::new();
        for (case, runs) in &self.cases {
            for (&peer, own) in runs {
                let mut place = json!({
                    "workload": workload, "case": case.label, "peer": peer.to_string(),
                    "others_cpu_percent": self.foreign.programs,
                });
                if let Some(failure) = &own.failure {
                    place["fails"] = json!(failure);
                    all.push(place);
                    continue;
                }
                for figure in Self::figures(runs) {
                    let Some(summary) = own.summary(figure) else { continue };
                    let mut entry = place.clone();
                    entry["figure"] = json!(figure);
                    entry["median"] = json!(summary.median);
                    entry["min"] = json!(summary.min);
                    entry["max"] = json!(summary.max);
                    entry["runs"] = json!(own.figures.len());
                    if let Some((base, ratio)) = base.zip(ratio(runs, &summary, figure, base)) {
                        entry["base"] = json!(base.to_string());
                        entry["ratio"] = json!(ratio);
                    }
                    all.push(entry);
                }
            }
        }
        all
    }
}

fn ratio(runs: &BTreeMap<Peer, Runs>, summary: &Summary, figure: &str, base: Option<Peer>) -> Option<f64> {
    let base = runs.get(&base?)?.summary(figure)?.median;
    (base != 0.0).then(|| summary.median / base)
}

fn cell(runs: &BTreeMap<Peer, Runs>, peer: Peer, figure: &str, base: Option<Peer>) -> String {
    let Some(own) = runs.get(&peer) else { return "–".to_owned() };
    if own.failure.is_some() {
        return "fails".to_owned();
    }
    let Some(summary) = own.summary(figure) else { return "–".to_owned() };
    let noisy = if summary.max > 1.25 * summary.min { "~" } else { "" };
    let value = format!("{noisy}{}", Short(summary.median));
    match ratio(runs, &summary, figure, base) {
        Some(ratio) if Some(peer) != base => format!("{value} ×{}", Short(ratio)),
        _ => value,
    }
}

/// Rows of cells as a Markdown table whose columns stand under each other.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
        .map(|width| width.unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if index == 0 {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text.push_str("|\n");
        if number == 0 {
            for (index, width) in widths.iter().enumerate() {
                let _ = write!(text, "|{}{}", "-".repeat(width + 1), if index == 0 { "-" } else { ":" });
            }
            text.push_str("|\n");
        }
    }
    text
}
