//! std's own tests of `std::sync`, with `sward::sync` in its place.
#![allow(warnings, clippy::correctness, reason = "others wrote them")]

#[cfg(originals)]
use std::sync as subject;
#[cfg(not(originals))]
use sward::sync as subject;

/// std writes a test for its two kinds of locks at once; this takes the stable one.
macro_rules! nonpoison_and_poison_unwrap_test {
    (name: $name:ident, test_body: {$($body:tt)*}) => {
        #[test]
        fn $name() {
            use crate::result_unwrap as maybe_unwrap;
            use crate::subject as locks;
            $($body)*
        }
    };
}
use nonpoison_and_poison_unwrap_test;

#[track_caller]
fn result_unwrap<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.unwrap()
}

mod common {
    pub(crate) fn test_rng() -> rand_xorshift::XorShiftRng {
        rand::SeedableRng::from_seed([7; 16])
    }
}

mod os_threads {
    include!(concat!(env!("OUT_DIR"), "/std_os.rs"));
}

mod green_threads {
    include!(concat!(env!("OUT_DIR"), "/std_green.rs"));
}
