//! Runtimes: `run`, `Runtime`, their end, and what outlives them.

mod afterwards;
mod end;
mod environment;
mod run;
mod several;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
