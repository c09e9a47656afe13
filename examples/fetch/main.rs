//! Fetches many URLs at once from ordinary blocking code: a green thread a URL, [`sward::join_all`] at the end.
//!
//! ```text
//! cargo run --release --example fetch                       # 1,000 pages of a server inside the process
//! cargo run --release --example fetch -- -f urls.txt -c 200 --timeline fetches.svg
//! ```
//!
//! The HTTP client is `ureq`, unchanged, over [`sward::net::TcpStream`] ([`transport`]); TLS is its own rustls.
//! The heart of it is [`fetch_all`]; `docs/fetch.md` has the rest.

#![forbid(unsafe_code)]

mod cli;
mod client;
mod failure;
mod flight;
mod limits;
mod outcome;
mod progress;
mod report;
mod resolver;
mod save;
mod server;
mod timeline;
mod transport;

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use sward::thread;
use ureq::tls::{Certificate, PemItem, parse_pem};

use crate::cli::Args;
use crate::client::{Client, Options};
use crate::failure::{Cause, Failure, is_out_of_files};
use crate::flight::Flight;
use crate::outcome::{Outcome, Summary};
use crate::progress::Progress;
use crate::save::Folder;
use crate::server::Server;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
        Err(why) => {
            let _ = writeln!(io::stderr(), "fetch: {why}");
            ExitCode::from(2)
        }
    }
}

/// Everything that the user can have got wrong is found before the first fetch starts, and is an `Err`.
fn run(args: &Args) -> Result<ExitCode, String> {
    let asked = args.all_urls()?;
    let files = limits::raise();
    try_runtime()?;
    let server = match asked {
        Some(_) => None,
        None => Some(Server::start().map_err(|e| format!("cannot start the server inside: {e}"))?),
    };
    if server.is_none() {
        cli::check_proxy()?;
    }
    let urls = asked.or_else(|| server.as_ref().map(Server::urls)).unwrap_or_default();
    let limit = in_flight_limit(args, urls.len(), files, server.is_some());
    let options = Options {
        timeout: args.timeout,
        roots: args.cacert.as_deref().map(read_certificates).transpose()?,
        folder: args.output.as_deref().map(|dir| open_folder(dir, urls.len())).transpose()?,
        // When all start at once nobody comes after to use an idle one. The pool is searched linearly: keep it small.
        idle: if limit < urls.len() { limit.min(100) } else { 0 },
        proxied: server.is_none(),
    };
    let picture = args.timeline.as_deref().map(create_file).transpose()?;

    let client = Arc::new(Client::new(options));
    let outcomes = fetch_all(&client, urls, limit);
    let mut summary = Summary::new(&outcomes, client.now());
    summary.server_peak = server.as_ref().map(Server::peak);

    // One that cannot be written is no reason to keep the other back.
    let drawn = picture.map_or(Ok(()), |file| draw(file, &outcomes, &summary));
    match report(args, &outcomes, &summary) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => return Err(format!("cannot write the report: {e}")),
        _ => {}
    }
    if let (Err(e), Some(path)) = (drawn, &args.timeline) {
        return Err(format!("cannot write {}: {e}", path.display()));
    }
    Ok(if summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Whether the system has what a runtime needs. The default one, in which all of this runs, can only panic if not.
fn try_runtime() -> Result<(), String> {
    sward::Runtime::builder().build().map(drop).map_err(|e| {
        let remedy = if is_out_of_files(&e) { "; raise the limit of open files (see ulimit -n)" } else { "" };
        format!("cannot start the runtime: {e}{remedy}")
    })
}

/// A green thread a URL, never more than `limit` of them.
fn fetch_all(client: &Arc<Client>, urls: Vec<String>, limit: usize) -> Vec<Outcome> {
    let flight = Flight::new(limit);
    let progress = Arc::new(Progress::new(urls.len(), flight.counter()));

    let mut handles = Vec::with_capacity(urls.len());
    for (index, url) in urls.iter().enumerate() {
        let seat = flight.seat();
        let (client, progress, url) = (Arc::clone(client), Arc::clone(&progress), url.clone());
        let fetch = move || {
            let _seat = seat;
            let outcome = client.fetch(index, url);
            match &outcome.failure {
                None => progress.done(),
                Some(failure) => progress.failed(&outcome.url, failure),
            }
            outcome
        };
        let builder = thread::Builder::new().name(format!("fetch {}", index + 1)).stack_size(client::STACK);
        handles.push(builder.spawn(fetch).expect("a green thread that has not run yet is only a closure"));
    }
    let results = sward::join_all(handles);

    let lost = |url: String, e: sward::JoinError| {
        let cause = if let sward::JoinError::Panicked(_) = e { Cause::Panicked } else { Cause::Other };
        let failure = Failure::new(cause, e);
        // It could not say so itself.
        progress.failed(&url, &failure);
        Outcome { failure: Some(failure), ..Outcome::begun(url, client.now()) }
    };
    let outcomes = results.into_iter().zip(urls).map(|(result, url)| result.unwrap_or_else(|e| lost(url, e)));
    let outcomes = outcomes.collect();
    progress.finish();
    outcomes
}

/// What was asked for, or all; but no more than there can be connections.
fn in_flight_limit(args: &Args, fetches: usize, files: u64, with_server: bool) -> usize {
    let asked = args.concurrency.map_or(fetches, |n| n.get().min(fetches));
    let room = limits::room_for_fetches(files, if with_server { 2 } else { 1 });
    if asked > room {
        let note = format!("fetch: the limit of open files leaves room for {room} at once, not for {asked}");
        let _ = writeln!(io::stderr(), "{note} (see ulimit -n)");
    }
    asked.min(room)
}

fn draw(mut file: File, outcomes: &[Outcome], summary: &Summary) -> io::Result<()> {
    file.write_all(timeline::draw(outcomes, summary).as_bytes())
}

fn report(args: &Args, outcomes: &[Outcome], summary: &Summary) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        report::json(&mut out, outcomes, summary)?;
    } else {
        report::tables(&mut out, outcomes, summary)?;
    }
    out.flush()
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let wrong = |why: String| format!("cannot use the certificates in {}: {why}", path.display());
    let pem = fs::read(path).map_err(|e| wrong(e.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|e| wrong(e.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() { Err(wrong("there are none".into())) } else { Ok(certificates) }
}

fn open_folder(path: &Path, count: usize) -> Result<Folder, String> {
    Folder::create(path, count).map_err(|e| format!("cannot make {}: {e}", path.display()))
}

fn create_file(path: &Path) -> Result<File, String> {
    File::create(path).map_err(|e| format!("cannot write {}: {e}", path.display()))
}
