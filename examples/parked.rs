//! What a parked green thread costs: `parked [N]…` spawns N of them (10,000, 100,000 and 1,000,000 if not said), lets
//! them park, and wakes and joins them again, all on one worker. Prints time and memory for each.
//!
//! ```text
//! cargo run --release --example parked
//! ```

use std::{env, fs, time::Instant};

fn main() {
    let counts: Vec<usize> =
        env::args().skip(1).map(|n| n.parse().expect("a number of green threads")).collect();
    let counts = if counts.is_empty() { vec![10_000, 100_000, 1_000_000] } else { counts };
    println!(
        "{:>10} {:>14} {:>9} {:>16} {:>16}",
        "parked", "resident each", "mappings", "spawn and park", "wake and join"
    );
    for count in counts {
        sward::run(|| measure(count));
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
        "{count:>10} {:>10.2} KiB {mappings:>9} {:>13.2} µs {:>13.2} µs",
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
