//! `deadline`, and who inherits it.

use std::{cell::Cell, sync::Mutex, time::Duration};

use crate::support::{HOUR, OnDrop, SECOND, in_virtual_time, timed};
use sward::{scope, shield, sleep, spawn, time::Instant, timeout, timeout_at, yield_now};

#[test]
fn deadline_tells_the_nearest() {
    in_virtual_time(|| {
        let now = Instant::now();
        let at = |seconds| Some(now + Duration::from_secs(seconds));
        assert_eq!(sward::deadline(), None);
        timeout(Duration::from_secs(5), || {
            assert_eq!(sward::deadline(), at(5));
            timeout(Duration::from_secs(9), || assert_eq!(sward::deadline(), at(5))).unwrap();
            timeout(Duration::from_secs(3), || assert_eq!(sward::deadline(), at(3))).unwrap();
            timeout_at(now + Duration::from_secs(4), || assert_eq!(sward::deadline(), at(4))).unwrap();
            sleep(SECOND);
            assert_eq!(sward::deadline(), at(5), "it does not move");
        })
        .unwrap();
        assert_eq!(sward::deadline(), None);
    });
}

#[test]
fn a_huge_timeout_is_no_deadline() {
    in_virtual_time(|| assert_eq!(timeout(Duration::MAX, sward::deadline), Ok(None)));
}

#[test]
fn children_of_a_scope_a_group_and_a_pool_inherit_the_deadline() {
    in_virtual_time(|| {
        let ends = Instant::now() + SECOND;
        timeout(SECOND, || {
            let scoped = scope(|s| s.spawn(sward::deadline).join().unwrap());
            assert_eq!(scoped, Some(ends), "scope");
            let nested =
                scope(|s| s.spawn(|| scope(|s| s.spawn(sward::deadline).join().unwrap())).join().unwrap());
            assert_eq!(nested, Some(ends), "a scope in a scope");
            let grouped = sward::Group::new().spawn(sward::deadline);
            assert_eq!(grouped.join().unwrap(), Some(ends), "group");
            let pooled = sward::Pool::new(1).spawn(sward::deadline);
            assert_eq!(pooled.join().unwrap(), Some(ends), "pool");
            let task =
                sward::TaskGroup::<()>::run(|g| g.spawn(|| Ok(sward::deadline())).join().unwrap().unwrap());
            assert_eq!(task.unwrap(), Some(ends), "task group");
            assert_eq!(spawn(sward::deadline).join().unwrap(), None, "a plain spawn lives on its own");
        })
        .unwrap();
        assert_eq!(scope(|s| s.spawn(sward::deadline).join().unwrap()), None);
    });
}

#[test]
fn the_next_one_on_a_reused_stack_inherits_nothing_of_the_last() {
    in_virtual_time(|| {
        for _ in 0..200 {
            timeout(SECOND, || scope(|s| s.spawn(|| assert!(sward::deadline().is_some())).join().unwrap()))
                .unwrap();
            assert_eq!(spawn(sward::deadline).join().unwrap(), None);
            let parks = timeout(SECOND, || {
                scope(|s| {
                    let parks = s.spawn(yield_now);
                    parks.join().unwrap();
                    sward::deadline().is_some()
                })
            });
            assert_eq!(parks, Ok(true));
            assert_eq!(spawn(sward::deadline).join().unwrap(), None);
        }
    });
}

#[test]
fn a_child_is_ended_by_the_deadline_it_inherited() {
    in_virtual_time(|| {
        let woke = Mutex::new(Vec::new());
        let start = Instant::now();
        let result = timeout(SECOND, || {
            scope(|s| {
                s.spawn(|| {
                    let _note = OnDrop(|| woke.lock().unwrap().push(start.elapsed()));
                    let _ = timeout(HOUR, || sleep(HOUR));
                    unreachable!("what it inherited comes first, and is not its own");
                });
                s.spawn(|| {
                    assert!(timeout(SECOND / 2, || sleep(HOUR)).is_err());
                    woke.lock().unwrap().push(start.elapsed());
                });
            })
        });
        assert!(result.is_err());
        assert_eq!(*woke.lock().unwrap(), [SECOND / 2, SECOND]);
    });
}

#[test]
fn a_shield_protects_the_children_of_a_scope_inside_it() {
    in_virtual_time(|| {
        let finished = Cell::new(false);
        let (spent, result) = timed(|| {
            timeout(SECOND, || {
                shield(|| {
                    let child = scope(|s| s.spawn(|| sleep(2 * SECOND)).join());
                    finished.set(child.is_ok());
                })
            })
        });
        assert!(finished.get(), "the deadline is held back from what is inside the shield");
        assert_eq!((spent, result.is_err()), (2 * SECOND, true));
    });
}
