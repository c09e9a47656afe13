//! The command as a child process, and what it said.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub(crate) struct Run(Output);

impl Run {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or_else(|| panic!("{}\n{}", self.0.status, self.stderr()))
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// The fetches and the summary, of `--json`.
    pub(crate) fn json(&self) -> (Vec<Value>, Value) {
        let text = self.stdout();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = lines.pop().unwrap_or_else(|| panic!("no output; {}", self.stderr()));
        assert_eq!(last["summary"]["fetches"], lines.len());
        (lines, last["summary"].clone())
    }
}

pub(crate) fn fetch<A: AsRef<OsStr>>(args: &[A]) -> Run {
    fetch_with(args, "")
}

pub(crate) fn fetch_list(args: &[&str], urls: &[String]) -> Run {
    fetch_with(&[args, &["-f", "-"]].concat(), &urls.join("\n"))
}

pub(crate) fn fetch_with<A: AsRef<OsStr>>(args: &[A], stdin: &str) -> Run {
    run(Command::new(example()).args(args), stdin, &[])
}

/// With a variable set in the environment.
pub(crate) fn fetch_where(name: &str, value: &str, args: &[&str]) -> Run {
    run(Command::new(example()).args(args), "", &[(name, value)])
}

/// Where no more files than that may be open.
pub(crate) fn fetch_with_files(files: u32, args: &[&str]) -> Run {
    let limited = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
    run(Command::new("sh").arg("-c").arg(limited).arg(example()).args(args), "", &[])
}

fn run(command: &mut Command, stdin: &str, environment: &[(&str, &str)]) -> Run {
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    command.envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may well have ended before it read anything.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Run(child.wait_with_output().unwrap())
}

/// One URL (and its options) that fails: exit code 1, one line, the cause in it, in the table and in the JSON.
pub(crate) fn fails_with(args: &[&str], cause: &str) -> Run {
    let run = fetch(args);
    assert_eq!(run.code(), 1, "{}", run.stdout());
    let (line, url) = (run.stderr(), args.last().unwrap());
    assert_eq!(line.lines().count(), 1, "one line:\n{line}");
    assert!(line.starts_with(&format!("fetch: {url}: {cause}")), "{line}");
    assert!(run.stdout().contains(&format!("1 {cause}")), "{}", run.stdout());
    run
}

/// Cargo builds the examples beside the tests: `target/debug/{deps/this, examples/fetch}`.
pub(crate) fn example() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.parent().and_then(Path::parent).unwrap().join("examples").join("fetch");
    assert!(path.exists(), "{} is missing: cargo build --example fetch", path.display());
    path
}
