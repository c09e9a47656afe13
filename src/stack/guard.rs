//! How guard regions are made, which depends on the kernel.
//!
//! | way | from | a guard costs (measured on Linux 6.18) | mappings |
//! |---|---|---|---|
//! | [`Batched`](Guarding::Batched) | Linux 6.15 | 0.42 µs, 32 in a system call | none |
//! | [`Marked`](Guarding::Marked) | Linux 6.13 | 0.70 µs | none |
//! | [`Protected`](Guarding::Protected) | everywhere | 2.3 µs | two a stack |
//!
//! The third ends at `vm.max_map_count`, 65,530 by default: at about 30,700 stacks, a margin kept.

#![allow(unsafe_code)]

use std::{io, ops::Range, sync::OnceLock};

use crate::sys::mem::{self, GUARDS_AT_ONCE, Guards};

/// A way of making guards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guarding {
    /// Marks in the page table, many in one system call.
    Batched,
    /// Marks in the page table, one by one.
    Marked,
    /// A mapping without access for each.
    Protected,
}

/// The kernel's default of `vm.max_map_count`.
const USUAL_MAPPINGS: usize = 65_530;

/// This part of the mappings stays for everything that is not a stack: one sixteenth.
const MAPPINGS_LEFT: usize = 16;

/// What became of a run of guards.
#[must_use]
#[derive(Debug)]
pub(crate) struct Installed {
    /// So many stand, from the first on.
    pub(crate) count: usize,
    /// Why not all of them.
    pub(crate) refused: Option<Refused>,
}

/// A guard that could not be made, and in which way not.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) way: Guarding,
    pub(crate) error: io::Error,
}

impl Refused {
    /// By [`Guarding::most_stacks`], with the error that the system would have given.
    pub(crate) fn by_us() -> Refused {
        Refused { way: Guarding::Protected, error: mem::out_of_memory() }
    }
}

impl Guarding {
    /// The best way that this kernel has, or the one that the environment variable `SWARD_GUARD` names
    /// (`batched`, `marked` or `protected`; `mprotect` is the last one's other name). Settled at the first call.
    pub(crate) fn chosen() -> Guarding {
        static CHOSEN: OnceLock<Guarding> = OnceLock::new();
        *CHOSEN.get_or_init(|| match std::env::var("SWARD_GUARD").as_deref() {
            Ok("batched") => Guarding::Batched,
            Ok("marked") => Guarding::Marked,
            Ok("mprotect" | "protected") => Guarding::Protected,
            _ => Guarding::probe(),
        })
    }

    /// How many stacks may be guarded in this way. It stays clear of the system's limit, because a process that
    /// meets it cannot even allocate the text of an error: `std` was seen to deadlock in the attempt to panic.
    pub(crate) fn most_stacks(self) -> usize {
        if self != Guarding::Protected || !cfg!(linux_like) {
            return usize::MAX;
        }
        // Read every time, so that raising it helps a process that runs.
        let mappings = std::fs::read_to_string("/proc/sys/vm/max_map_count")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(USUAL_MAPPINGS);
        // Two mappings a stack: its guard and itself.
        mappings.saturating_sub(mappings / MAPPINGS_LEFT) / 2
    }

    /// Tries the ways on a page of its own.
    fn probe() -> Guarding {
        let len = mem::page_size();
        let Ok(start) = mem::map(len) else { return Guarding::Protected };
        let guards = Guards { start: start.get(), stride: len, len, count: 1 };
        let range = start.get()..start.get() + len;
        // SAFETY: the page was mapped above and nobody else knows it; it is never accessed.
        let chosen = unsafe {
            match (mem::guard_by_markers(guards), mem::guard_by_marker(range.clone())) {
                (Ok(1), _) => Guarding::Batched,
                (_, Ok(())) => Guarding::Marked,
                _ => Guarding::Protected,
            }
        };
        // SAFETY: as above; this was its last use.
        unsafe { mem::unmap(range) };
        chosen
    }

    /// Makes guards. What a better way refuses goes to the next one: memory that is locked (`mlockall`) takes no
    /// marks, and a filter may forbid the system call that does many.
    ///
    /// # Safety
    /// The regions are whole pages from [`mem::map`], and nothing but a stack overflow will ever access them.
    pub(crate) unsafe fn install(self, guards: Guards) -> Installed {
        debug_assert!(guards.count <= GUARDS_AT_ONCE);
        let mut count = 0;
        if self == Guarding::Batched {
            // SAFETY: handed on.
            count = unsafe { mem::guard_by_markers(guards) }.unwrap_or(0);
        }
        for range in guards.iter().skip(count) {
            // SAFETY: handed on.
            if let Err(refused) = unsafe { self.install_one(range) } {
                return Installed { count, refused: Some(refused) };
            }
            count += 1;
        }
        Installed { count, refused: None }
    }

    /// # Safety
    /// As for [`install`](Self::install).
    unsafe fn install_one(self, range: Range<usize>) -> Result<(), Refused> {
        if self != Guarding::Protected {
            // SAFETY: handed on.
            match unsafe { mem::guard_by_marker(range.clone()) } {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                done => return done.map_err(|error| Refused { way: Guarding::Marked, error }),
            }
        }
        // SAFETY: handed on.
        unsafe { mem::guard_by_protection(range) }
            .map_err(|error| Refused { way: Guarding::Protected, error })
    }
}
