//! crossbeam-channel's own tests, with `sward::channel` in its place.
#![allow(warnings, clippy::correctness, reason = "others wrote them")]

mod os_threads {
    include!(concat!(env!("OUT_DIR"), "/crossbeam_os.rs"));
}
