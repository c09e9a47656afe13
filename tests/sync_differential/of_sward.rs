//! The programs with sward for both.

pub(crate) use ::sward::{sync, thread};

#[path = "programs/arc.rs"]
pub(crate) mod arc;
#[path = "programs/mutex.rs"]
pub(crate) mod mutex;
#[path = "programs/poison.rs"]
pub(crate) mod poison;
#[path = "programs/tools.rs"]
mod tools;
