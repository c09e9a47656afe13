//! Which of several nested ones ends, and which works on.

use std::{cell::Cell, time::Duration};

use crate::support::{HOUR, SECOND, in_virtual_time, timed};
use sward::{sleep, time::Instant, timeout, timeout_at};

#[test]
fn of_nested_ones_the_earliest_wins_in_any_order() {
    // Every order of three deadlines: the earliest must be the one that gives `Elapsed`, at its moment.
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    in_virtual_time(move || {
        for order in orders {
            let limit = |level: usize| Duration::from_secs(order[level]);
            let passed = Cell::new([false; 3]);
            let through = |level: usize| {
                let mut now = passed.get();
                now[level] = true;
                passed.set(now);
            };
            let (spent, outer) = timed(|| {
                timeout(limit(0), || {
                    let middle = timeout(limit(1), || {
                        let inner = timeout(limit(2), || sleep(HOUR));
                        through(2);
                        assert!(inner.is_err());
                    });
                    through(1);
                    // Either it was its own, or the inner one's came through as a value.
                    assert_eq!(middle.is_err(), !passed.get()[2]);
                })
            });
            let first = order.iter().position(|&seconds| seconds == 1).unwrap();
            assert_eq!(spent, SECOND, "{order:?}");
            assert_eq!(outer.is_err(), first == 0, "{order:?}");
            assert_eq!(passed.get(), [false, first >= 1, first == 2], "{order:?}");
            // The two that did not come do not come later.
            assert_eq!(timed(|| sleep(HOUR)).0, HOUR, "{order:?}");
        }
    });
}

#[test]
fn of_equal_ones_the_outermost_wins() {
    in_virtual_time(|| {
        let moment = Instant::now() + SECOND;
        let reached = Cell::new(false);
        let outer = timeout_at(moment, || {
            let _ = timeout_at(moment, || timeout_at(moment, || sleep(HOUR)));
            reached.set(true);
        });
        assert_eq!((outer.is_err(), reached.get()), (true, false));
    });
}

#[test]
fn an_inner_one_that_was_caught_lets_the_outer_ones_work_on() {
    in_virtual_time(|| {
        let (spent, outer) = timed(|| {
            timeout(Duration::from_secs(5), || {
                for _ in 0..3 {
                    assert!(timeout(SECOND, || sleep(HOUR)).is_err());
                }
                sleep(HOUR);
            })
        });
        assert_eq!((spent, outer.is_err()), (Duration::from_secs(5), true));
    });
}

#[test]
fn a_thousand_nested_ones_end_at_the_earliest() {
    fn nest(level: u64, at: u64) -> u64 {
        if level == 0 {
            sleep(HOUR);
            return 0;
        }
        let limit = if level == at { SECOND } else { HOUR / 2 };
        timeout(limit, || nest(level - 1, at)).unwrap_or(level)
    }
    in_virtual_time(|| {
        let deep = sward::Builder::new().stack_size(4 << 20).spawn(|| timed(|| nest(1000, 500))).unwrap();
        assert_eq!(deep.join().unwrap(), (SECOND, 500));
    });
}
