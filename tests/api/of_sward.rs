//! The source of `parity/` with sward's modules.

pub(crate) use ::sward::{local, net, os, sync, thread, time};

#[path = "parity/mod.rs"]
mod parity;

pub(crate) use parity::{pointers, seen, traits};
