use loom::{cell::UnsafeCell, model, sync::Arc, thread};

use super::check_bounded;
use crate::lockfree::ref_count::RefCount;

/// What is counted. That it is freed shows as a write, so a use that it does not wait for is a race.
struct Counted {
    count: RefCount,
    value: UnsafeCell<Option<usize>>,
}

impl Counted {
    fn new() -> Arc<Self> {
        Arc::new(Self { count: RefCount::one(), value: UnsafeCell::new(Some(42)) })
    }

    fn used(&self) {
        // SAFETY: loom checks it, as below.
        self.value.with(|value| assert_eq!(unsafe { *value }, Some(42)));
    }

    fn give_back(&self) {
        if self.count.give_back() {
            // SAFETY: see above.
            self.value.with_mut(|value| assert!(unsafe { (*value).take() }.is_some(), "freed twice"));
        }
    }

    fn is_freed(&self) -> bool {
        // SAFETY: see above.
        self.value.with(|value| unsafe { *value }.is_none())
    }
}

/// Catches: freed twice, never, or before the other has used it last.
#[test]
fn the_last_of_two_frees() {
    model(|| {
        let counted = Counted::new();
        counted.count.add_exclusively();
        let theirs = Arc::clone(&counted);
        let worker = thread::spawn(move || {
            theirs.used();
            theirs.give_back();
        });
        counted.used();
        counted.give_back();
        worker.join().unwrap();
        assert!(counted.is_freed());
    });
}

/// Catches: a reference added to the last one but one, and lost; the last one's shortcut beside it.
#[test]
fn references_are_added_while_others_go() {
    check_bounded(3, || {
        let counted = Counted::new();
        counted.count.add_exclusively();
        counted.count.add_exclusively();
        let parties = [true, false].map(|adds| {
            let counted = Arc::clone(&counted);
            thread::spawn(move || {
                if adds {
                    counted.count.add();
                    counted.used();
                    counted.give_back();
                }
                counted.used();
                counted.give_back();
            })
        });
        counted.used();
        counted.give_back();
        parties.into_iter().for_each(|party| party.join().unwrap());
        assert!(counted.is_freed());
    });
}
