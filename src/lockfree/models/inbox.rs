use std::ptr::NonNull;

use loom::{cell::UnsafeCell, model, sync::Arc, thread};

use super::check_bounded;
use crate::lockfree::inbox::{Inbox, Link, Linked};

struct Item {
    link: Link<Item>,
    pusher: usize,
    number: UnsafeCell<usize>,
}

// SAFETY: loom checks the accesses to `number`.
unsafe impl Sync for Item {}

// SAFETY: the link is a field.
unsafe impl Linked for Item {
    fn link(&self) -> &Link<Item> {
        &self.link
    }
}

fn push(inbox: &Inbox<Item>, pusher: usize, number: usize) {
    let item = Box::new(Item { link: Link::new(), pusher, number: UnsafeCell::new(0) });
    // SAFETY: loom checks it.
    item.number.with_mut(|place| unsafe { *place = number });
    // SAFETY: it lives until it is taken, and is in no inbox.
    unsafe { inbox.push(NonNull::from(Box::leak(item))) };
}

fn take(inbox: &Inbox<Item>, taken: &mut Vec<(usize, usize)>) {
    for item in inbox.take() {
        // SAFETY: it came from a box, and is taken once: loom would tell a second free.
        let item = unsafe { Box::from_raw(item.as_ptr()) };
        // SAFETY: loom checks it.
        taken.push((item.pusher, item.number.with(|number| unsafe { *number })));
    }
}

/// Catches: an item that is lost, doubled or out of its pusher's order; a link or an item that the taker reads before
/// the pusher's write is visible, also of a push that another push came on top of.
#[test]
fn everything_comes_out_once_and_in_order() {
    check_bounded(3, || {
        let inbox = Arc::new(Inbox::new());
        let pushers: Vec<_> = (0..2)
            .map(|pusher| {
                let inbox = Arc::clone(&inbox);
                thread::spawn(move || (0..2).for_each(|number| push(&inbox, pusher, number)))
            })
            .collect();
        let mut taken = Vec::new();
        take(&inbox, &mut taken);
        take(&inbox, &mut taken);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        take(&inbox, &mut taken);
        for pusher in 0..2 {
            let of_one: Vec<_> =
                taken.iter().filter(|(by, _)| *by == pusher).map(|(_, number)| *number).collect();
            assert_eq!(of_one, [0, 1]);
        }
        assert_eq!(taken.len(), 4);
    });
}

/// Catches: the same with every preemption, for one push each against one take.
#[test]
fn two_pushes_and_a_take() {
    model(|| {
        let inbox = Arc::new(Inbox::new());
        let pushers: Vec<_> = (0..2)
            .map(|pusher| {
                let inbox = Arc::clone(&inbox);
                thread::spawn(move || push(&inbox, pusher, 7))
            })
            .collect();
        let mut taken = Vec::new();
        take(&inbox, &mut taken);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        take(&inbox, &mut taken);
        taken.sort_unstable();
        assert_eq!(taken, [(0, 7), (1, 7)]);
    });
}
