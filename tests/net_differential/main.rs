//! The same source against `std::net` and against `sward::net`: what it sees must be the same, error kinds and all.

#![allow(deprecated)] // `only_v6` of a listener
#![allow(clippy::duplicate_mod, reason = "one source, two instantiations")]

mod of_std;
mod of_sward;
mod seen;
#[path = "../support/mod.rs"]
mod support;

use support::{in_run, watched};

/// A test a scenario: `std` on this thread, then sward on a green thread and on this thread.
macro_rules! compare {
    ($($module:ident: $($scenario:ident)*;)*) => { $($(
        #[test]
        fn $scenario() {
            let expected = watched(of_std::$module::$scenario);
            assert!(expected.len() > 1);
            same("a green thread", &expected, &in_run(of_sward::$module::$scenario));
            same("an OS thread", &expected, &watched(of_sward::$module::$scenario));
        }
    )*)* };
}

compare! {
    connecting: addresses binding_and_connecting odd_places conversions;
    options: options debug_output;
    streams: reading writing a_blocking_write_is_whole broken_connections;
    modes: modes;
    datagrams: datagrams groups;
    waiting: changed_while_it_waits written_while_it_waits accepting_while_it_waits receiving_while_it_waits;
}

fn same(where_run: &str, expected: &[String], seen: &[String]) {
    for (expected, seen) in expected.iter().zip(seen) {
        assert_eq!(seen, expected, "sward on {where_run} (left) differs from std");
    }
    assert_eq!(seen.len(), expected.len());
}
