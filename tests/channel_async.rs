//! Channels that are awaited.

mod support;

use std::{task::Poll, thread as os, time::Duration};

use support::{Drops, block_on, poll_once, watched};
use sward::channel::{RecvError, SendError, TryRecvError, after, bounded};

#[test]
fn messages_are_awaited_and_sent_by_awaiting() {
    watched(|| {
        for capacity in [0, 1, 5] {
            let (sender, receiver) = bounded(capacity);
            let sending = sward::spawn(move || (0..200).for_each(|i| sender.send(i).unwrap()));
            block_on(async {
                for i in 0..200 {
                    assert_eq!(receiver.recv_async().await, Ok(i));
                }
                assert_eq!(receiver.recv_async().await, Err(RecvError));
            });
            sending.join().unwrap();
            let (sender, receiver) = bounded(capacity);
            let receiving = sward::spawn(move || receiver.iter().take(200).eq(0..200));
            block_on(async {
                for i in 0..200 {
                    sender.send_async(i).await.unwrap();
                }
                while !receiving.is_finished() {
                    os::yield_now();
                }
                assert_eq!(sender.send_async(7).await, Err(SendError(7)));
            });
            assert!(receiving.join().unwrap());
        }
    });
}

#[test]
fn a_receiver_that_is_dropped_with_a_message_puts_it_back() {
    let (sender, receiver) = bounded(1);
    let mut dropped = Box::pin(receiver.recv_async());
    assert!(poll_once(dropped.as_mut()).is_pending());
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(receiver.len(), 1, "the first was handed over");
    drop(dropped);
    assert_eq!(receiver.len(), 2, "one too many, for once");
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Ok(2)), "in their order");
    let (mut first, mut second) = (Box::pin(receiver.recv_async()), Box::pin(receiver.recv_async()));
    assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
    sender.try_send(3).unwrap();
    drop(first);
    assert_eq!(poll_once(second.as_mut()), Poll::Ready(Ok(3)), "it goes to the next in line");
}

#[test]
fn a_sender_that_is_dropped_takes_its_message_along_or_has_sent_it() {
    let drops = Drops::new();
    let (sender, receiver) = bounded(0);
    let mut waits = Box::pin(sender.send_async(drops.guard()));
    assert!(poll_once(waits.as_mut()).is_pending());
    drop(waits);
    assert_eq!(drops.count(), 1);
    assert_eq!(receiver.try_recv().map(drop), Err(TryRecvError::Empty));
    let mut taken = Box::pin(sender.send_async(drops.guard()));
    assert!(poll_once(taken.as_mut()).is_pending());
    let message = receiver.try_recv();
    drop(taken);
    assert_eq!((message.is_ok(), drops.count()), (true, 1));
}

#[test]
fn a_clock_can_be_awaited() {
    watched(|| assert!(block_on(after(Duration::from_millis(1)).recv_async()).is_ok()));
}

#[test]
fn the_futures_can_be_sent() {
    fn is_send<T: Send>(_: T) {}
    let (sender, receiver) = bounded(1);
    is_send(sender.send_async(1));
    is_send(receiver.recv_async());
}
