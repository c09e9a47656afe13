//! L0: the only user of `libc`. Safe wrappers, one small file a theme; everything above is portable Rust.

pub(crate) mod barrier;
pub(crate) mod cache;
pub(crate) mod fault;
pub(crate) mod futex;
pub(crate) mod mem;
pub(crate) mod poll;
pub(crate) mod socket;
