//! `sward::thread`: spawning, names, parking, and who runs when.

mod builder;
mod identity;
mod order;
mod park;
mod place;
#[path = "../support/mod.rs"]
mod support;
