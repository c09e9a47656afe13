//! Channels: what each kind does, from green threads and plain OS threads.

mod support;

use std::{thread as os, time::Duration};

use support::{Drops, SECOND, in_run, in_virtual_time, runtime, until_parked, watched};
use sward::{
    channel::{
        RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, after, at,
        bounded, never, tick, unbounded,
    },
    spawn,
    time::Instant,
    yield_now,
};

#[test]
fn messages_come_in_the_order_in_which_they_were_sent() {
    in_run(|| {
        for capacity in [Some(0), Some(1), Some(3), None] {
            let (sender, receiver) = capacity.map_or_else(unbounded, bounded);
            let sending = spawn(move || (0..100).for_each(|i| sender.send(i).unwrap()));
            assert!(receiver.iter().eq(0..100), "{capacity:?}");
            sending.join().unwrap();
        }
    });
}

#[test]
fn a_bounded_channel_takes_no_more_than_it_has_room_for() {
    let (sender, receiver) = bounded(2);
    assert_eq!(
        (sender.len(), sender.is_empty(), sender.is_full(), sender.capacity()),
        (0, true, false, Some(2))
    );
    sender.send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!((receiver.len(), receiver.is_empty(), receiver.is_full()), (2, false, true));
    assert_eq!(receiver.capacity(), Some(2));
    assert_eq!(receiver.try_recv(), Ok(1));
    sender.try_send(3).unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn an_unbounded_channel_is_never_full() {
    let (sender, receiver) = unbounded();
    (0..10_000).for_each(|i| sender.try_send(i).unwrap());
    assert_eq!((sender.capacity(), sender.is_full(), sender.len()), (None, false, 10_000));
    assert!(receiver.try_iter().eq(0..10_000));
}

#[test]
fn a_rendezvous_needs_both() {
    in_run(|| {
        let (sender, receiver) = bounded(0);
        assert_eq!((sender.capacity(), sender.is_full(), sender.is_empty()), (Some(0), true, true));
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let receiving = spawn(move || (receiver.recv(), receiver));
        until_parked(&receiving);
        assert_eq!(sender.try_send(2), Ok(()), "somebody waits");
        let (received, receiver) = receiving.join().unwrap();
        assert_eq!(received, Ok(2));
        let sending = spawn(move || sender.send(3));
        until_parked(&sending);
        assert_eq!(receiver.try_recv(), Ok(3), "somebody waits");
        assert_eq!(sending.join().unwrap(), Ok(()));
    });
}

#[test]
fn what_is_buffered_is_received_after_the_senders_are_gone() {
    let (sender, receiver) = bounded(2);
    sender.send(1).unwrap();
    drop(sender.clone());
    sender.send(2).unwrap();
    drop(sender);
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.recv_timeout(SECOND), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_send_to_nobody_gives_the_message_back() {
    let (sender, receiver) = unbounded();
    drop(receiver);
    assert_eq!(sender.send(1), Err(SendError(1)));
    assert_eq!(sender.try_send(2), Err(TrySendError::Disconnected(2)));
    assert_eq!(sender.send_timeout(3, SECOND), Err(SendTimeoutError::Disconnected(3)));
}

#[test]
fn the_last_receiver_to_go_wakes_all_senders_and_drops_what_is_buffered() {
    in_run(|| {
        let drops = Drops::new();
        let (sender, receiver) = bounded(1);
        sender.send(drops.guard()).unwrap();
        let sending: Vec<_> = (0..40)
            .map(|_| {
                let (sender, message) = (sender.clone(), drops.guard());
                spawn(move || sender.send(message).map_err(|error| drop(error.into_inner())).is_err())
            })
            .collect();
        sending.iter().for_each(until_parked);
        assert_eq!(drops.count(), 0);
        drop(receiver);
        assert_eq!(drops.count(), 1, "the one in the buffer");
        assert!(sending.into_iter().all(|sending| sending.join().unwrap()));
        assert_eq!(drops.count(), 41);
    });
}

#[test]
fn the_last_sender_to_go_wakes_all_receivers() {
    in_run(|| {
        let (sender, receiver) = bounded::<i32>(0);
        let receiving: Vec<_> = (0..40)
            .map(|_| {
                let receiver = receiver.clone();
                spawn(move || receiver.recv())
            })
            .collect();
        receiving.iter().for_each(until_parked);
        drop(sender);
        assert!(receiving.into_iter().all(|receiving| receiving.join().unwrap() == Err(RecvError)));
    });
}

#[test]
fn who_waits_is_served_in_order_and_nobody_overtakes() {
    in_run(|| {
        let (sender, receiver) = bounded(1);
        sender.send(0).unwrap();
        let sending: Vec<_> = (1..5)
            .map(|i| {
                let sender = sender.clone();
                let sending = spawn(move || sender.send(i).unwrap());
                until_parked(&sending);
                sending
            })
            .collect();
        assert_eq!(receiver.recv(), Ok(0));
        assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)), "the place is the first one's in line");
        assert_eq!([1, 2, 3, 4].map(|_| receiver.recv().unwrap()), [1, 2, 3, 4]);
        sward::join_all(sending);
        let (replies, reply) = unbounded();
        for i in 0..4 {
            let (receiver, replies) = (receiver.clone(), replies.clone());
            until_parked(&spawn(move || replies.send((i, receiver.recv().unwrap())).unwrap()));
        }
        for message in 10..14 {
            sender.send(message).unwrap();
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "all were handed over");
        assert_eq!([(); 4].map(|()| reply.recv().unwrap()), [(0, 10), (1, 11), (2, 12), (3, 13)]);
    });
}

#[test]
fn many_to_many_between_workers_and_os_threads() {
    watched(|| {
        for capacity in [Some(0), Some(1), Some(7), None] {
            let runtime = runtime(2);
            let (sender, receiver) = capacity.map_or_else(unbounded, bounded);
            let (sums, results) = unbounded();
            for from in 0..4_u64 {
                let (sender, receiver, sums) = (sender.clone(), receiver.clone(), sums.clone());
                let send = move || (0..500).for_each(|i| sender.send(from * 500 + i).unwrap());
                let receive = move || sums.send(receiver.iter().sum::<u64>()).unwrap();
                if from % 2 == 0 {
                    os::spawn(send);
                    drop(runtime.spawn(receive));
                } else {
                    drop(runtime.spawn(send));
                    os::spawn(receive);
                }
            }
            drop((sender, sums, receiver));
            assert_eq!(results.iter().sum::<u64>(), (0..2000).sum(), "{capacity:?}");
        }
    });
}

#[test]
fn a_time_that_is_up_gives_the_message_back() {
    in_virtual_time(|| {
        let (sender, receiver) = bounded(1);
        let start = Instant::now();
        assert_eq!(receiver.recv_timeout(SECOND), Err(RecvTimeoutError::Timeout));
        assert_eq!(receiver.recv_deadline(start + 2 * SECOND), Err(RecvTimeoutError::Timeout));
        assert_eq!(start.elapsed(), 2 * SECOND);
        sender.send_timeout(1, SECOND).unwrap();
        assert_eq!(sender.send_timeout(2, SECOND), Err(SendTimeoutError::Timeout(2)));
        assert_eq!(sender.send_deadline(3, start + 4 * SECOND), Err(SendTimeoutError::Timeout(3)));
        assert_eq!(start.elapsed(), 4 * SECOND);
        assert_eq!(sender.send_timeout(4, Duration::ZERO), Err(SendTimeoutError::Timeout(4)));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(1));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    });
}

#[test]
fn a_message_that_meets_the_timeout_is_received() {
    in_virtual_time(|| {
        let (sender, receiver) = bounded(0);
        let receiving = spawn(move || (receiver.recv_timeout(SECOND), receiver.recv_timeout(SECOND)));
        sward::sleep(SECOND / 2);
        sender.send(1).unwrap();
        assert_eq!(receiving.join().unwrap(), (Ok(1), Err(RecvTimeoutError::Timeout)));
    });
}

#[test]
fn a_cancelled_receiver_leaves_and_one_that_was_handed_a_message_has_it() {
    in_run(|| {
        let (sender, receiver) = bounded(0);
        let (first, second) = (receiver.clone(), receiver);
        let (log, seen) = unbounded();
        let leaves = spawn(move || first.recv());
        let stays = spawn(move || {
            log.send(second.recv()).unwrap();
            yield_now();
            second.recv()
        });
        until_parked(&leaves);
        until_parked(&stays);
        leaves.cancel();
        assert!(leaves.join().unwrap_err().is_cancelled());
        sender.send(1).unwrap();
        stays.cancel();
        assert_eq!(seen.recv(), Ok(Ok(1)), "it was handed over before the cancel");
        assert!(stays.join().unwrap_err().is_cancelled(), "at the next park");
    });
}

#[test]
fn a_cancelled_sender_takes_its_message_along_or_has_sent_it() {
    in_run(|| {
        let drops = Drops::new();
        let (sender, receiver) = bounded(0);
        for taken in [false, true] {
            let (sender, message) = (sender.clone(), drops.guard());
            let sending = spawn(move || sender.send(message).is_ok());
            until_parked(&sending);
            let received = taken.then(|| receiver.recv().unwrap());
            sending.cancel();
            match taken {
                true => assert!(sending.join().unwrap()),
                false => assert!(sending.join().unwrap_err().is_cancelled()),
            }
            assert_eq!(drops.count(), 1);
            drop(received);
        }
        assert_eq!(drops.count(), 2);
    });
}

#[test]
fn messages_of_no_size_and_of_much() {
    in_run(|| {
        let (sender, receiver) = bounded(1);
        let sending = spawn(move || (0..10).for_each(|_| sender.send(()).unwrap()));
        assert_eq!(receiver.iter().count(), 10);
        sending.join().unwrap();
        let (sender, receiver) = bounded(1);
        let sending = spawn(move || (0..10).for_each(|i| sender.send([i; 64]).unwrap()));
        assert!(receiver.iter().eq((0..10_u64).map(|i| [i; 64])));
        sending.join().unwrap();
    });
}

#[test]
fn a_message_that_panics_when_it_is_dropped_leaves_the_channel_whole() {
    struct Bomb(bool, #[expect(dead_code, reason = "dropped")] support::Guard);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "as told");
        }
    }
    let drops = Drops::new();
    let (sender, receiver) = unbounded();
    for panics in [false, true, false] {
        sender.send(Bomb(panics, drops.guard())).unwrap();
    }
    assert_eq!(support::message_of_panic(|| drop(receiver)), "as told");
    assert_eq!(drops.count(), 2, "what comes after it is leaked, as in crossbeam's channels");
    assert!(sender.send(Bomb(false, drops.guard())).is_err());
}

#[test]
fn clocks_send_when_it_is_time() {
    in_virtual_time(|| {
        let start = Instant::now();
        let once = after(SECOND);
        assert_eq!((once.try_recv(), once.len(), once.capacity()), (Err(TryRecvError::Empty), 0, Some(1)));
        assert_eq!(once.recv_timeout(SECOND / 2), Err(RecvTimeoutError::Timeout));
        assert_eq!(once.recv(), Ok(start + SECOND));
        assert_eq!(once.recv_timeout(SECOND), Err(RecvTimeoutError::Timeout), "once");
        assert_eq!(at(start + 5 * SECOND).recv(), Ok(start + 5 * SECOND));
        let ticks = tick(SECOND);
        sward::sleep(3 * SECOND);
        assert_eq!(ticks.recv(), Ok(start + 6 * SECOND), "the first, and it did not pile up");
        assert_eq!(ticks.recv(), Ok(start + 9 * SECOND));
        assert_eq!(never::<()>().recv_timeout(SECOND), Err(RecvTimeoutError::Timeout));
        assert_eq!(start.elapsed(), 10 * SECOND);
        assert!(once.same_channel(&once.clone()) && !once.same_channel(&ticks));
        assert!(never::<()>().same_channel(&never()));
    });
}

#[test]
fn both_ends_know_their_channel_and_say_what_they_are() {
    let (sender, receiver) = bounded::<i32>(1);
    let (other, another) = bounded::<i32>(1);
    assert!(sender.same_channel(&sender.clone()) && !sender.same_channel(&other));
    assert!(receiver.same_channel(&receiver.clone()) && !receiver.same_channel(&another));
    assert_eq!(format!("{sender:?} {receiver:?}"), "Sender { .. } Receiver { .. }");
    fn is_whole<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    is_whole(&sender);
    is_whole(&receiver);
}
