//! Every program of every peer works: each workload once, in sizes that measure nothing.

use std::process::Command;

use serde_json::Value;

/// Runs `workload` for everybody; nobody may fail, and each of `peers` must have a figure.
fn works(workload: &str, peers: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_compare"))
        .args([workload, "--tiny", "--runs", "1", "--json"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let entries: Vec<Value> = serde_json::from_str(&text).expect("the output is JSON");
    for entry in &entries {
        assert!(entry.get("fails").is_none(), "{entry}");
    }
    for peer in peers {
        let measured =
            |entry: &&Value| entry["peer"] == *peer && entry["median"].as_f64().is_some_and(f64::is_finite);
        assert!(entries.iter().any(|entry| measured(&entry)), "{peer} has no figure in {text}");
    }
}

const ALL: [&str; 6] = ["sward", "tokio", "tokio-multi", "may", "smol", "threads"];

#[test]
fn everybody_yields() {
    works("yield", &[&ALL[..], &["corosensei"]].concat());
}

#[test]
fn everybody_spawns_and_joins() {
    works("spawn-join", &ALL);
}

#[test]
fn everybody_echoes() {
    works("echo", &[&ALL[..], &["epoll"]].concat());
}

#[test]
fn everybody_fetches() {
    works("fetch", &[&ALL[..], &["epoll"]].concat());
}

#[test]
fn everybody_serves_timers() {
    works("timers", &[&ALL[..], &["epoll"]].concat());
}

#[test]
fn everybody_plays_ping_pong() {
    works("ping-pong", &[&ALL[..], &["corosensei"]].concat());
}

#[test]
fn everybody_parks_many() {
    works("parked", &[&ALL[..], &["corosensei"]].concat());
}

#[test]
fn whoever_has_two_workers_shares_connections_among_them() {
    works("balance", &["sward", "tokio-multi", "may", "smol"]);
}

#[test]
fn one_who_fails_is_named_and_the_others_go_on() {
    let output = Command::new(env!("CARGO_BIN_EXE_compare"))
        .args(["timers", "--runs", "1", "--limit", "0", "--peer", "epoll", "--peer", "smol"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("epoll, sleeps: fails: it takes too long"), "{text}");
    assert!(text.contains("smol, calls: fails: it takes too long"), "{text}");
}
