//! Around every kind of wait, and around what does not wait.

use std::{
    cell::Cell,
    io::{Read, Write},
    sync::mpsc,
    time::Duration,
};

use crate::support::{Drops, HOUR, MS, SECOND, in_run, in_virtual_time, timed};
use sward::{
    ReturnWhen,
    net::{TcpListener, TcpStream, UdpSocket},
    scope, shield, sleep, spawn, thread,
    time::Instant,
    timeout, yield_now,
};

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
    // By the real clock, because a virtual one stands still while somebody is ready.
    in_run(|| {
        let result = timeout(MS, || -> () {
            loop {
                yield_now();
            }
        });
        assert!(result.is_err());
    });
}

#[test]
fn a_busy_connection_does_not_outrun_its_timeout() {
    // Every call succeeds at once: only the yields of the budget are there to look at the time.
    in_run(|| {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = udp.local_addr().unwrap();
        let result = timeout(MS, || -> () {
            let mut buf = [0; 1];
            loop {
                udp.send_to(&[1], addr).unwrap();
                udp.recv(&mut buf).unwrap();
            }
        });
        assert!(result.is_err());
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
