//! Go's tests of channels, as crossbeam-channel has them, with `sward::channel` in its place.
#![allow(warnings, clippy::correctness, reason = "others wrote them")]

mod os_threads {
    include!(concat!(env!("OUT_DIR"), "/golang_os.rs"));
}
