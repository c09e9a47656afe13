//! Timeouts: nesting, edges, races with completion, every kind of wait, inheritance.

mod inheritance;
mod moments;
mod nesting;
mod os_threads;
#[path = "../support/mod.rs"]
mod support;
mod unwinds;
mod waits;
