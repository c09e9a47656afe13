//! The source of `parity/` with `std`'s modules.

pub(crate) use ::std::{net, os, sync, thread, thread_local as local, time};

#[path = "parity/mod.rs"]
mod parity;

pub(crate) use parity::{pointers, seen, traits};
