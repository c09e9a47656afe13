//! The API as types: that all of it is there is proven by compiling this.
//!
//! `parity/` is one source that is compiled twice, with `std`'s modules and with sward's: every stable function and method as a
//! pointer of its exact type, and every trait as a bound. What is missing in sward, or is of another type, does not compile.
//! Which of the traits a type has is compared too, so that nothing is `Send` here that is not there, and what the few
//! things do that no other test compares.
//!
//! `beyond/` has what goes beyond `std`, by its exact types.
//!
//! | what `std` has and sward has not | why |
//! |---|---|
//! | `std::os::unix::thread::JoinHandleExt` | a green thread is no `pthread` |
//! | `std`'s own `TcpStreamExt` for sward's stream | it is sealed; `sward::os::linux::net` has one of the same name |
//! | `ToSocketAddrs` for what implements `std`'s | a trait of its own: its lookups park |
//! | `thread_local!` by that name | no `use` line names it; `sward::local!` is its like |
//! | the `Box<dyn Any + Send>` of a join, as a type | a cancel is no panic; `JoinError` derefs and converts to it |

#![allow(deprecated, reason = "std has it")]
#![allow(clippy::type_complexity, reason = "a pointer's type is what is tested")]
#![allow(clippy::duplicate_mod, reason = "one source, compiled twice")]
#![allow(clippy::useless_conversion, reason = "it is one with std, and none with sward")]

#[path = "../support/mod.rs"]
mod support;
#[macro_use]
mod traits;

mod beyond;
mod of_std;
mod of_sward;

use support::{in_run, runtime, watched};
use traits::Has;

/// What sward's types have beyond `std`'s: the start of a type's name, and a trait.
const MORE: [(&str, &str); 7] = [
    ("thread::Builder", "Default"),
    ("thread::ThreadId", "PartialOrd"),
    ("thread::ThreadId", "Ord"),
    ("thread::JoinHandle<", "UnwindSafe"),
    ("thread::JoinHandle<", "RefUnwindSafe"),
    ("thread::ScopedJoinHandle<", "UnwindSafe"),
    ("thread::ScopedJoinHandle<", "RefUnwindSafe"),
];

#[test]
fn each_type_has_the_traits_that_stds_has_and_no_other() {
    let mut wrong = Vec::new();
    for (std, sward) in of_std::traits().iter().zip(of_sward::traits()) {
        let Has { type_name, traits } = sward;
        assert_eq!(type_name, std.type_name);
        for ((name, in_std), (_, in_sward)) in std.traits.iter().zip(traits) {
            let more = MORE.iter().any(|(start, more)| type_name.starts_with(start) && more == name);
            if *in_std != in_sward && !(more && in_sward) {
                wrong.push(format!("{type_name}: {name}: std {in_std}, sward {in_sward}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn each_function_is_there_and_has_the_type_of_stds() {
    of_std::pointers();
    of_sward::pointers();
}

#[test]
fn what_it_does_is_what_stds_does() {
    let expected = watched(of_std::seen);
    assert_eq!(watched(of_sward::seen), expected, "on an OS thread");
    assert_eq!(in_run(of_sward::seen), expected, "on a green thread");
    assert_eq!(watched(|| runtime(2).run(of_sward::seen)), expected, "with two workers");
}
