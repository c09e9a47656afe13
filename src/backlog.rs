//! When a collection that held many gives their memory back.

use std::collections::{BinaryHeap, VecDeque};

/// What has room for more than it holds.
pub(crate) trait Roomy {
    fn len(&self) -> usize;
    fn capacity(&self) -> usize;
    fn shrink_to(&mut self, capacity: usize);
}

/// Room for so many is kept for good.
pub(crate) const KEPT: usize = 1024;

/// Gives three quarters of the room back once less than an eighth of it is used. To be called before an item is taken (not
/// after: a large one would be moved once more). Three were taken then for each that is moved by it, and as many must come as
/// there are before there is growth again.
#[inline(always)]
pub(crate) fn give_back<C: Roomy>(items: &mut C) {
    let capacity = items.capacity();
    // Items of no size have room without end.
    if capacity > KEPT && items.len() < capacity / 8 && capacity != usize::MAX {
        shrink(items, capacity / 4);
    }
}

#[cold]
fn shrink<C: Roomy>(items: &mut C, capacity: usize) {
    items.shrink_to(capacity.max(KEPT));
}

macro_rules! roomy {
    ($($collection:ident),*) => {$(
        impl<T> Roomy for $collection<T> {
            fn len(&self) -> usize {
                self.len()
            }

            fn capacity(&self) -> usize {
                self.capacity()
            }

            fn shrink_to(&mut self, capacity: usize) {
                self.shrink_to(capacity);
            }
        }
    )*};
}

roomy!(Vec, VecDeque, BinaryHeap);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_that_was_served_keeps_little() {
        let mut items: VecDeque<usize> = (0..100_000).collect();
        for expected in 0..100_000 {
            give_back(&mut items);
            assert_eq!(items.pop_front(), Some(expected));
            let used = items.len().max(KEPT);
            assert!(items.capacity() <= 8 * used + 8, "{} for {}", items.capacity(), items.len());
        }
        assert!(items.capacity() <= KEPT, "{}", items.capacity());
    }

    #[test]
    fn one_that_is_filled_and_emptied_again_and_again_moves_few() {
        let mut items = VecDeque::with_capacity(KEPT);
        let (mut taken, mut shrunk) = (0, 0);
        for _ in 0..100 {
            items.extend(0..KEPT);
            while !items.is_empty() {
                let before = items.capacity();
                give_back(&mut items);
                shrunk += usize::from(items.capacity() < before);
                items.pop_front();
                taken += 1;
            }
        }
        assert_eq!((taken, shrunk), (100 * KEPT, 0));
    }

    #[test]
    fn items_of_no_size_need_no_room() {
        let mut items = VecDeque::from([(), ()]);
        give_back(&mut items);
        items.pop_front();
        assert_eq!(items.len(), 1);
    }
}
