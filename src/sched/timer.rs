//! A worker's timers: a four-ary heap of deadlines, whose entries can be taken out again.
//!
//! Most timers never fire: they are the timeouts of calls that end in time. So taking one out is the cheapest thing
//! here: its value goes, and its entry stays in the heap until it comes to the top or until those that stand for nothing
//! are the greater part, which are then swept out together. (Python's asyncio does so.) No entry's place in the
//! heap need be known, and none is noted while others move past it. Everything is the worker's own: no lock, no atomics.
//!
//! The four children of an entry are one cache line, and lie behind each other in the order of their parents:
//!
//! ```text
//!  family 0      family 1        family 2        family 3
//!  ┌───────────┬───────────────┬───────────────┬────────────
//!  │ root      │ of the root   │ of 1's first  │ of 1's second …
//!  └───────────┴───────────────┴───────────────┴────────────
//! ```

use std::{
    cmp::Ordering,
    ops::{Index, IndexMut},
    time::Duration,
};

use super::clock::Nanos;
use crate::sys::cache::prefetch;

const ARITY: usize = 4;

/// So many entries may stand for nothing, however few stand for something.
const FEW: usize = 64;

/// The timers, each with a value to hand out when it fires.
///
/// **Invariant.** The heap's root is of a timer that is set.
pub(crate) struct Timers<T> {
    heap: Heap,
    places: Vec<Place<T>>,
    free: u32,
    /// How many are set.
    set: usize,
    /// Numbers the insertions, so that equal deadlines fire in their order.
    inserted: u32,
}

/// Names a timer until it fired or was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerKey {
    place: u32,
    order: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    deadline: Nanos,
    /// Of insertion. It wraps: of two in the heap, the one that is less than half way round behind came first.
    order: u32,
    place: u32,
}

/// The entries by index, the root's being 0.
struct Heap {
    families: Vec<Family>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Family([Entry; ARITY]);

enum Place<T> {
    /// Of the timer with this order. A key or an entry with another one is of an earlier timer.
    Set {
        order: u32,
        value: T,
    },
    Free {
        next: u32,
    },
}

const NONE: u32 = u32::MAX;

impl<T> Timers<T> {
    pub(crate) const fn new() -> Self {
        Self { heap: Heap::new(), places: Vec::new(), free: NONE, set: 0, inserted: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set == 0
    }

    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        self.heap.first().map(|entry| entry.deadline)
    }

    /// Until when to sleep if others that follow the first one within `slack` are to be served with it.
    pub(crate) fn rest(&self, slack: Duration) -> Option<Nanos> {
        let first = self.heap.first()?.deadline;
        let limit = first.saturating_add(slack);
        let children =
            (1..=ARITY).take_while(|&index| index < self.heap.len).map(|index| self.heap[index].deadline);
        let near = children.filter(|&deadline| deadline <= limit);
        let (count, last) = near.fold((0, first), |(count, last), deadline| (count + 1, last.max(deadline)));
        // If all are near, so may be those below them.
        Some(if count == ARITY { limit } else { last })
    }

    /// The value that will be handed out next.
    #[inline]
    pub(crate) fn next(&self) -> Option<&T> {
        match &self.places[self.heap.first()?.place as usize] {
            Place::Set { value, .. } => Some(value),
            Place::Free { .. } => None,
        }
    }

    pub(crate) fn insert(&mut self, deadline: Nanos, value: T) -> TimerKey {
        self.inserted = self.inserted.wrapping_add(1);
        let order = self.inserted;
        let place = self.take_place(Place::Set { order, value });
        self.set += 1;
        self.heap.push(Entry { deadline, order, place });
        TimerKey { place, order }
    }

    /// Takes a timer out. `None`: it fired before.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<T> {
        if !is_set(&self.places, key.place, key.order) {
            return None;
        }
        let value = self.free_place(key.place);
        if self.heap.len - self.set > self.set.max(FEW) {
            self.sweep();
        }
        self.uncover();
        value
    }

    /// Takes out the earliest one whose deadline has come.
    pub(crate) fn pop_due(&mut self, now: Nanos) -> Option<T> {
        let first = self.heap.first().filter(|entry| entry.deadline <= now)?.place;
        self.heap.pop_first();
        let value = self.free_place(first);
        self.uncover();
        // One of these is the next one.
        for entry in self.heap.families.get(1).into_iter().flat_map(|family| &family.0) {
            if let Some(place) = self.places.get(entry.place as usize) {
                prefetch(place);
            }
        }
        value
    }

    /// Takes out any one.
    #[cfg(test)]
    pub(crate) fn pop_any(&mut self) -> Option<T> {
        self.pop_due(Nanos::NEVER)
    }

    /// Brings one that is set to the top.
    #[inline]
    fn uncover(&mut self) {
        while let Some(first) = self.heap.first()
            && !is_set(&self.places, first.place, first.order)
        {
            self.heap.pop_first();
        }
    }

    /// Takes out all entries that stand for nothing.
    #[cold]
    fn sweep(&mut self) {
        let places = &self.places;
        self.heap.retain(|entry| is_set(places, entry.place, entry.order));
    }

    fn take_place(&mut self, content: Place<T>) -> u32 {
        let number = self.free;
        match self.places.get_mut(number as usize) {
            Some(place) => {
                if let Place::Free { next } = std::mem::replace(place, content) {
                    self.free = next;
                }
                number
            }
            None => {
                self.places.push(content);
                u32::try_from(self.places.len() - 1).expect("fewer than 4 billion timers")
            }
        }
    }

    fn free_place(&mut self, number: u32) -> Option<T> {
        self.set -= 1;
        let free = Place::Free { next: std::mem::replace(&mut self.free, number) };
        match std::mem::replace(&mut self.places[number as usize], free) {
            Place::Set { value, .. } => Some(value),
            Place::Free { .. } => None,
        }
    }
}

#[inline]
fn is_set<T>(places: &[Place<T>], place: u32, order: u32) -> bool {
    matches!(places[place as usize], Place::Set { order: set, .. } if set == order)
}

impl Entry {
    const NONE: Entry = Entry { deadline: Nanos::NEVER, order: 0, place: NONE };

    #[inline]
    fn before(&self, other: &Entry) -> bool {
        match self.deadline.cmp(&other.deadline) {
            Ordering::Equal => (self.order.wrapping_sub(other.order) as i32) < 0,
            unequal => unequal.is_lt(),
        }
    }
}

impl Heap {
    const fn new() -> Self {
        Self { families: Vec::new(), len: 0 }
    }

    #[inline]
    fn first(&self) -> Option<&Entry> {
        (self.len > 0).then(|| &self[0])
    }

    fn push(&mut self, entry: Entry) {
        let index = self.add(entry);
        self.sift_up(index, entry);
    }

    /// Takes the root out; there is one.
    fn pop_first(&mut self) {
        self.len -= 1;
        let last = self[self.len];
        if self.len > 0 {
            self.sift_down(0, last);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        let old = std::mem::replace(self, Self::new());
        for entry in (0..old.len).map(|index| old[index]).filter(keep) {
            self.add(entry);
        }
        // From the last parent up, each above heaps.
        for index in (0..self.len.div_ceil(ARITY)).rev() {
            self.sift_down(index, self[index]);
        }
    }

    /// Puts an entry behind all others, and tells where that is.
    fn add(&mut self, entry: Entry) -> usize {
        let index = self.len;
        if Self::seat(index).0 == self.families.len() {
            self.families.push(Family([Entry::NONE; ARITY]));
        }
        self.len += 1;
        self[index] = entry;
        index
    }

    /// Puts an entry where it belongs, `index` or above.
    #[inline]
    fn sift_up(&mut self, mut index: usize, entry: Entry) {
        while index > 0 {
            let parent = (index - 1) / ARITY;
            if !entry.before(&self[parent]) {
                break;
            }
            self[index] = self[parent];
            index = parent;
        }
        self[index] = entry;
    }

    /// Puts an entry where it belongs, `index` or below.
    fn sift_down(&mut self, mut index: usize, entry: Entry) {
        loop {
            // The children's children, ahead of the comparison that tells whose are needed.
            let families = self.families.iter().skip(index * ARITY + 2).take(ARITY);
            families.for_each(|family| prefetch(family));
            let first = index * ARITY + 1;
            let children = first..(first + ARITY).min(self.len);
            let earlier = |a, b| if self[b].before(&self[a]) { b } else { a };
            let Some(least) = children.reduce(earlier) else { break };
            if !self[least].before(&entry) {
                break;
            }
            self[index] = self[least];
            index = least;
        }
        self[index] = entry;
    }

    /// The family of an index, and the seat in it. The root has the last seat of the first one, to itself.
    #[inline]
    fn seat(index: usize) -> (usize, usize) {
        let seat = index + ARITY - 1;
        (seat / ARITY, seat % ARITY)
    }
}

impl Index<usize> for Heap {
    type Output = Entry;

    #[inline]
    fn index(&self, index: usize) -> &Entry {
        let (family, seat) = Self::seat(index);
        &self.families[family].0[seat]
    }
}

impl IndexMut<usize> for Heap {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut Entry {
        let (family, seat) = Self::seat(index);
        &mut self.families[family].0[seat]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn timers_fire_in_the_order_of_deadline_and_then_of_insertion() {
        let mut timers = Timers::new();
        for (name, deadline) in [("c", 30), ("a", 10), ("b", 20), ("a2", 10)] {
            timers.insert(Nanos(deadline), name);
        }
        assert_eq!(timers.pop_due(Nanos(5)), None);
        let fired: Vec<_> = std::iter::from_fn(|| timers.pop_due(Nanos(30))).collect();
        assert_eq!(fired, ["a", "a2", "b", "c"]);
    }

    #[test]
    fn a_removed_timer_does_not_fire_and_its_key_does_not_fit_its_successor() {
        let mut timers = Timers::new();
        let key = timers.insert(Nanos(1), "old");
        assert_eq!(timers.remove(key), Some("old"));
        timers.insert(Nanos(1), "new");
        assert_eq!(timers.remove(key), None);
        assert_eq!(timers.pop_any(), Some("new"));
        assert!(timers.is_empty());
    }

    #[test]
    fn a_rest_ends_with_the_last_of_those_that_are_near_the_first() {
        let rest = |deadlines: &[u64]| {
            let mut timers = Timers::new();
            for &deadline in deadlines {
                timers.insert(Nanos(deadline), ());
            }
            timers.rest(Duration::from_nanos(50)).map(|rest| rest.0)
        };
        assert_eq!(rest(&[]), None);
        assert_eq!(rest(&[1000]), Some(1000));
        assert_eq!(rest(&[1000, 1051]), Some(1000));
        assert_eq!(rest(&[1000, 1010, 1050, 2000]), Some(1050));
        // So many may go on to the limit, and no further.
        assert_eq!(rest(&[1000, 1010, 1020, 1030, 1040, 1045, 1055]), Some(1050));
    }

    #[test]
    fn those_that_were_removed_are_swept_out() {
        let mut timers = Timers::new();
        timers.insert(Nanos(1), 0);
        for round in 0..10_000 {
            let key = timers.insert(Nanos(1_000_000 + round), round);
            assert_eq!(timers.remove(key), Some(round));
        }
        assert!(timers.heap.len <= 1 + FEW + 1, "{} entries for one timer", timers.heap.len);
        assert!(timers.places.len() <= 2);
    }

    #[test]
    fn a_long_random_run_agrees_with_a_sorted_list() {
        let mut rng = Rng::new(7);
        let (mut timers, mut model) = (Timers::new(), Vec::<(u64, u64, TimerKey)>::new());
        for order in 0..20_000_u64 {
            match rng.below(3) {
                0 if !model.is_empty() => {
                    let (_, value, key) = model.swap_remove(rng.below(model.len()));
                    assert_eq!(timers.remove(key), Some(value));
                }
                1 if !model.is_empty() => {
                    let first = (0..model.len()).min_by_key(|&i| (model[i].0, model[i].1)).unwrap();
                    let (deadline, value, key) = model.swap_remove(first);
                    assert_eq!(timers.next_deadline(), Some(Nanos(deadline)));
                    assert_eq!(timers.pop_due(Nanos(deadline)), Some(value));
                    assert_eq!(timers.remove(key), None);
                }
                _ => {
                    let deadline = rng.below(1000) as u64;
                    model.push((deadline, order, timers.insert(Nanos(deadline), order)));
                }
            }
        }
    }
}
