//! Go's tests of channels, as crossbeam-channel has them, with `sward::channel` in its place, on green threads.
#![allow(warnings, clippy::correctness, reason = "others wrote them")]

mod green_threads {
    include!(concat!(env!("OUT_DIR"), "/golang_green.rs"));
}
