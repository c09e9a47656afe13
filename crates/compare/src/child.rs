//! Every measurement in a process of its own, so that no peer finds what another has left behind.
//!
//! A child is this program again, with an [`Order`] as its argument. It answers by [`Word`]s, a line
//! of JSON each; it ends when it has nothing more to say, or when its input is closed.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::measure::Role;
use crate::peers::{Error, Result};

/// What a child is to do, and on which CPUs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) cpus: Vec<usize>,
    pub(crate) role: Role,
}

/// What a child says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// It serves at this port of the loopback interface.
    Port(u16),
    /// What it has measured.
    Figures(Figures),
}

impl Word {
    /// Says it to the parent.
    pub(crate) fn say(&self) -> io::Result<()> {
        let line = serde_json::to_string(self)?;
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    }
}

/// A child, as its parent has it; it is killed when this is dropped.
pub(crate) struct Child {
    process: process::Child,
    input: Option<ChildStdin>,
    words: Receiver<String>,
    complaints: Option<JoinHandle<String>>,
    deadline: Instant,
}

impl Child {
    /// Starts a child, which has `limit` for all that it says.
    pub(crate) fn start(order: &Order, limit: Duration) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--child")
            .arg(serde_json::to_string(order)?)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take();
        let (sender, words) = mpsc::channel();
        if let Some(output) = process.stdout.take() {
            thread::spawn(move || {
                BufReader::new(output)
                    .lines()
                    .map_while(io::Result::ok)
                    .try_for_each(|line| sender.send(line))
            });
        }
        let complaints = process.stderr.take().map(|errors| {
            thread::spawn(move || {
                let mut text = Vec::new();
                // What was read before a failure is all that there is to know.
                let _ = BufReader::new(errors).read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        Ok(Self { process, input, words, complaints, deadline: Instant::now() + limit })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn port(&mut self) -> Result<u16> {
        match self.hear()? {
            Word::Port(port) => Ok(port),
            Word::Figures(_) => Err("figures came before a port".into()),
        }
    }

    pub(crate) fn figures(&mut self) -> Result<Figures> {
        match self.hear()? {
            Word::Figures(figures) => Ok(figures),
            Word::Port(_) => Err("a port came instead of figures".into()),
        }
    }

    /// Tells a server that the load is over.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Why a load failed: what its server said at its own end, if it has ended.
    pub(crate) fn blame(&mut self, error: Error) -> Error {
        match self.process.try_wait() {
            Ok(Some(_)) => self.last_words().map_or(error, Into::into),
            _ => error,
        }
    }

    fn hear(&mut self) -> Result<Word> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.words.recv_timeout(left) {
            Ok(line) => Ok(serde_json::from_str(&line)?),
            Err(RecvTimeoutError::Timeout) => Err("it takes too long".into()),
            Err(RecvTimeoutError::Disconnected) => Err(self.last_words()?.into()),
        }
    }

    /// Why it ended without what was expected of it.
    fn last_words(&mut self) -> io::Result<String> {
        let status = self.process.wait()?;
        let complaints = self.complaints.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(reason(status, &complaints))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if the child has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The message of its first panic, or else its last line; and its end, if that was not by itself.
fn reason(status: ExitStatus, complaints: &str) -> String {
    let mut lines = complaints.lines().map(str::trim).filter(|line| !line.is_empty());
    let panic = lines.clone().skip_while(|line| !line.contains(" panicked at ")).nth(1);
    match (panic.or_else(|| lines.next_back()), status.signal()) {
        (Some(line), Some(signal)) => format!("{line} (signal {signal})"),
        (Some(line), None) => line.to_owned(),
        (None, _) => format!("it ended without a word: {status}"),
    }
}
