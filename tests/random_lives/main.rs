//! Thousands of green threads that spawn, cancel, time out, shield, join and park in an order drawn from a seed, under
//! the virtual clock.
//!
//! Each life is a random program. It is checked that every guard is dropped once, that every life that began ended,
//! that nothing hangs, that live counts return to zero; and that a second run of the seed has the same trace. A seed
//! that fails is printed, and runs again by `SWARD_RANDOM_SEED`. By default a few seconds of the same seeds;
//! `SWARD_RANDOM_SECONDS=60` runs for a minute with new ones.

mod life;
mod runs;
#[path = "../support/mod.rs"]
mod support;
mod world;
