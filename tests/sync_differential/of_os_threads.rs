//! The programs with the locks of sward and the threads of `std`.

pub(crate) use ::{std::thread, sward::sync};

#[path = "programs/arc.rs"]
pub(crate) mod arc;
#[path = "programs/mutex.rs"]
pub(crate) mod mutex;
#[path = "programs/poison.rs"]
pub(crate) mod poison;
#[path = "programs/tools.rs"]
mod tools;
