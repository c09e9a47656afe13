//! `select!` and `Select`, between green threads and plain OS threads.

mod support;

use std::{thread as os, time::Duration};

use support::{Drops, SECOND, in_run, in_virtual_time, message_of_panic, runtime, until_parked, watched};
use sward::{
    channel::{
        ReadyTimeoutError, RecvError, Select, SelectTimeoutError, SendError, TryReadyError, TryRecvError,
        TrySelectError, after, bounded, never, select, select_biased, tick, unbounded,
    },
    spawn,
    time::Instant,
};

#[test]
fn what_can_be_done_now_is_done() {
    let (sender, receiver) = unbounded();
    let (_other, empty) = unbounded::<i32>();
    sender.send(1).unwrap();
    let got = select! {
        recv(receiver) -> message => message,
        recv(empty) -> message => message,
    };
    assert_eq!(got, Ok(1));
    select! {
        recv(&empty) -> _ => unreachable!(),
        send(sender, 2) -> sent => sent.unwrap()
    }
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
fn default_is_for_when_none_can_be() {
    in_virtual_time(|| {
        let (sender, receiver) = bounded::<i32>(0);
        let start = Instant::now();
        let chosen = select! {
            recv(receiver) -> _ => 1,
            send(sender, 1) -> _ => 2,
            default => 3,
        };
        assert_eq!((chosen, start.elapsed()), (3, Duration::ZERO), "it does not meet itself");
        let chosen = select! {
            recv(receiver) -> _ => 1,
            send(sender, 1) -> _ => { 2 }
            default(SECOND) => { 3 }
        };
        assert_eq!((chosen, start.elapsed()), (3, SECOND), "nor when it waits");
        assert_eq!(select! { default => 4 }, 4);
        assert_eq!(select! { default(SECOND) => 5 }, 5);
        assert_eq!(start.elapsed(), 2 * SECOND);
    });
}

#[test]
fn the_message_of_a_send_is_made_when_it_is_selected() {
    in_run(|| {
        let (sender, _receiver) = bounded(1);
        let message = String::from("only one");
        let left = select! {
            send(sender, message) -> sent => { sent.unwrap(); None }
            default => Some(message),
        };
        assert_eq!(left, None);
        let message = String::from("no room");
        let left = select! {
            send(sender, message) -> sent => { sent.unwrap(); None }
            default => Some(message),
        };
        assert_eq!(left.as_deref(), Some("no room"));
    });
}

#[test]
fn a_body_may_do_what_it_likes_with_the_channel_and_with_control_flow() {
    fn first() -> Result<i32, RecvError> {
        let (sender, receiver) = unbounded();
        let mut count = 0;
        loop {
            select! {
                send(sender, count) -> _ => count += 1,
                recv(receiver) -> message => if message? == 3 { break },
            }
        }
        select! {
            recv(receiver) -> _ => {}
            send(sender, 0) -> _ => drop(sender),
        }
        let receiver = receiver;
        select! { recv(receiver) -> _ => drop(receiver), default => {} }
        Ok(count)
    }
    assert!(first().unwrap() >= 4);
}

#[test]
fn a_closed_channel_can_be_selected() {
    let (sender, receiver) = unbounded::<i32>();
    let (other, closed) = bounded::<i32>(0);
    drop((sender, closed));
    assert_eq!(select! { recv(receiver) -> message => message }, Err(RecvError));
    assert_eq!(select! { send(other, 7) -> sent => sent }, Err(SendError(7)));
}

#[test]
fn closing_wakes_a_select() {
    in_run(|| {
        let (sender, receiver) = unbounded::<i32>();
        let (full, drain) = bounded::<i32>(0);
        let selecting = spawn(move || {
            let first = select! {
                recv(receiver) -> message => message.is_err(),
                send(full, 1) -> _ => false,
            };
            first && select! { send(full, 1) -> sent => sent.is_err() }
        });
        until_parked(&selecting);
        drop(sender);
        sward::yield_now();
        until_parked(&selecting);
        drop(drain);
        assert!(selecting.join().unwrap());
    });
}

#[test]
fn biased_takes_the_first_and_unbiased_starves_none() {
    in_run(|| {
        let (sender, receiver) = unbounded();
        let (other, another) = unbounded();
        let mut count = [0; 2];
        for _ in 0..1000 {
            sender.send(()).unwrap();
            other.send(()).unwrap();
            select_biased! {
                recv(receiver) -> _ => {}
                recv(another) -> _ => panic!("the second"),
            }
            other.try_send(()).unwrap();
            sender.send(()).unwrap();
            select! {
                recv(receiver) -> _ => count[0] += 1,
                recv(another) -> _ => count[1] += 1,
            }
        }
        assert!(count.iter().all(|&count| count > 350), "{count:?}");
    });
}

#[test]
fn a_select_that_waits_is_served_once() {
    in_run(|| {
        let (a, from_a) = unbounded();
        let (b, from_b) = unbounded();
        let selecting = spawn(move || {
            let first = select! { recv(from_a) -> m => m.unwrap(), recv(from_b) -> m => m.unwrap() };
            (first, from_a.try_recv(), from_b.try_recv())
        });
        until_parked(&selecting);
        b.send(2).unwrap();
        a.send(1).unwrap();
        assert_eq!(selecting.join().unwrap(), (2, Ok(1), Err(TryRecvError::Empty)));
    });
}

#[test]
fn selects_stand_in_line_with_the_others() {
    in_run(|| {
        let (sender, receiver) = bounded(1);
        sender.send(0).unwrap();
        let (first, second) = (sender.clone(), sender.clone());
        let selecting = spawn(move || select! { send(first, 1) -> sent => sent.unwrap() });
        until_parked(&selecting);
        let sending = spawn(move || second.send(2).unwrap());
        until_parked(&sending);
        assert!(receiver.iter().take(3).eq(0..3));
        sward::join_all([selecting, sending]);
    });
}

#[test]
fn two_selects_meet() {
    watched(|| {
        let runtime = runtime(2);
        let (sender, receiver) = bounded(0);
        let (back, echo) = bounded(0);
        let never = never::<()>();
        let there = runtime.spawn(move || {
            for i in 0..2000 {
                select! {
                    recv(receiver) -> m => assert_eq!(m, Ok(i)),
                    recv(never) -> _ => unreachable!(),
                }
                select! { send(back, i) -> sent => sent.unwrap() }
            }
        });
        for i in 0..2000 {
            select! { send(sender, i) -> sent => sent.unwrap() }
            select! { recv(echo) -> m => assert_eq!(m, Ok(i)) }
        }
        there.join().unwrap();
    });
}

#[test]
fn selects_that_send_and_receive_on_the_same_channels_find_each_other() {
    watched(|| {
        let runtime = runtime(2);
        let (sender, receiver) = bounded(0);
        let peers: Vec<_> = (0..4)
            .map(|i| {
                let (sender, receiver) = (sender.clone(), receiver.clone());
                let peer = move || {
                    let (mut sent, mut received) = (0, 0);
                    for _ in 0..500 {
                        select! {
                            send(sender, i) -> result => { result.unwrap(); sent += 1 }
                            recv(receiver) -> from => { assert_ne!(from, Ok(i)); received += 1 }
                            default(SECOND / 10) => break,
                        }
                    }
                    (sent, received)
                };
                runtime.spawn(peer)
            })
            .collect();
        let sums = peers.into_iter().map(|peer| peer.join().unwrap());
        let (sent, received) = sums.fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        assert_eq!(sent, received);
        assert!(sent > 0);
    });
}

#[test]
fn a_receive_waits_for_the_message_that_a_select_makes() {
    in_run(|| {
        let (sender, receiver) = bounded(0);
        let make = || {
            sward::yield_now();
            sward::yield_now();
            1
        };
        let selecting =
            spawn(move || (0..2).for_each(|_| select! { send(sender, make()) -> s => s.unwrap() }));
        until_parked(&selecting);
        assert_eq!(receiver.recv(), Ok(1));
        until_parked(&selecting);
        assert_eq!(receiver.try_recv(), Ok(1));
    });
}

#[test]
fn a_message_that_cannot_be_made_lets_the_receiver_wait_for_the_next() {
    in_run(|| {
        for capacity in [0, 1] {
            let (sender, receiver) = bounded(capacity);
            let receiving = spawn(move || receiver.recv());
            until_parked(&receiving);
            let first = sender.clone();
            let failing = spawn(move || {
                std::panic::set_hook(Box::new(|_| ()));
                let make = || if first.capacity().is_some() { panic!("no message") } else { 0 };
                select! { send(first, make()) -> sent => sent.unwrap() }
            });
            assert!(failing.join().is_err());
            drop(std::panic::take_hook());
            assert!(!receiving.is_finished());
            sender.send(5).unwrap();
            assert_eq!(receiving.join().unwrap(), Ok(5), "capacity {capacity}");
            assert!(capacity == 0 || sender.is_empty());
        }
    });
}

#[test]
fn a_receiver_that_leaves_before_the_message_is_made_costs_no_message() {
    in_virtual_time(|| {
        let (sender, receiver) = bounded(0);
        let mine = receiver.clone();
        let receiving = spawn(move || mine.recv_timeout(SECOND));
        until_parked(&receiving);
        let make = || {
            sward::sleep(2 * SECOND);
            1
        };
        select! { send(sender, make()) -> sent => sent.unwrap() }
        assert!(receiving.join().unwrap().is_err());
        assert_eq!(receiver.recv(), Ok(1));
    });
}

#[test]
fn clocks_end_a_select_in_time() {
    in_virtual_time(|| {
        let start = Instant::now();
        let (_sender, receiver) = unbounded::<()>();
        let timeout = after(3 * SECOND);
        let ticks = tick(SECOND);
        let mut count = 0;
        loop {
            select_biased! {
                recv(timeout) -> at => { assert_eq!(at, Ok(start + 3 * SECOND)); break }
                recv(ticks) -> _ => count += 1,
                recv(receiver) -> _ => unreachable!(),
            }
        }
        assert_eq!((count, start.elapsed()), (2, 3 * SECOND));
        select! { recv(after(SECOND)) -> _ => {}, default(2 * SECOND) => unreachable!() }
        assert_eq!(start.elapsed(), 4 * SECOND);
    });
}

#[test]
fn a_cancelled_select_leaves_all_lines() {
    in_run(|| {
        let (a, from_a) = bounded::<i32>(0);
        let (b, from_b) = bounded::<i32>(0);
        let mine = b.clone();
        let selecting = spawn(move || select! { recv(from_a) -> _ => {}, send(mine, 1) -> _ => {} });
        until_parked(&selecting);
        selecting.cancel();
        assert!(selecting.join().unwrap_err().is_cancelled());
        assert!(a.try_send(1).unwrap_err().is_disconnected());
        assert_eq!(from_b.try_recv(), Err(TryRecvError::Empty));
        drop(b);
    });
}

#[test]
fn a_dynamic_select_does_as_crossbeams() {
    in_virtual_time(|| {
        let (sender, receiver) = bounded(1);
        let (other, another) = bounded::<i32>(0);
        let mut select = Select::new_biased();
        assert_eq!(select.try_select().unwrap_err(), TrySelectError);
        let receiving = select.recv(&receiver);
        let sending = select.send(&other);
        assert_eq!((receiving, sending), (0, 1));
        assert_eq!(select.try_select().unwrap_err(), TrySelectError);
        assert_eq!(select.select_timeout(SECOND).unwrap_err(), SelectTimeoutError);
        assert_eq!(select.try_ready(), Err(TryReadyError));
        assert_eq!(select.ready_timeout(SECOND), Err(ReadyTimeoutError));
        sender.send(5).unwrap();
        assert_eq!(select.ready(), receiving);
        let operation = select.select();
        assert_eq!((operation.index(), operation.recv(&receiver)), (receiving, Ok(5)));
        let waiting = spawn(move || another.recv());
        until_parked(&waiting);
        assert_eq!(select.ready_deadline(Instant::now() + SECOND), Ok(sending));
        let operation = select.clone().select_deadline(Instant::now() + SECOND).unwrap();
        assert_eq!(operation.index(), sending);
        operation.send(&other, 6).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(6));
        select.remove(sending);
        assert_eq!(select.select_timeout(SECOND).unwrap_err(), SelectTimeoutError);
        assert_eq!(message_of_panic(|| select.remove(sending)), "no operation with this index");
        assert_eq!(message_of_panic(|| select.remove(9)), "index out of bounds; 9 >= 2");
        assert_eq!(message_of_panic(|| Select::new().select()), "no operations have been added to `Select`");
    });
}

#[test]
fn a_selected_operation_must_be_completed() {
    let drops = Drops::new();
    let (sender, receiver) = bounded(1);
    sender.send(drops.guard()).unwrap();
    let mut select = Select::new();
    select.recv(&receiver);
    let other = receiver.clone();
    let message = message_of_panic(|| drop(select.select()));
    assert_eq!(message, "dropped `SelectedOperation` without completing the operation");
    assert_eq!((receiver.len(), drops.count()), (1, 0), "it is put back");
    let message = message_of_panic(|| drop(select.select().recv(&other)));
    assert_eq!(message, "passed a receiver that wasn't selected");
    assert_eq!((receiver.len(), drops.count()), (1, 0));
}

#[test]
fn ready_wakes_when_there_is_something() {
    watched(|| {
        for capacity in [0, 1] {
            let (sender, receiver) = bounded(capacity);
            let ready = os::spawn(move || {
                let mut select = Select::new();
                select.recv(&receiver);
                (0..100).for_each(|i| {
                    while receiver.try_recv().map(|m| assert_eq!(m, i)).is_err() {
                        select.ready();
                    }
                });
            });
            (0..100).for_each(|i| sender.send(i).unwrap());
            ready.join().unwrap();
        }
    });
}

/// Two rendezvous with senders and receivers of all kinds at once, on OS threads, which are put off at any point: a select that goes elsewhere at the last moment must not
/// leave its receiver to a sender that is none.
#[test]
fn selects_and_plain_ends_meet_at_two_rendezvous() {
    const ROUNDS: usize = 20_000;
    watched(|| {
        let channels = [bounded::<usize>(0), bounded(0)];
        let mut handles = Vec::new();
        for (sender, receiver) in channels.clone() {
            handles.push(os::spawn(move || (0..ROUNDS).for_each(|i| sender.send(i).unwrap())));
            handles.push(os::spawn(move || (0..ROUNDS).for_each(|_| _ = receiver.recv().unwrap())));
        }
        let [(s0, r0), (s1, r1)] = channels;
        handles.push(os::spawn(move || {
            let mut left = [ROUNDS; 2];
            while left != [0, 0] {
                let (never, _receiver) = bounded(0);
                let (a, b) = (if left[0] > 0 { &s0 } else { &never }, if left[1] > 0 { &s1 } else { &never });
                select! {
                    send(a, 1) -> sent => { sent.unwrap(); left[0] -= 1; }
                    send(b, 1) -> sent => { sent.unwrap(); left[1] -= 1; }
                }
            }
        }));
        handles.push(os::spawn(move || {
            let mut left = [ROUNDS; 2];
            while left != [0, 0] {
                let never = sward::channel::never();
                let (a, b) = (if left[0] > 0 { &r0 } else { &never }, if left[1] > 0 { &r1 } else { &never });
                select! {
                    recv(a) -> got => { got.unwrap(); left[0] -= 1; }
                    recv(b) -> got => { got.unwrap(); left[1] -= 1; }
                }
            }
        }));
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
}
