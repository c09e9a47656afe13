//! Green threads for Rust.
#![deny(unsafe_code)]
#![cfg_attr(loom, allow(dead_code, unused_imports))]

mod atomic;
#[allow(unsafe_code)]
mod lockfree;

#[cfg(not(loom))]
mod config;
#[cfg(not(loom))]
mod fiber;
#[cfg(not(loom))]
pub mod io;
#[cfg(not(loom))]
pub mod net;
#[cfg(not(loom))]
mod payload;
#[cfg(not(loom))]
mod rng;
#[cfg(not(loom))]
pub mod runtime;
#[cfg(not(loom))]
mod sched;
#[cfg(not(loom))]
mod stack;
#[cfg(not(loom))]
#[allow(unsafe_code)]
mod sys;
#[cfg(not(loom))]
pub mod thread;
#[cfg(not(loom))]
pub mod time;

#[cfg(not(loom))]
pub use crate::{
    runtime::{Runtime, run},
    thread::{
        Builder, JoinError, JoinHandle, LocalJoinHandle, Scope, ScopedJoinHandle, Status, blocking, is_green,
        join_all, on_big_stack, scope, sleep, sleep_until, spawn, spawn_local, yield_now,
    },
};
