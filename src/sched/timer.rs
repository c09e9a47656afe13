//! A worker's timers: a four-ary heap of deadlines, whose entries can be taken out again.
//!
//! Most timers never fire: they are the timeouts of calls that end in time. So taking one out is as cheap as
//! putting one in (each key knows its place in the heap), and what is compared lies together in one array,
//! away from the green threads that wait. Everything is the worker's own: no lock, no atomics.
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
};

use super::clock::Nanos;

const ARITY: usize = 4;

/// The timers, each with a value to hand out when it fires.
pub(crate) struct Timers<T> {
    heap: Heap,
    places: Vec<Place<T>>,
    free: u32,
    /// Numbers the insertions, so that equal deadlines fire in their order.
    inserted: u32,
}

/// Names a timer until it fired or was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerKey {
    place: u32,
    generation: u32,
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

struct Place<T> {
    /// Odd while the place is in use: a key of an earlier use does not fit.
    generation: u32,
    /// Its index in the heap; in a free place, the next free place.
    index: u32,
    value: Option<T>,
}

const NONE: u32 = u32::MAX;

impl<T> Timers<T> {
    pub(crate) const fn new() -> Self {
        Self { heap: Heap { families: Vec::new(), len: 0 }, places: Vec::new(), free: NONE, inserted: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.len == 0
    }

    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        self.first().map(|entry| entry.deadline)
    }

    /// The value that will be handed out next.
    #[inline]
    pub(crate) fn next(&self) -> Option<&T> {
        self.places[self.first()?.place as usize].value.as_ref()
    }

    pub(crate) fn insert(&mut self, deadline: Nanos, value: T) -> TimerKey {
        let place = self.take_place(value);
        self.inserted = self.inserted.wrapping_add(1);
        self.heap.push(Entry { deadline, order: self.inserted, place });
        self.sift_up(self.heap.len - 1);
        TimerKey { place, generation: self.places[place as usize].generation }
    }

    /// Takes a timer out. `None`: it fired before.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<T> {
        let place = &self.places[key.place as usize];
        if place.generation != key.generation {
            return None;
        }
        let index = place.index as usize;
        self.remove_at(index);
        self.free_place(key.place)
    }

    /// Takes out the earliest one whose deadline has come.
    pub(crate) fn pop_due(&mut self, now: Nanos) -> Option<T> {
        let first = self.first().filter(|entry| entry.deadline <= now)?;
        let place = first.place;
        self.remove_at(0);
        self.free_place(place)
    }

    /// Takes out any one.
    #[cfg(test)]
    pub(crate) fn pop_any(&mut self) -> Option<T> {
        self.pop_due(Nanos::NEVER)
    }

    fn first(&self) -> Option<&Entry> {
        (!self.is_empty()).then(|| &self.heap[0])
    }

    fn take_place(&mut self, value: T) -> u32 {
        if self.free == NONE {
            let place = u32::try_from(self.places.len()).expect("fewer than 4 billion timers");
            self.places.push(Place { generation: 1, index: NONE, value: Some(value) });
            return place;
        }
        let number = self.free;
        let place = &mut self.places[number as usize];
        self.free = place.index;
        place.generation = place.generation.wrapping_add(1);
        place.value = Some(value);
        number
    }

    fn free_place(&mut self, number: u32) -> Option<T> {
        let place = &mut self.places[number as usize];
        place.generation = place.generation.wrapping_add(1);
        place.index = self.free;
        self.free = number;
        place.value.take()
    }

    fn remove_at(&mut self, index: usize) {
        let last = self.heap.pop();
        if index < self.heap.len {
            self.heap[index] = last;
            self.note(index);
            self.sift_down(index);
            self.sift_up(index);
        }
    }

    fn sift_up(&mut self, mut index: usize) {
        let entry = self.heap[index];
        while index > 0 {
            let parent = (index - 1) / ARITY;
            if !entry.before(&self.heap[parent]) {
                break;
            }
            self.heap[index] = self.heap[parent];
            self.note(index);
            index = parent;
        }
        self.heap[index] = entry;
        self.note(index);
    }

    fn sift_down(&mut self, mut index: usize) {
        let entry = self.heap[index];
        loop {
            let first = index * ARITY + 1;
            let children = first..(first + ARITY).min(self.heap.len);
            let earlier = |a, b| if self.heap[b].before(&self.heap[a]) { b } else { a };
            let Some(least) = children.reduce(earlier) else { break };
            if !self.heap[least].before(&entry) {
                break;
            }
            self.heap[index] = self.heap[least];
            self.note(index);
            index = least;
        }
        self.heap[index] = entry;
        self.note(index);
    }

    /// Writes an entry's index into its place.
    fn note(&mut self, index: usize) {
        self.places[self.heap[index].place as usize].index = index as u32;
    }
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
    fn push(&mut self, entry: Entry) {
        let index = self.len;
        if Self::seat(index).0 == self.families.len() {
            self.families.push(Family([Entry::NONE; ARITY]));
        }
        self.len += 1;
        self[index] = entry;
    }

    /// The last one; there is one.
    fn pop(&mut self) -> Entry {
        let last = self[self.len - 1];
        self.len -= 1;
        last
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
