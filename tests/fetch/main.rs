//! `examples/fetch` as its users meet it: a child process, its output and its exit code.
//!
//! The servers here are std's threads and sockets, and nginx: nothing of what is under test. Whatever must happen
//! before something else is waited for, never slept for.

mod command;
mod failures;
mod many;
mod proxies;
mod servers;
#[path = "../support/mod.rs"]
mod support;
mod ways;
