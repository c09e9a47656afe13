//! The tests that std and crossbeam-channel have of themselves, run against sward.
//!
//! `build.rs` takes them from where they lie on this machine, std's from the toolchain's `rust-src` component and
//! crossbeam-channel's (which has Go's among its own) from its package in cargo's registry, and changes nothing but the
//! paths: `std::sync` becomes `sward::sync`, `crossbeam_channel` becomes `sward::channel`. Left out is what tests unstable
//! features of std; the list is in `build.rs`. Each file is built twice: with `std::thread`, and with `sward::thread`,
//! where the threads that a test spawns are green.
//!
//! ```text
//! rustup component add rust-src
//! cargo test --release -p conformance
//! ```
