//! Tests by chance: what is drawn from a seed, and which seeds a test runs with.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

/// SplitMix64.
#[derive(Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of the first `n` numbers, of whatever type of number is asked for.
    pub(crate) fn below<N: TryFrom<u64> + TryInto<u64>>(&mut self, n: N) -> N {
        let n = n.try_into().ok().expect("not below zero");
        N::try_from(self.next() % n).ok().expect("it is below one of that type")
    }

    /// Less than `n` microseconds.
    pub(crate) fn micros(&mut self, n: u64) -> Duration {
        Duration::from_micros(self.below(n))
    }
}

/// A number in the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Calls `check` with one seed after the other: for so many seconds with the same ones each time; for as many as
/// `SWARD_RANDOM_SECONDS` says with new ones; or with that of `SWARD_RANDOM_SEED` alone. One that fails is printed.
pub(crate) fn for_seeds(usual: u64, check: impl Fn(u64)) {
    let only = number("SWARD_RANDOM_SEED");
    let (seconds, first) = match number("SWARD_RANDOM_SECONDS") {
        Some(seconds) => (seconds, RandomState::new().hash_one(0)),
        None => (usual, 1),
    };
    let (start, first) = (Instant::now(), only.unwrap_or(first));
    let mut count = 0;
    while count == 0 || only.is_none() && start.elapsed() < Duration::from_secs(seconds) {
        let seed = first.wrapping_add(count);
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| check(seed))) {
            let test = env!("CARGO_CRATE_NAME");
            eprintln!("to run it again: SWARD_RANDOM_SEED={seed} cargo test --test {test}");
            panic::resume_unwind(payload);
        }
        count += 1;
    }
    println!("{count} worlds from seed {first} on in {:?}", start.elapsed());
}
