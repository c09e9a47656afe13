//! Deadlocks: green threads that wait for each other in a ring, each for what the next one holds.
//!
//! A wait for something that is held leaves its slot on a list of its worker, once a slot. Most of these waits are over
//! when the worker next has nothing to run; those that are not go into a table of all workers, and the
//! ways from there are followed. A ring is told on stderr, once. It goes on standing: only a cancel ends it.
//!
//! **Invariant 1.** A wait is in the table only as long as it lasts: its own worker puts it there, and takes it out
//! before the wait returns, both under the table's lock. So under that lock the [`Holder`](crate::lockfree::holder::Holder)s that it points to are alive.
//! **Invariant 2.** Who waits takes nothing and lets go of nothing. What it holds it wrote down before it went into
//! the table. So a reader of the table that finds a lock held by one in it finds the truth, and a ring is a deadlock.
//! **Invariant 3.** A ring is closed by the wait in it that comes into the table last: from there it is found.

#![allow(unsafe_code)]

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io::{self, Write as _},
    panic::Location,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    cancel::CAN_UNWIND,
    clock::Nanos,
    here,
    slot::Slot,
    task::TaskRef,
    wait::{HeldBy, WaitsFor},
    worker::{self, Worker},
};

/// How many steps all that is new together may be followed, and as many more each. A chain of many thousand is not
/// walked again and again as it grows; [`standing`] walks it to its end.
const STEPS: usize = 1000;
const STEPS_EACH: usize = 64;

/// How often a worker that always has something to run looks for deadlocks: at every so manieth look around.
const LOOKS_BETWEEN: u32 = 64;

/// Green threads that wait for each other: each for the next one, and the last for the first.
#[derive(Clone)]
pub(crate) struct Ring(Vec<Stuck>);

/// One of them.
#[derive(Clone)]
pub(crate) struct Stuck {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    pub(crate) site: &'static Location<'static>,
    pub(crate) what: &'static str,
    /// The address of what it waits for; `None` if that is the end of another.
    at: Option<usize>,
}

/// The waits that lasted until their worker had nothing to run, by the number of who waits.
struct Table {
    waits: BTreeMap<u64, Wait>,
    walks: u64,
}

struct Wait {
    task: TaskRef,
    waits_for: WaitsFor,
    shielded: bool,
    /// Set once it was told of as part of a ring.
    told: bool,
    /// The walk that was here last.
    walk: u64,
}

// SAFETY: a task may go anywhere. What `waits_for` points to is followed as a `Holder` only, which is made of atomics,
// and under the table's lock, where it is alive (Invariant 1).
unsafe impl Send for Wait {}

static TABLE: Mutex<Table> = Mutex::new(Table { waits: BTreeMap::new(), walks: 0 });

/// The deadlocks that stand, as far as the workers have told of their waits; the caller's own does so now.
pub(crate) fn standing() -> Vec<Ring> {
    if let Some(worker) = worker::of_this_thread() {
        worker.look_for_deadlocks();
    }
    let mut table = table();
    let starts: Vec<_> = table.waits.keys().copied().collect();
    let rings = table.rings_from(&starts, usize::MAX);
    let mut rings: Vec<_> = rings.iter().map(|ring| table.describe(ring)).collect();
    rings.sort_by_key(|ring| ring.0[0].id);
    rings
}

/// Takes the wait of this slot's green thread out of the table.
#[cold]
pub(super) fn withdraw(slot: &Slot) {
    slot.published.set(false);
    table().waits.remove(&key(slot.core().id));
}

impl Worker {
    /// The running green thread begins to wait for something that is held.
    #[inline(always)]
    pub(super) fn suspect(&self, slot: &Slot) {
        if !slot.suspected.replace(true) {
            self.list_suspect();
        }
    }

    #[inline(never)]
    fn list_suspect(&self) {
        self.suspects.borrow_mut().push(here::slot().expect("a green thread is running"));
    }

    /// Looks for deadlocks every now and then, when there is always something to run.
    pub(super) fn look_for_deadlocks_at_times(&self) {
        let looks = self.looks.get().wrapping_add(1);
        self.looks.set(looks);
        if looks.is_multiple_of(LOOKS_BETWEEN) {
            self.look_for_deadlocks();
        }
    }

    /// Puts those waits into the table that still last, and tells of the rings that they close.
    #[inline]
    pub(super) fn look_for_deadlocks(&self) {
        if !self.suspects.borrow().is_empty() {
            self.publish_suspects();
        }
    }

    #[cold]
    fn publish_suspects(&self) {
        let mut waits = Vec::new();
        for ptr in self.suspects.borrow_mut().drain(..) {
            // SAFETY: one of this worker's slots, on its thread. It may have another green thread by now.
            let slot = unsafe { ptr.get() };
            slot.suspected.set(false);
            if let Some(wait) = Wait::of(slot) {
                slot.published.set(true);
                waits.push((key(wait.task.core.id), wait));
            }
        }
        if waits.is_empty() {
            return;
        }
        let report = table().publish(waits);
        if !report.is_empty() {
            // Nobody is left to be told if stderr is closed.
            let _ = io::stderr().write_all(report.as_bytes());
        }
    }
}

impl Wait {
    /// What the green thread of this slot waits for, if that is held, and it may be for ever.
    fn of(slot: &Slot) -> Option<Self> {
        let waits_for = slot.waits_for.get().filter(WaitsFor::is_held)?;
        let for_ever = slot.wait_until.get() == Nanos::NEVER && slot.interrupts.nearest() == Nanos::NEVER;
        for_ever.then(|| Self {
            task: slot.task().clone(),
            waits_for,
            shielded: slot.interrupts.is_shielded(),
            told: false,
            walk: 0,
        })
    }

    /// Whether a cancel is about to end it.
    fn is_cancelled(&self) -> bool {
        CAN_UNWIND && !self.shielded && self.task.core.park.is_cancelled()
    }

    fn describe(&self) -> Stuck {
        let core = &self.task.core;
        let of_thread = matches!(self.waits_for.held_by, HeldBy::Thread(_));
        Stuck {
            id: core.id,
            name: core.name().map(str::to_owned),
            site: core.site(),
            what: self.waits_for.what,
            at: (!of_thread).then(|| self.waits_for.at.addr()),
        }
    }
}

impl Table {
    /// Takes these waits in, and returns the report of the rings that they close.
    fn publish(&mut self, waits: Vec<(u64, Wait)>) -> String {
        let starts: Vec<_> = waits.iter().map(|&(id, _)| id).collect();
        self.waits.extend(waits);
        let mut report = String::new();
        for ring in self.rings_from(&starts, STEPS + STEPS_EACH * starts.len()) {
            let mut news = false;
            for id in &ring {
                let wait = self.waits.get_mut(id).expect("it was there a moment ago, under the same lock");
                news |= !std::mem::replace(&mut wait.told, true);
            }
            if news {
                let _ = writeln!(report, "sward: deadlock: {}", self.describe(&ring));
            }
        }
        report
    }

    /// The rings that the ways from these lead to, each from its lowest number on; at most so many steps are gone.
    fn rings_from(&mut self, starts: &[u64], steps: usize) -> Vec<Vec<u64>> {
        let before = self.walks;
        let mut left = steps;
        starts.iter().filter_map(|&start| self.walk(start, before, &mut left)).collect()
    }

    /// Goes from one to who holds what it waits for, and so on, to a ring. Where a walk after `before` has been,
    /// there is no other.
    fn walk(&mut self, start: u64, before: u64, left: &mut usize) -> Option<Vec<u64>> {
        self.walks += 1;
        let mut at = start;
        let mut gone = 0;
        loop {
            *left = left.checked_sub(1)?;
            let wait = self.waits.get_mut(&at)?;
            if wait.walk == self.walks {
                return self.ring_through(at, gone);
            }
            if wait.walk > before {
                return None;
            }
            wait.walk = self.walks;
            at = self.holder_of(at)?;
            gone += 1;
        }
    }

    /// The ring that begins and ends here, of at most so many. This is the second look that a [`Holder`] asks for.
    ///
    /// [`Holder`]: crate::lockfree::holder::Holder
    fn ring_through(&self, first: u64, at_most: usize) -> Option<Vec<u64>> {
        let mut ring = vec![first];
        loop {
            let next = self.holder_of(*ring.last()?)?;
            if next == first {
                break;
            }
            if ring.len() == at_most {
                return None;
            }
            ring.push(next);
        }
        let lowest = ring.iter().enumerate().min_by_key(|&(_, id)| id)?.0;
        ring.rotate_left(lowest);
        Some(ring)
    }

    /// Who holds what this one waits for. `None` also if it does not wait, or not for long.
    fn holder_of(&self, id: u64) -> Option<u64> {
        let wait = self.waits.get(&id).filter(|wait| !wait.is_cancelled())?;
        match wait.waits_for.held_by {
            HeldBy::Anybody => None,
            HeldBy::Thread(id) => Some(key(id)),
            // SAFETY: the wait is in the table, whose lock is held (`&self`), so the lock it waits for, and borrows,
            // is alive (Invariant 1).
            HeldBy::Lock(holder) => unsafe { &*holder }.get(),
        }
    }

    fn describe(&self, ring: &[u64]) -> Ring {
        Ring(ring.iter().map(|id| self.waits[id].describe()).collect())
    }
}

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number as a [`Holder`](crate::lockfree::holder::Holder) keeps it.
fn key(id: u64) -> u64 {
    id & 0xffff_ffff_ffff
}

impl Ring {
    pub(crate) fn members(&self) -> &[Stuck] {
        &self.0
    }
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "a green thread waits for itself:")?,
            n => writeln!(f, "{n} green threads wait for each other, and none can go on:")?,
        }
        let holders = self.0.iter().skip(1).chain(self.0.first());
        for (stuck, holder) in self.0.iter().zip(holders) {
            let (file, line) = (stuck.site.file(), stuck.site.line());
            write!(f, "  {stuck} (spawned at {file}:{line}) waits for ")?;
            match stuck.at {
                Some(at) => writeln!(f, "the {} at {at:#x}, held by {holder}", stuck.what)?,
                None => writeln!(f, "the end of {holder}")?,
            }
        }
        f.write_str(match CAN_UNWIND {
            true => "  To cancel one of them ends it.",
            false => "  With panic = \"abort\" nothing ends it: a cancel cannot unwind.",
        })
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "green thread {}", self.id)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " {name:?}"))
    }
}
