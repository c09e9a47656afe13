//! A queue in a ring: first in, first out, of small plain values.
//!
//! As a `VecDeque`, but its length is a power of two and its ends are counted without end, so a place is found by a mask:
//! a push and a pop together are six instructions less, which each yield pays.

/// See the [module](self).
pub(super) struct Ring<T> {
    /// As many places as a power of two says.
    places: Box<[T]>,
    /// How many have been taken out at the front, less those that were put there.
    front: usize,
    /// How many have been put in at the back.
    back: usize,
}

const FEW: usize = 16;

impl<T: Copy> Ring<T> {
    /// An empty one. What has no value yet is `filler`.
    pub(super) fn new(filler: T) -> Self {
        Self { places: Box::from([filler; FEW]), front: 0, back: 0 }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.back.wrapping_sub(self.front)
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.back == self.front
    }

    #[inline(always)]
    pub(super) fn push_back(&mut self, value: T) {
        if self.len() == self.places.len() {
            self.grow();
        }
        *self.place(self.back) = value;
        self.back = self.back.wrapping_add(1);
    }

    pub(super) fn push_front(&mut self, value: T) {
        if self.len() == self.places.len() {
            self.grow();
        }
        self.front = self.front.wrapping_sub(1);
        *self.place(self.front) = value;
    }

    #[inline(always)]
    pub(super) fn pop_front(&mut self) -> Option<T> {
        let value = self.front()?;
        self.front = self.front.wrapping_add(1);
        Some(value)
    }

    /// The one that [`pop_front`](Self::pop_front) would give.
    #[inline(always)]
    pub(super) fn front(&self) -> Option<T> {
        self.get(0)
    }

    /// The one with so many before it.
    #[inline(always)]
    pub(super) fn get(&self, index: usize) -> Option<T> {
        (index < self.len()).then(|| self.places[self.index(self.front.wrapping_add(index))])
    }

    /// Brings the one with so many before it to the front, and that one to its place.
    pub(super) fn swap_to_front(&mut self, index: usize) {
        assert!(index < self.len());
        let (first, other) = (self.index(self.front), self.index(self.front.wrapping_add(index)));
        self.places.swap(first, other);
    }

    #[inline(always)]
    fn index(&self, count: usize) -> usize {
        count & (self.places.len() - 1)
    }

    #[inline(always)]
    fn place(&mut self, count: usize) -> &mut T {
        let index = self.index(count);
        &mut self.places[index]
    }

    #[cold]
    fn grow(&mut self) {
        let len = self.len();
        let mut places = Vec::with_capacity(2 * len);
        places.extend((0..len).map(|index| self.places[self.index(self.front.wrapping_add(index))]));
        places.resize(2 * len, places[0]);
        *self = Self { places: places.into(), front: 0, back: len };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::Ring;
    use crate::rng::Rng;

    #[test]
    fn a_long_random_run_agrees_with_a_deque() {
        let mut rng = Rng::new(3);
        let (mut ring, mut model) = (Ring::new(0), VecDeque::new());
        for value in 0..100_000 {
            // It grows for a while, and shrinks for a while.
            match rng.below(if value % 2000 < 1000 { 6 } else { 4 }) {
                0 | 1 => assert_eq!(ring.pop_front(), model.pop_front()),
                2 if !model.is_empty() => {
                    let index = rng.below(model.len());
                    ring.swap_to_front(index);
                    model.swap(0, index);
                }
                3 => {
                    ring.push_front(value);
                    model.push_front(value);
                }
                _ => {
                    ring.push_back(value);
                    model.push_back(value);
                }
            }
            assert_eq!((ring.len(), ring.is_empty()), (model.len(), model.is_empty()));
            let index = rng.below(model.len() + 1);
            assert_eq!(ring.get(index), model.get(index).copied());
        }
        assert!(ring.places.len() > super::FEW, "it never grew");
    }
}
