//! Timeouts: nesting, edges, races with completion, every kind of wait, inheritance.

mod support;

use std::{
    cell::Cell,
    io::{Read, Write},
    panic,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use support::{Child, Drops, OnDrop, in_run, in_virtual_time, until_parked, watched, within};
use sward::{
    Elapsed, ReturnWhen, Status,
    net::{TcpListener, TcpStream, UdpSocket},
    scope, shield, sleep, spawn, thread,
    time::Instant,
    timeout, timeout_at, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

/// How long it takes, and what comes out.
fn timed<T>(f: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let value = f();
    (start.elapsed(), value)
}

#[test]
fn a_slow_call_is_ended_at_the_deadline_and_a_quick_one_gives_its_value() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let (spent, slow) = timed(|| {
            timeout(SECOND, || {
                let _guard = drops.guard();
                sleep(HOUR);
            })
        });
        assert_eq!((spent, slow.is_err(), drops.count()), (SECOND, true, 1));
        let (spent, quick) = timed(|| {
            timeout(HOUR, || {
                sleep(SECOND);
                42
            })
        });
        assert_eq!((spent, quick), (SECOND, Ok(42)));
        // Nothing of either is left behind.
        assert_eq!(timed(|| sleep(2 * HOUR)).0, 2 * HOUR);
        assert_eq!(sward::deadline(), None);
        let error: Box<dyn std::error::Error> = Box::new(slow.unwrap_err());
        assert_eq!(error.to_string(), "the time was up");
    });
}

#[test]
fn a_loop_of_waits_is_ended_by_the_sum() {
    in_virtual_time(|| {
        let rounds = Cell::new(0);
        let result = timeout(Duration::from_millis(3500), || -> () {
            loop {
                sleep(SECOND);
                rounds.set(rounds.get() + 1);
            }
        });
        assert_eq!((result.is_err(), rounds.get()), (true, 3));
    });
}

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

#[test]
fn zero_runs_up_to_the_first_wait() {
    in_virtual_time(|| {
        assert_eq!(timeout(Duration::ZERO, || 42), Ok(42));
        let reached = Cell::new(0);
        let result = timeout(Duration::ZERO, || {
            reached.set(1);
            thread::park();
            reached.set(2);
        });
        assert_eq!((result.is_err(), reached.get()), (true, 1));
        // What need not wait is no wait.
        let ended = spawn(|| 42);
        yield_now();
        assert_eq!(timeout(Duration::ZERO, || ended.join().unwrap()), Ok(42));
        assert!(timeout_at(Instant::now(), thread::park).is_err());
        sleep(SECOND);
        assert!(timeout_at(Instant::now() - SECOND, thread::park).is_err(), "a moment that was");
    });
}

#[test]
fn a_token_that_is_there_is_taken_also_by_a_park_with_no_time_left() {
    in_virtual_time(|| {
        thread::current().unpark();
        assert_eq!(timeout(Duration::ZERO, thread::park), Ok(()));
        assert!(timeout(Duration::ZERO, thread::park).is_err(), "it was taken");
    });
}

#[test]
fn a_token_that_is_there_is_taken_by_a_park_with_no_time_left_on_an_os_thread_too() {
    watched(|| {
        thread::current().unpark();
        assert_eq!(timeout(Duration::ZERO, thread::park), Ok(()));
        assert!(timeout(Duration::ZERO, thread::park).is_err(), "it was taken");
    });
}

#[test]
fn a_huge_one_never_comes() {
    in_virtual_time(|| {
        for limit in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(1 << 33)] {
            let value = timeout(limit, || {
                sleep(Duration::from_secs(365 * 24 * 3600));
                42
            });
            assert_eq!(value, Ok(42), "{limit:?}");
            // An earlier one inside and outside still comes.
            assert!(timeout(limit, || timeout(SECOND, || sleep(HOUR))).unwrap().is_err());
            assert!(timeout(SECOND, || timeout(limit, || sleep(HOUR))).is_err());
        }
    });
}

#[test]
fn a_sleep_that_ends_at_the_deadlines_moment_gives_either_but_always_the_same() {
    in_virtual_time(|| {
        let results: Vec<_> = (0..10).map(|_| timeout(SECOND, || sleep(SECOND))).collect();
        assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
        // One nanosecond makes it sure.
        assert!(timeout(SECOND + Duration::from_nanos(1), || sleep(SECOND)).is_ok());
        assert!(timeout(SECOND, || sleep(SECOND + Duration::from_nanos(1))).is_err());
    });
}

#[test]
fn a_closure_that_ends_after_its_deadline_without_a_wait_gives_its_value() {
    watched(|| {
        let value = timeout(Duration::from_nanos(1), || {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(2) {}
            42
        });
        assert_eq!(value, Ok(42));
    });
}

#[test]
fn what_ends_at_the_moment_of_the_expiry_before_the_waiter_runs_gives_the_value() {
    in_virtual_time(|| {
        // Its timer comes before the waiter's: it ends first, and the waiter finds a result and an expiry at once.
        let child = spawn(|| {
            sleep(SECOND);
            42
        });
        until_parked(&child);
        assert_eq!(timeout(SECOND, || child.join().unwrap()), Ok(42));
    });
}

#[test]
fn what_ends_at_the_moment_of_the_expiry_is_among_the_completed() {
    in_virtual_time(|| {
        let child = spawn(|| sleep(SECOND));
        until_parked(&child);
        assert_eq!(timeout(SECOND, || sward::as_completed([child]).count()), Ok(1), "as_completed");
        let child = spawn(|| sleep(SECOND));
        until_parked(&child);
        let (done, _) = sward::wait(vec![child], ReturnWhen::All, Some(SECOND));
        assert_eq!(done.len(), 1, "wait with a limit of its own");
        let child = spawn(|| sleep(SECOND));
        until_parked(&child);
        assert!(child.join_timeout(SECOND).is_ok(), "join_timeout");
    });
}

#[test]
fn a_wake_up_before_the_expiry_gives_the_value_and_no_timer_is_left() {
    in_virtual_time(|| {
        for _ in 0..100 {
            let me = thread::current();
            let waker = spawn(move || {
                sleep(SECOND - Duration::from_nanos(1));
                me.unpark();
            });
            assert_eq!(timeout(SECOND, thread::park), Ok(()));
            waker.join().unwrap();
            assert_eq!(timed(|| sleep(HOUR)).0, HOUR);
        }
    });
}

#[test]
fn it_works_around_every_kind_of_wait() {
    in_virtual_time(|| {
        type Wait = fn();
        let waits: [(&str, Wait); 16] = [
            ("park", thread::park),
            ("park_timeout", || thread::park_timeout(HOUR)),
            ("sleep", || sleep(HOUR)),
            ("sleep for ever", || sleep(Duration::MAX)),
            ("sleep_until", || sward::sleep_until(Instant::now() + HOUR)),
            ("join", || spawn(|| sleep(HOUR)).join().unwrap()),
            ("join_timeout", || drop(spawn(|| sleep(HOUR)).join_timeout(HOUR))),
            ("local join", || sward::spawn_local(|| sleep(HOUR)).join().unwrap()),
            ("join_all", || drop(sward::join_all((0..3).map(|_| spawn(|| sleep(HOUR)))))),
            ("scope", || scope(|s| drop(s.spawn(|| sleep(HOUR))))),
            ("scoped join", || scope(|s| s.spawn(|| sleep(HOUR)).join().unwrap())),
            ("wait", || drop(sward::wait(vec![spawn(|| sleep(HOUR))], ReturnWhen::All, Some(HOUR)))),
            ("as_completed", || sward::as_completed([spawn(|| sleep(HOUR))]).for_each(drop)),
            ("try_join_all", || {
                drop(sward::try_join_all([spawn(|| {
                    sleep(HOUR);
                    Ok::<_, ()>(())
                })]))
            }),
            ("race", || sward::race([|| sleep(HOUR), || sleep(HOUR)])),
            ("group", || {
                let group = sward::Group::new();
                drop(group.spawn(|| sleep(HOUR)));
                group.join();
            }),
        ];
        for (name, wait) in waits {
            let (spent, result) = timed(|| timeout(SECOND, wait));
            assert_eq!((spent, result.is_err()), (SECOND, true), "{name}");
        }
    });
}

#[test]
fn it_works_around_io() {
    in_run(|| {
        const SOON: Duration = Duration::from_millis(1);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(timeout(SOON, || listener.accept()).is_err());
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = timeout(HOUR, || listener.accept()).unwrap().unwrap();
        let mut buf = [0; 16];
        assert!(timeout(SOON, || client.read(&mut buf)).is_err());
        server.write_all(b"late").unwrap();
        // The stream is as good as before, and nothing was lost.
        assert_eq!(timeout(HOUR, || client.read(&mut buf)).unwrap().unwrap(), 4);
        let full = timeout(Duration::from_millis(50), || -> std::io::Result<()> {
            loop {
                client.write_all(&[0; 1 << 16])?;
            }
        });
        assert!(full.is_err(), "nobody reads");
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(timeout(SOON, || udp.recv(&mut buf)).is_err());
    });
}

#[test]
fn it_ends_a_loop_that_only_yields() {
    // Bounded by a real second, because a virtual clock stands still while somebody is ready.
    in_run(|| {
        let start = std::time::Instant::now();
        let result = timeout(Duration::from_millis(1), || {
            while start.elapsed() < SECOND {
                yield_now();
            }
        });
        assert!(result.is_err(), "a second of yields inside a timeout of a millisecond");
    });
}

#[test]
fn a_busy_connection_does_not_outrun_its_timeout() {
    // Every call succeeds at once: only the yields of the budget are there to look at the time.
    in_run(|| {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = udp.local_addr().unwrap();
        let start = std::time::Instant::now();
        let result = timeout(Duration::from_millis(1), || {
            let mut buf = [0; 1];
            while start.elapsed() < SECOND {
                udp.send_to(&[1], addr).unwrap();
                udp.recv(&mut buf).unwrap();
            }
        });
        assert!(result.is_err(), "a second of reads inside a timeout of a millisecond");
    });
}

#[test]
fn a_blocking_call_holds_it_back_and_the_next_wait_delivers_it() {
    in_run(|| {
        let (sender, receiver) = mpsc::channel::<()>();
        let result = timeout(Duration::from_millis(1), || {
            let ended = sward::blocking(move || receiver.recv_timeout(Duration::from_millis(5)).is_err());
            (ended, timeout(HOUR, || 42))
        });
        // It ended late, but it ended, and no wait followed.
        assert_eq!(result, Ok((true, Ok(42))));
        drop(sender);
        let result = timeout(Duration::from_millis(1), || {
            sward::blocking(|| std::thread::park_timeout(Duration::from_millis(5)));
            thread::park();
        });
        assert!(result.is_err());
    });
}

#[test]
fn a_scope_inside_ends_its_children_before_the_timeout_returns() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let (spent, result) = timed(|| {
            timeout(SECOND, || {
                scope(|s| {
                    for _ in 0..100 {
                        s.spawn(|| {
                            let _guard = drops.guard();
                            sleep(HOUR);
                        });
                    }
                })
            })
        });
        assert_eq!((spent, result.is_err(), drops.count()), (SECOND, true, 100));
    });
}

#[test]
fn a_scope_waits_for_a_child_that_takes_its_time_to_unwind() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let mut borrowed = 0;
        let (spent, result) = timed(|| {
            timeout(SECOND, || {
                scope(|s| {
                    s.spawn(|| {
                        let _guard = drops.guard();
                        shield(|| sleep(Duration::from_secs(10)));
                    });
                    s.spawn(|| borrowed += 1);
                })
            })
        });
        assert_eq!((spent, result.is_err(), drops.count()), (Duration::from_secs(10), true, 1));
        assert_eq!(borrowed, 1);
    });
}

#[test]
fn on_an_os_thread_it_works_alike() {
    watched(|| {
        const SOON: Duration = Duration::from_millis(2);
        assert_eq!(timeout(HOUR, || 42), Ok(42));
        let waits: [(&str, fn()); 7] = [
            ("sleep", || sleep(HOUR)),
            ("park", thread::park),
            ("join", || spawn(thread::park).join().unwrap()),
            ("scope", || scope(|s| drop(s.spawn(thread::park)))),
            ("wait", || drop(sward::wait(vec![spawn(thread::park)], ReturnWhen::All, None))),
            ("nested", || {
                let _ = timeout(HOUR, || sleep(HOUR));
            }),
            ("accept", || drop(TcpListener::bind("127.0.0.1:0").unwrap().accept())),
        ];
        for (name, wait) in waits {
            let drops = Drops::new();
            let result = timeout(SOON, || {
                let _guard = drops.guard();
                wait();
            });
            assert_eq!((result.is_err(), drops.count()), (true, 1), "{name}");
        }
        assert!(timeout(HOUR, || timeout(SOON, || sleep(HOUR))).unwrap().is_err());
        assert!(timeout(SOON, || shield(|| sleep(2 * SOON))).is_err(), "delivered after the shield");
        assert_eq!(sward::deadline(), None);
        sleep(SOON);
    });
}

#[test]
fn a_join_in_a_drop_waits_for_its_end_on_an_os_thread_whose_timeout_has_come() {
    // In a child process: a join that gives up takes a result that is not there.
    let name = "a_join_in_a_drop_waits_for_its_end_on_an_os_thread_whose_timeout_has_come";
    let ended = Child::of(name).run(|| {
        let (sender, receiver) = mpsc::channel();
        let result = timeout(Duration::from_millis(5), || {
            let worker = spawn(|| {
                sleep(Duration::from_millis(100));
                42
            });
            let mut worker = Some(worker);
            let _waits = OnDrop(move || sender.send(worker.take().unwrap().join().unwrap()).unwrap());
            sleep(HOUR);
        });
        assert!(result.is_err());
        assert_eq!(receiver.recv().unwrap(), 42);
    });
    ended.is_well();
}

#[test]
fn a_sleep_in_a_drop_lasts_its_time_on_an_os_thread_whose_timeout_has_come() {
    watched(|| {
        let spent = Arc::new(Mutex::new(Duration::ZERO));
        let theirs = Arc::clone(&spent);
        let result = timeout(Duration::from_millis(1), || {
            let _slow = OnDrop(|| {
                let start = std::time::Instant::now();
                sleep(Duration::from_millis(20));
                *theirs.lock().unwrap() = start.elapsed();
            });
            sleep(HOUR);
        });
        assert!(result.is_err());
        let spent = *spent.lock().unwrap();
        assert!(spent >= Duration::from_millis(20), "it lasted {spent:?}");
    });
}

#[test]
fn a_scope_in_a_drop_waits_for_its_children_on_an_os_thread_whose_timeout_has_come() {
    watched(|| {
        let count = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&count);
        let result = timeout(Duration::from_millis(1), || {
            let _waits = OnDrop(|| {
                scope(|s| {
                    s.spawn(|| *theirs.lock().unwrap() += 1);
                })
            });
            sleep(HOUR);
        });
        assert!(result.is_err());
        assert_eq!(*count.lock().unwrap(), 1);
    });
}

#[test]
fn a_cancel_comes_through_it() {
    in_virtual_time(|| {
        let handle = spawn(|| {
            let _ = timeout(HOUR, || timeout(2 * HOUR, thread::park));
            unreachable!("a cancel is not a timeout");
        });
        until_parked(&handle);
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_cancel_at_the_moment_of_the_expiry_wins() {
    in_virtual_time(|| {
        let went_on = Arc::new(Mutex::new(false));
        let theirs = Arc::clone(&went_on);
        let handle = spawn(move || {
            let _ = timeout(SECOND, thread::park);
            *theirs.lock().unwrap() = true;
            thread::park();
        });
        until_parked(&handle);
        let canceller = handle.canceller();
        let killer = spawn(move || {
            sleep(SECOND);
            canceller.cancel();
        });
        killer.join().unwrap();
        assert!(handle.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_panic_comes_through_it_and_leaves_nothing_behind() {
    in_virtual_time(|| {
        let caught = panic::catch_unwind(|| timeout(SECOND, || panic::resume_unwind(Box::new(7))));
        assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
        assert_eq!((sward::deadline(), timed(|| sleep(HOUR)).0), (None, HOUR));
    });
}

#[test]
fn who_swallows_it_meets_it_again_at_the_next_wait() {
    in_virtual_time(|| {
        let swallowed = Cell::new(0);
        let (spent, result) = timed(|| {
            timeout(SECOND, || {
                for _ in 0..3 {
                    let caught = panic::catch_unwind(|| sleep(HOUR));
                    swallowed.set(swallowed.get() + u32::from(caught.is_err()));
                }
                "went on"
            })
        });
        assert_eq!((spent, result, swallowed.get()), (SECOND, Ok("went on"), 3));
    });
}

#[test]
fn one_that_is_not_its_threads_last_word_gives_a_done_thread() {
    in_virtual_time(|| {
        let handle = spawn(|| timeout(SECOND, || sleep(HOUR)));
        let outcome: Result<(), Elapsed> = handle.join().unwrap();
        assert!(outcome.is_err());
        let handle = spawn(|| {
            let _ = timeout(SECOND, || sleep(HOUR));
        });
        sleep(2 * SECOND);
        assert_eq!(handle.status(), Status::Done);
    });
}

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

#[test]
fn expiries_race_with_wakers_of_other_threads_and_nothing_is_lost() {
    within(Duration::from_secs(30), || {
        let runtime = support::runtime(2);
        runtime.run(|| {
            for round in 0..2000_u64 {
                let child = spawn(move || {
                    (0..round % 50).for_each(|_| std::hint::spin_loop());
                    yield_now();
                    round
                });
                match timeout(Duration::from_nanos(round * 37 % 20_000), || child.join().unwrap()) {
                    Ok(value) => assert_eq!(value, round),
                    Err(_elapsed) => {}
                }
            }
        });
    });
}

#[test]
fn a_hundred_thousand_waiters_time_out_together() {
    in_virtual_time(|| {
        let handles: Vec<_> =
            (0..100_000).map(|_| spawn(|| timeout(SECOND, thread::park).is_err())).collect();
        let (spent, ends) = timed(|| sward::join_all(handles));
        assert_eq!(spent, SECOND);
        assert!(ends.into_iter().all(|end| end.unwrap()));
    });
}
