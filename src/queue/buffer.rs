//! In which order a queue gives what it holds.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
    iter,
};

use crate::backlog::give_back;

/// What a queue holds. Nothing is called while a lock of the runtime's own is held, so an order may be the user's code.
pub(super) trait Buffer {
    type Item;

    fn len(&self) -> usize;
    fn push(&mut self, item: Self::Item);
    fn pop(&mut self) -> Option<Self::Item>;
    /// Takes everything out.
    fn take(&mut self) -> Self;

    /// All items, in the order in which they would have been popped.
    fn into_vec(mut self) -> Vec<Self::Item>
    where
        Self: Sized,
    {
        iter::from_fn(|| self.pop()).collect()
    }
}

/// First in, first out.
pub(super) type Fifo<T> = VecDeque<T>;

/// Last in, first out.
pub(super) type Lifo<T> = Vec<T>;

/// The smallest first; of equal ones the first in.
pub(super) struct Smallest<T> {
    heap: BinaryHeap<Entry<T>>,
    /// The number of the next to come.
    next: u64,
}

/// An item and when it came. The greatest entry is the smallest item.
struct Entry<T> {
    item: T,
    number: u64,
}

impl<T> Buffer for Fifo<T> {
    type Item = T;

    fn len(&self) -> usize {
        VecDeque::len(self)
    }

    fn push(&mut self, item: T) {
        self.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        give_back(self);
        self.pop_front()
    }

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl<T> Buffer for Lifo<T> {
    type Item = T;

    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn push(&mut self, item: T) {
        Vec::push(self, item);
    }

    fn pop(&mut self) -> Option<T> {
        give_back(self);
        Vec::pop(self)
    }

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl<T: Ord> Smallest<T> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }
}

impl<T: Ord> Buffer for Smallest<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn push(&mut self, item: T) {
        let number = self.next;
        self.next += 1;
        self.heap.push(Entry { item, number });
    }

    fn pop(&mut self) -> Option<T> {
        give_back(&mut self.heap);
        self.heap.pop().map(|entry| entry.item)
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new())
    }
}

impl<T: Ord> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.item.cmp(&self.item).then_with(|| other.number.cmp(&self.number))
    }
}

impl<T: Ord> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Ord> Eq for Entry<T> {}
