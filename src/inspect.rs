//! Looking at a program while it runs: which green threads wait for each other for ever.
//!
//! Two that each hold what the other waits for go on nowhere. sward finds them and says so, once, on stderr:
//!
//! ```text
//! sward: deadlock: 2 green threads wait for each other, and none can go on:
//!   green thread 12 "transfer-1" (spawned at src/main.rs:10) waits for the Mutex at 0x7f3a40002a10, held by green thread 13 "transfer-2"
//!   green thread 13 "transfer-2" (spawned at src/main.rs:17) waits for the Mutex at 0x7f3a400029d0, held by green thread 12 "transfer-1"
//!   To cancel one of them ends it.
//! ```
//!
//! The program goes on, and [`deadlocks`] gives them to it as values. To cancel a member, or to shut the runtime
//! down, ends a deadlock as it ends any other wait.
//!
//! ```
//! use sward::{inspect, sync::{Arc, Mutex}};
//!
//! sward::Runtime::builder().virtual_clock(true).run(|| {
//!     let (left, right) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
//!     let transfer = |from: &Arc<Mutex<i32>>, to: &Arc<Mutex<i32>>| {
//!         let (from, to) = (from.clone(), to.clone());
//!         sward::spawn(move || {
//!             let mut from = from.lock().unwrap();
//!             sward::yield_now();
//!             *to.lock().unwrap() += 1; // the other one has it, and waits for ours
//!             *from -= 1;
//!         })
//!     };
//!     let (there, back) = (transfer(&left, &right), transfer(&right, &left));
//!     sward::sleep(std::time::Duration::from_secs(1));
//!
//!     let found = inspect::deadlocks();
//!     let ids: Vec<_> = found[0].members().map(|member| member.id()).collect();
//!     assert_eq!(ids, [there.id(), back.id()]);
//!
//!     there.cancel();
//!     assert!(there.join().unwrap_err().is_cancelled());
//!     back.join().unwrap();
//!     assert!(inspect::deadlocks().is_empty());
//! });
//! ```
//!
//! # What is found
//!
//! Rings of waits for a lock and for the end of another ([`JoinHandle::join`](crate::JoinHandle::join)), of green threads of one
//! runtime or of several. What is found is so, under the limit that a guard handed on by
//! [`spawn_local`](crate::spawn_local) counts as held by who took it. Not found, because something may still end the wait:
//!
//! - a ring with a plain OS thread in it;
//! - a ring in which a wait has a deadline, of its own or by a [`timeout`](crate::timeout) around it;
//! - waits for what anybody may signal, as a condition variable, or a lock that has several holders;
//! - waits for several at once, as the end of a [`scope`](crate::scope).
//!
//! # When
//!
//! A worker tells of its waits when it has nothing to run, before it sleeps; if it always has something, every now and
//! then, after some thousand turns. A call of [`deadlocks`] on a green thread makes its worker tell at once. A wait
//! that ends before costs a few instructions for it, and a lock that is free or a thread that has ended costs nothing.
//!
//! So that growing chains of many thousand waits are not walked again and again, the report on stderr gives up on a very
//! long one. [`deadlocks`] does not.

use std::{fmt, panic::Location};

use crate::{
    sched::deadlock::{self, Ring, Stuck},
    thread::ThreadId,
};

/// Green threads that wait for each other. See the [module](self).
///
/// Its `Display` is the report: a line for each member, and how it is ended.
#[derive(Clone)]
pub struct Deadlock(Ring);

/// A green thread in a [`Deadlock`].
#[derive(Clone, Copy)]
pub struct Member<'a> {
    stuck: &'a Stuck,
    holder: &'a Stuck,
}

/// The deadlocks that stand at this moment, in this process. Never parks.
///
/// What a worker waits for is known when it has last had nothing to run, or if the caller is one of its green
/// threads: so on another thread a deadlock may be seen a moment late, and never wrongly.
///
/// ```
/// // While nothing is stuck there are none, and it costs little to ask.
/// assert!(sward::inspect::deadlocks().is_empty());
/// ```
#[must_use]
pub fn deadlocks() -> Vec<Deadlock> {
    deadlock::standing().into_iter().map(Deadlock).collect()
}

impl Deadlock {
    /// Who is in it: each waits for what the next one holds, and the last for the first.
    ///
    /// ```
    /// # use sward::{Builder, sync::{Arc, Mutex}};
    /// # sward::Runtime::builder().virtual_clock(true).run(|| {
    /// # let locks = [Arc::new(Mutex::new(())), Arc::new(Mutex::new(()))];
    /// # let handles = [(0, 1), (1, 0)].map(|(mine, other)| {
    /// #     let (mine, other) = (locks[mine].clone(), locks[other].clone());
    /// #     let job = move || { let _held = mine.lock(); sward::yield_now(); drop(other.lock()) };
    /// #     Builder::new().name("stuck".into()).spawn(job).unwrap()
    /// # });
    /// # sward::sleep(std::time::Duration::from_secs(1));
    /// // Two that were named "stuck" wait for a `Mutex` each.
    /// let found = sward::inspect::deadlocks();
    /// let [first, second] = found[0].members().collect::<Vec<_>>()[..] else { panic!() };
    /// assert_eq!((first.held_by(), second.held_by()), (second.id(), first.id()));
    /// assert_eq!((first.name(), first.what()), (Some("stuck"), "Mutex"));
    /// assert!(first.spawned_at().line() > 0);
    /// # handles[0].cancel();
    /// # });
    /// ```
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'_>> {
        let all = self.0.members();
        (0..all.len()).map(|i| Member { stuck: &all[i], holder: &all[(i + 1) % all.len()] })
    }
}

impl<'a> Member<'a> {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> ThreadId {
        ThreadId::from_raw(self.stuck.id)
    }

    /// Its name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.stuck.name.as_deref()
    }

    /// Where it was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.stuck.site
    }

    /// What it waits for, by its type: `Mutex`, or `JoinHandle` for the end of the holder.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.stuck.what
    }

    /// Who holds it: the next member.
    #[must_use]
    pub fn held_by(&self) -> ThreadId {
        ThreadId::from_raw(self.holder.id)
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members()).finish()
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Member");
        debug.field("id", &self.id()).field("name", &self.name()).field("what", &self.what());
        debug.field("held_by", &self.held_by()).finish_non_exhaustive()
    }
}
