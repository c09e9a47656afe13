//! The tests that std and crossbeam-channel have of themselves, run against sward.
//!
//! `build/` takes them from where they lie on this machine, std's from the toolchain's `rust-src` component and
//! crossbeam-channel's (which has Go's among its own) from its package in cargo's registry, and changes nothing but the
//! paths: `std::{sync, thread, net, time}` become `sward`'s, `crossbeam_channel` becomes `sward::channel`. Left out is what
//! tests unstable features of std, and the little that sward does otherwise; the lists are in `build/`. Each file is built
//! twice: with `std::thread`, and with `sward::thread`, where the threads that a test spawns are green; those of threads
//! only the second way.
//!
//! ```text
//! rustup component add rust-src
//! cargo test --release -p conformance
//! ```
//!
//! The examples in std's documentation of these modules are run as well, as examples of this crate.

#[cfg(doctest)]
mod std_examples {
    include!(concat!(env!("OUT_DIR"), "/std_examples.rs"));
}
