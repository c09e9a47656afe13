//! Groups, pools, task groups, supervisors, and locals.

mod groups;
mod locals;
mod pools;
mod supervisors;
#[path = "../support/mod.rs"]
mod support;
mod task_groups;
