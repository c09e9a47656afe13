use loom::{cell::UnsafeCell, model, sync::Arc, thread};

use super::Bell;
use crate::lockfree::countdown::Countdown;

struct Scope {
    running: Countdown,
    owner: Bell,
    done: [UnsafeCell<bool>; 2],
}

/// Catches: a last child that does not tell; work of a child that the owner does not see (`Relaxed`), whether
/// it waited or found the count at zero.
#[test]
fn the_last_one_tells_and_all_work_is_visible() {
    model(|| {
        let scope = Arc::new(Scope {
            running: Countdown::new(),
            owner: Bell::new(),
            done: [UnsafeCell::new(false), UnsafeCell::new(false)],
        });
        let children: Vec<_> = (0..2)
            .map(|child| {
                scope.running.up();
                let scope = Arc::clone(&scope);
                thread::spawn(move || {
                    // SAFETY: loom checks it.
                    scope.done[child].with_mut(|done| unsafe { *done = true });
                    if scope.running.down() {
                        scope.owner.ring();
                    }
                })
            })
            .collect();
        // A child may end before the next is counted, so the last one may tell too early: the owner looks again.
        while !scope.running.is_zero() {
            scope.owner.wait();
        }
        for done in &scope.done {
            // SAFETY: loom checks it.
            done.with(|done| assert!(unsafe { *done }));
        }
        children.into_iter().for_each(|child| child.join().unwrap());
    });
}
