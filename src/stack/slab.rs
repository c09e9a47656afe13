//! The process's slabs, and the stacks that no pool holds.

#![allow(unsafe_code)]

use std::{
    fmt, io,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Stack, StackClass,
    guard::{Guarding, Refused},
};
use crate::sys::mem::{self, GUARDS_AT_ONCE, Guards};

/// How many stacks a pool gets at once: what one system call can guard.
pub(super) const BATCH: usize = GUARDS_AT_ONCE;

/// Stacks in the first slab of a class, and in the largest; each holds twice as many as the one before.
const FIRST_SLAB: usize = 64;
const LARGEST_SLAB: usize = 16_384;

/// The same in bytes, for classes of large stacks.
const FIRST_SLAB_BYTES: usize = 8 << 20;
const LARGEST_SLAB_BYTES: usize = if usize::BITS >= 64 { 2 << 30 } else { 64 << 20 };

/// All classes that were ever asked for: a handful. Held for a batch of moves, and for the mapping of a slab,
/// but never while a guard is made or memory is given back. No `Stack` is dropped under it (that locks it).
static FAMILIES: Mutex<Vec<Family>> = Mutex::new(Vec::new());

/// The stacks of one class.
struct Family {
    class: StackClass,
    /// Ranges of slabs that were never carved, and what was left when a guard could not be made.
    bare: Vec<Run>,
    /// Free ones that may hold memory, the hottest last.
    dirty: Vec<Stack>,
    /// The fewest in `dirty` since the last [`take_surplus`]: those were not needed.
    idle: usize,
    /// Free ones whose memory was given back.
    clean: Vec<Stack>,
    /// How many stacks the last slab holds; zero before the first.
    last_slab: usize,
    stats: SlabStats,
}

/// Neighbours in a slab that are nobody's yet.
#[derive(Debug)]
struct Run {
    /// The lowest address.
    start: usize,
    /// The first one's number in its slab.
    number: usize,
    count: usize,
}

/// What the slabs of all classes amount to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct SlabStats {
    pub(crate) slabs: usize,
    /// Address space in bytes, which is not memory.
    pub(crate) mapped_bytes: usize,
    /// Stacks that have a guard: in use, cached or free.
    pub(crate) carved: usize,
    /// Of these, what no pool holds and nobody uses.
    pub(crate) free: usize,
}

/// What the slabs amount to at this moment.
pub(crate) fn stats() -> SlabStats {
    lock().iter().fold(SlabStats::default(), |sum, family| SlabStats {
        slabs: sum.slabs + family.stats.slabs,
        mapped_bytes: sum.mapped_bytes + family.stats.mapped_bytes,
        carved: sum.carved + family.stats.carved,
        free: sum.free + family.dirty.len() + family.clean.len(),
    })
}

/// Adds at least one stack to `cache`, the ones to take first last.
pub(super) fn refill(class: StackClass, cache: &mut Vec<Stack>) -> io::Result<()> {
    let most = Guarding::chosen().most_stacks();
    let mut families = lock();
    if find(&mut families, class).take_free(cache) {
        return Ok(());
    }
    if carved(&families) + BATCH > most {
        return Err(Exhausted::Guard { class, refused: Refused::by_us() }.into());
    }
    let run = find(&mut families, class).take_bare()?;
    drop(families);
    carve(class, run, cache)
}

/// Takes a stack that its owner dropped.
pub(super) fn give_back(stack: Stack) {
    find(&mut lock(), stack.class()).dirty.push(stack);
}

/// Takes stacks that may hold memory, the coldest first.
pub(super) fn give_dirty(class: StackClass, stacks: impl Iterator<Item = Stack>) {
    find(&mut lock(), class).dirty.extend(stacks);
}

/// Gives the memory of stacks of one class back to the kernel, and keeps them for whoever needs one.
pub(super) fn give_clean(class: StackClass, mut stacks: Vec<Stack>) {
    discard(&mut stacks);
    find(&mut lock(), class).clean.append(&mut stacks);
}

/// Does the same to the dirty ones that nobody needed since the last call, at most `most` of them. Returns whether
/// any remain.
pub(super) fn trim_dirty(most: usize) -> bool {
    let mut remain = false;
    for index in 0.. {
        let mut families = lock();
        let Some(family) = families.get_mut(index) else { break };
        let surplus = take_surplus(&mut family.dirty, &mut family.idle, most);
        remain |= !family.dirty.is_empty();
        let class = family.class;
        drop(families);
        if !surplus.is_empty() {
            give_clean(class, surplus);
        }
    }
    remain
}

/// Takes what was not needed lately off the cold end of a free list: at most `most`, of the `idle` ones that stayed
/// there since the last call. When all of them are off, everything that is left is on probation until the next.
pub(super) fn take_surplus(stacks: &mut Vec<Stack>, idle: &mut usize, most: usize) -> Vec<Stack> {
    let count = (*idle).min(most);
    *idle = if count < *idle { *idle - count } else { stacks.len() - count };
    stacks.drain(..count).collect()
}

impl Family {
    fn new(class: StackClass) -> Family {
        Family {
            class,
            bare: Vec::new(),
            dirty: Vec::new(),
            idle: 0,
            clean: Vec::new(),
            last_slab: 0,
            stats: SlabStats::default(),
        }
    }

    /// Moves up to a batch of free ones to `cache`, all dirty or all clean; tells whether there were any.
    fn take_free(&mut self, cache: &mut Vec<Stack>) -> bool {
        let from = if self.dirty.is_empty() { &mut self.clean } else { &mut self.dirty };
        let kept = from.len().saturating_sub(BATCH);
        let found = kept < from.len();
        cache.extend(from.drain(kept..));
        self.idle = self.idle.min(self.dirty.len());
        found
    }

    /// Splits a batch off the last run, of a new slab if need be.
    fn take_bare(&mut self) -> io::Result<Run> {
        if self.bare.is_empty() {
            let run = self.map_slab()?;
            self.bare.push(run);
        }
        let rest = self.bare.last_mut().expect("there is one, or one was just put there");
        let count = rest.count.min(BATCH);
        let run = Run { start: rest.start, number: rest.number, count };
        rest.start += count * self.class.stride();
        rest.number += count;
        rest.count -= count;
        if rest.count == 0 {
            self.bare.pop();
        }
        self.stats.carved += count;
        Ok(run)
    }

    /// Maps a slab twice as large as the last, or as large as the process can have.
    fn map_slab(&mut self) -> io::Result<Run> {
        let stride = self.class.stride();
        let most = (LARGEST_SLAB_BYTES / stride).clamp(1, LARGEST_SLAB);
        let mut count = match self.last_slab {
            0 => (FIRST_SLAB_BYTES / stride).clamp(1, FIRST_SLAB),
            last => (last * 2).min(most),
        };
        loop {
            match map_with_reserve(count * stride) {
                Ok(start) => {
                    self.last_slab = count;
                    self.stats.slabs += 1;
                    self.stats.mapped_bytes += count * stride;
                    return Ok(Run { start: start.get(), number: 0, count });
                }
                Err(_) if count > 1 => count /= 2,
                Err(source) => return Err(Exhausted::AddressSpace { class: self.class, source }.into()),
            }
        }
    }
}

/// Maps a slab, if so much more could be mapped besides: a process whose stacks take the last of its address space
/// ends at the next allocation, and could not even say why.
fn map_with_reserve(size: usize) -> io::Result<NonZeroUsize> {
    const RESERVE: usize = 16 << 20;
    // The slab first: it then lies beside the one before, and the kernel makes one mapping of the two.
    let slab = mem::map(size)?;
    let reserve = mem::map(RESERVE);
    let not_needed = match &reserve {
        Ok(reserve) => reserve.get()..reserve.get() + RESERVE,
        Err(_) => slab.get()..slab.get() + size,
    };
    // SAFETY: it was mapped right here, whole, and nobody knows of it.
    unsafe { mem::unmap(not_needed) };
    reserve.map(|_| slab)
}

/// Makes the guards of a run and adds its stacks to `cache`. What cannot be guarded becomes bare again; that is an
/// error if it is the whole run.
fn carve(class: StackClass, run: Run, cache: &mut Vec<Stack>) -> io::Result<()> {
    let stride = class.stride();
    let guards = Guards { start: run.start, stride, len: class.guard_size(), count: run.count };
    // SAFETY: the regions are pages of a slab, whose run is this function's alone (invariant 1) and not yet part
    // of any stack, so nobody accesses them; every stack made of it keeps its guard out of what it offers.
    let done = unsafe { Guarding::chosen().install(guards) };
    // Downwards, because the last one is taken first: neighbours in time are then neighbours in the page table.
    cache.extend((0..done.count).rev().map(|i| Stack::new(run.start + i * stride, run.number + i, class)));
    let Some(refused) = done.refused else { return Ok(()) };
    let rest = Run {
        start: run.start + done.count * stride,
        number: run.number + done.count,
        count: run.count - done.count,
    };
    let mut families = lock();
    let family = find(&mut families, class);
    family.stats.carved -= rest.count;
    family.bare.push(rest);
    if done.count > 0 { Ok(()) } else { Err(Exhausted::Guard { class, refused }.into()) }
}

/// Gives the memory of free stacks back, neighbours in one system call: 0.26 µs each, against 1.4 µs one by one.
/// Leaves them sorted, the lowest last.
fn discard(stacks: &mut [Stack]) {
    stacks.sort_unstable_by_key(|stack| std::cmp::Reverse(stack.base));
    let mut rest = &*stacks;
    while let [first, ..] = rest {
        let neighbours = rest.windows(2).take_while(|pair| pair[0].limit().get() == pair[1].top()).count();
        let (run, others) = rest.split_at(neighbours + 1);
        let range = run[neighbours].memory().start..first.top();
        // SAFETY: the range covers the memory of free stacks, which are owned here (invariant 1), so nothing on
        // them is in use, and the guards between them, which stay guards; it is mapped (invariant 3).
        // An error (locked memory) leaves them as they are: usable, and in memory.
        let _ = unsafe { mem::discard(range) };
        rest = others;
    }
}

fn carved(families: &[Family]) -> usize {
    families.iter().map(|family| family.stats.carved).sum()
}

fn find(families: &mut Vec<Family>, class: StackClass) -> &mut Family {
    let index = families.iter().position(|family| family.class == class).unwrap_or_else(|| {
        families.push(Family::new(class));
        families.len() - 1
    });
    &mut families[index]
}

fn lock() -> MutexGuard<'static, Vec<Family>> {
    // A panic under the lock (none is known) leaves lists that are whole: every move is one call of `Vec`.
    FAMILIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why there is no stack to be had. Its [`source`](std::error::Error::source) is the system's own error.
#[derive(Debug)]
enum Exhausted {
    AddressSpace { class: StackClass, source: io::Error },
    Guard { class: StackClass, refused: Refused },
}

impl Exhausted {
    fn system_error(&self) -> &io::Error {
        match self {
            Exhausted::AddressSpace { source, .. } => source,
            Exhausted::Guard { refused, .. } => &refused.error,
        }
    }
}

impl From<Exhausted> for io::Error {
    fn from(error: Exhausted) -> io::Error {
        io::Error::new(error.system_error().kind(), error)
    }
}

impl std::error::Error for Exhausted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.system_error())
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.system_error();
        match self {
            Exhausted::AddressSpace { class, .. } => write!(
                f,
                "no memory can be mapped for a stack of {} bytes ({source}): the process is at a limit of its \
                 address space (`ulimit -v`), of its mappings (vm.max_map_count), or of what the system commits \
                 to (vm.overcommit_memory); raise that, or lower the number or the stack size of green threads",
                class.size()
            ),
            Exhausted::Guard { class, refused } if refused.way == Guarding::Protected => write!(
                f,
                "the guard of a stack of {} bytes cannot be made ({source}): guards are made by mprotect here, \
                 which takes two mappings a stack, and vm.max_map_count limits those of a process; raise it \
                 (`sysctl -w vm.max_map_count=2100000` is enough for a million stacks), use Linux 6.13 or newer, \
                 whose guards take none, or lower the number of green threads",
                class.size()
            ),
            Exhausted::Guard { class, .. } => write!(
                f,
                "the guard of a stack of {} bytes cannot be made ({source}): the system has no memory for page \
                 tables; lower the number of green threads",
                class.size()
            ),
        }
    }
}
