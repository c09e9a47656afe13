use loom::{
    model,
    sync::{Arc, atomic::fence},
    thread,
};

use crate::{atomic::Ordering, lockfree::steal_queue};

fn full_fence() {
    fence(Ordering::SeqCst);
}

/// Catches: the owner and a thief at the items together (a missing fence on either side, a look before the flag), as a
/// race on the items.
#[test]
fn each_is_popped_or_stolen_once() {
    model(|| {
        let (mut owner, stealer) = steal_queue::new(true);
        owner.push(1);
        let thief = thread::spawn(move || stealer.steal_half(full_fence));
        owner.push(2);
        let mut all: Vec<_> = std::iter::from_fn(|| owner.pop()).collect();
        all.extend(thief.join().unwrap());
        // What a thief saw too late to take is there still.
        all.extend(std::iter::from_fn(|| owner.pop()));
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    });
}

/// Catches: an item that nobody is called for, because it was counted before a thief had gone, and pushed after.
#[test]
fn what_is_pushed_beside_a_thief_is_seen_or_stands_alone() {
    model(|| {
        let (mut owner, stealer) = steal_queue::new(true);
        assert!(owner.push(1));
        let thief = thread::spawn(move || {
            let loot = stealer.steal_half(full_fence);
            (loot.len(), stealer.len())
        });
        let alone = owner.push(2);
        let (taken, left) = thief.join().unwrap();
        assert!(taken == 0 || alone || left > 0, "the thief goes, and nobody comes for the second");
    });
}

/// Catches: two thieves at the items together.
#[test]
fn two_thieves_share() {
    model(|| {
        let (mut owner, stealer) = steal_queue::new(true);
        let stealer = Arc::new(stealer);
        for item in 1..=3 {
            owner.push(item);
        }
        let theirs = Arc::clone(&stealer);
        let other = thread::spawn(move || theirs.steal_half(full_fence));
        let mut all = stealer.steal_half(full_fence);
        all.extend(other.join().unwrap());
        all.extend(std::iter::from_fn(|| owner.pop()));
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
    });
}
