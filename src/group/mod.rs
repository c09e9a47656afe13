//! Many green threads as one: groups, pools, task groups, supervisors.
//!
//! | | |
//! |---|---|
//! | [`Group`] | a bag: spawn into it, wait for all, cancel all |
//! | [`Pool`] | a group of at most so many at once, with `map` |
//! | [`TaskGroup`] | borrows as a scope does; the first failure cancels the rest |
//! | [`Supervisor`] | restarts what fails |

mod bag;
mod pool;
mod supervisor;
mod task_group;

pub use bag::Group;
pub use pool::{Imap, ImapUnordered, Pool};
pub use supervisor::{Backoff, Restart, Strategy, Supervisor, SupervisorError};
pub use task_group::TaskGroup;
