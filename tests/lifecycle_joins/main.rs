//! Waiting for one and for many: `join_timeout`, `wait`, `as_completed`, `try_join_all`, `race`.

mod as_completed;
mod first_failure;
mod jobs;
mod join_timeout;
#[path = "../support/mod.rs"]
mod support;
mod wait;
