//! L1: every protocol on atomics, pure: nothing here switches, sleeps or makes a system call, but for who finds a
//! [`spin`] lock held for long, and gives way.
//!
//! A transition returns a `#[must_use]` enum that tells the caller what to do next, and each file's header
//! draws its states. `README.md` beside this file has the proofs in prose; `models/` has them for loom.

pub(crate) mod barrier;
pub(crate) mod call_line;
pub(crate) mod channel;
pub(crate) mod channel_claim;
pub(crate) mod channel_select;
mod channel_state;
pub(crate) mod condvar;
pub(crate) mod countdown;
pub(crate) mod counter;
pub(crate) mod doorbell;
#[cfg_attr(loom, allow(dead_code))]
pub(crate) mod epoch;
pub(crate) mod event;
pub(crate) mod holder;
pub(crate) mod home;
pub(crate) mod idle_set;
pub(crate) mod inbox;
pub(crate) mod limit;
pub(crate) mod mutex;
pub(crate) mod notify;
pub(crate) mod once;
pub(crate) mod outcome_word;
pub(crate) mod park_word;
pub(crate) mod plain;
pub(crate) mod reentrant;
pub(crate) mod ref_count;
pub(crate) mod rwlock;
pub(crate) mod semaphore;
pub(crate) mod spin;
#[cfg_attr(loom, allow(dead_code))]
pub(crate) mod steal_queue;
pub(crate) mod wait_list;
pub(crate) mod wakes;

#[cfg(all(test, loom))]
mod models;
