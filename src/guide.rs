#![doc = include_str!("../docs/guide.md")]

#[doc = include_str!("../docs/rationale.md")]
pub mod rationale {}

#[doc = include_str!("../docs/coming-from.md")]
pub mod coming_from {}

/// The README's code, run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub mod readme {}
