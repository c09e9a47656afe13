//! The programs with `std` for both.

pub(crate) use ::std::{sync, thread};

#[path = "programs/mutex.rs"]
pub(crate) mod mutex;
#[path = "programs/poison.rs"]
pub(crate) mod poison;
#[path = "programs/tools.rs"]
mod tools;
