//! What a parked green thread costs: `parked [N]…` spawns N of them (10,000, 100,000 and 1,000,000 if not said), lets
//! them park, and wakes and joins them again, all on one worker. Prints time and memory for each.
//!
//! ```text
//! cargo run --release --example parked
//! ```

use std::{env, fs, process::Command, time::Instant};

fn main() {
    let counts: Vec<String> = env::args().skip(1).collect();
    match &counts[..] {
        [count] => sward::run(|| measure(count.parse().expect("a number of green threads"))),
        [] => each_alone(&["10000", "100000", "1000000"]),
        counts => each_alone(counts),
    }
}

/// Measures each number in a process of its own, so that none finds the stacks of another.
fn each_alone(counts: &[impl AsRef<str>]) {
    let this = env::current_exe().expect("the path of this program");
    for count in counts {
        let status = Command::new(&this).arg(count.as_ref()).status().expect("this program can be started");
        assert!(status.success(), "{status}");
    }
}

fn measure(count: usize) {
    let resident_before = resident_bytes();
    let start = Instant::now();
    let handles: Vec<_> = (0..count).map(|_| sward::spawn(sward::thread::park)).collect();
    sward::yield_now(); // every one of them runs, and parks, before this returns
    let spawning = start.elapsed();
    let resident = resident_bytes().saturating_sub(resident_before);
    let mappings = fs::read_to_string("/proc/self/maps").map_or(0, |maps| maps.lines().count());

    let start = Instant::now();
    for handle in &handles {
        handle.thread().unpark();
    }
    for result in sward::join_all(handles) {
        result.expect("a parked green thread ends well");
    }
    let joining = start.elapsed();

    let each = |total: f64| total / count as f64;
    println!(
        "{count:>10} parked: {:.2} KiB resident each, {mappings} mappings; {:.2} µs to spawn and park, {:.2} µs to wake and join",
        each(resident as f64 / 1024.0),
        each(spawning.as_secs_f64() * 1e6),
        each(joining.as_secs_f64() * 1e6),
    );
}

/// The process's resident memory, where `/proc` tells.
fn resident_bytes() -> usize {
    let pages =
        fs::read_to_string("/proc/self/statm").ok().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    pages.unwrap_or(0) * 4096
}
