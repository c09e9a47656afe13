//! std's own tests of `std::thread`, `std::net` and `std::time`, with sward's in their place.
#![allow(warnings, clippy::correctness, reason = "others wrote them")]

/// Addresses that no other test has: one sequence for all.
mod net_helpers {
    include!(concat!(env!("OUT_DIR"), "/net_helpers.rs"));
}

mod os_threads {
    include!(concat!(env!("OUT_DIR"), "/std_threads_os.rs"));
}

mod green_threads {
    include!(concat!(env!("OUT_DIR"), "/std_threads_green.rs"));
}
