//! `mpsc`: messages and their order.

use std::{
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use super::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError},
    thread,
    tools::until,
};
use crate::seen::{Seen, caught};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(1000);

pub(crate) fn one_sender_in_order() -> Vec<String> {
    let mut seen = Seen::new();
    let (sender, receiver) = mpsc::channel();
    let handle = thread::spawn(move || {
        for i in 0..100 {
            sender.send(i).unwrap();
            if i % 7 == 0 {
                thread::yield_now();
            }
        }
    });
    let got: Vec<i32> = receiver.iter().collect();
    seen.note("got", got);
    seen.note("ended", handle.join().is_ok());
    seen.error("recv", &receiver.recv().unwrap_err());
    seen.end()
}

pub(crate) fn many_senders_keep_each_its_order() -> Vec<String> {
    for_each_kind(|seen, sender, receiver| {
        let handles: Vec<_> = (0..4)
            .map(|who| {
                let sender = sender.clone();
                thread::spawn(move || (0..25).for_each(|i| sender.send((who, i)).unwrap()))
            })
            .collect();
        drop(sender);
        let got: Vec<_> = receiver.into_iter().collect();
        for who in 0..4 {
            let theirs: Vec<_> = got.iter().filter(|(sender, _)| *sender == who).map(|(_, i)| *i).collect();
            seen.note("theirs", theirs);
        }
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    })
}

/// A sender of either type.
enum Any<T> {
    Unbounded(Sender<T>),
    Bounded(SyncSender<T>),
}

impl<T> Any<T> {
    fn send(&self, value: T) -> Result<(), mpsc::SendError<T>> {
        match self {
            Any::Unbounded(sender) => sender.send(value),
            Any::Bounded(sender) => sender.send(value),
        }
    }

    fn clone(&self) -> Self {
        match self {
            Any::Unbounded(sender) => Any::Unbounded(sender.clone()),
            Any::Bounded(sender) => Any::Bounded(sender.clone()),
        }
    }
}

fn for_each_kind<T>(program: impl Fn(&mut Seen, Any<T>, Receiver<T>)) -> Vec<String> {
    let mut seen = Seen::new();
    for bound in [None, Some(0), Some(1), Some(3), Some(1000)] {
        seen.note("bound", bound);
        let (sender, receiver) = match bound {
            None => {
                let (sender, receiver) = mpsc::channel();
                (Any::Unbounded(sender), receiver)
            }
            Some(bound) => {
                let (sender, receiver) = mpsc::sync_channel(bound);
                (Any::Bounded(sender), receiver)
            }
        };
        program(&mut seen, sender, receiver);
    }
    seen.end()
}

pub(crate) fn a_receiver_waits() -> Vec<String> {
    for_each_kind(|seen, sender, receiver: Receiver<String>| {
        thread::scope(|s| {
            let waiter = s.spawn(move || (receiver.recv(), receiver.recv_timeout(LONG), receiver.recv()));
            (0..10).for_each(|_| thread::yield_now());
            seen.note("it waits", waiter.is_finished());
            sender.send("one".into()).unwrap();
            (0..10).for_each(|_| thread::yield_now());
            sender.send("two".into()).unwrap();
            drop(sender);
            seen.note("got", waiter.join().unwrap());
        });
    })
}

pub(crate) fn the_sender_goes_first() -> Vec<String> {
    for_each_kind(|seen, sender, receiver: Receiver<i32>| {
        let second = sender.clone();
        drop(sender);
        seen.result("try_recv", receiver.try_recv());
        thread::scope(|s| {
            let waiter = s.spawn(|| (receiver.recv(), receiver));
            (0..10).for_each(|_| thread::yield_now());
            drop(second);
            let (result, receiver) = waiter.join().unwrap();
            seen.result("recv", result);
            seen.result("recv again", receiver.recv());
            seen.result("try_recv", receiver.try_recv());
            seen.result("recv_timeout", receiver.recv_timeout(LONG));
            seen.note("iter", receiver.iter().count());
            seen.note("try_iter", receiver.try_iter().count());
            seen.note("into_iter", receiver.into_iter().next());
        });
    })
}

pub(crate) fn what_was_sent_outlives_the_sender() -> Vec<String> {
    let mut seen = Seen::new();
    let (sender, receiver) = mpsc::channel();
    (0..3).for_each(|i| sender.send(i).unwrap());
    drop(sender);
    seen.note("try_recv", receiver.try_recv());
    seen.note("recv_timeout", receiver.recv_timeout(Duration::ZERO));
    seen.note("rest", receiver.iter().collect::<Vec<_>>());
    seen.result("then", receiver.try_recv());
    let (sender, receiver) = mpsc::sync_channel(4);
    (0..3).for_each(|i| sender.send(i).unwrap());
    drop(sender);
    seen.note("bounded", receiver.into_iter().collect::<Vec<_>>());
    seen.end()
}

pub(crate) fn the_receiver_goes_first() -> Vec<String> {
    for_each_kind(|seen, sender, receiver: Receiver<Vec<i32>>| {
        let second = sender.clone();
        drop(receiver);
        seen.note("the value comes back", sender.send(vec![1]).map_err(|e| e.0));
        seen.error("error", &second.send(vec![2]).unwrap_err());
        seen.note("unwrap", caught(|| second.send(vec![]).unwrap()));
        if let Any::Bounded(sender) = &sender {
            seen.error("try_send", &sender.try_send(vec![3]).unwrap_err());
        }
        drop(sender);
        seen.note("still", second.send(vec![4]).is_err());
    })
}

pub(crate) fn the_receiver_goes_while_senders_wait() -> Vec<String> {
    let mut seen = Seen::new();
    for bound in [0, 1, 2] {
        let (sender, receiver) = mpsc::sync_channel(bound);
        (0..bound).for_each(|_| sender.send(100).unwrap());
        let coming = AtomicUsize::new(0);
        thread::scope(|s| {
            let waiters: Vec<_> = (0..3)
                .map(|i| {
                    let (sender, coming) = (sender.clone(), &coming);
                    s.spawn(move || {
                        coming.fetch_add(1, SeqCst);
                        sender.send(i).map_err(|e| e.0)
                    })
                })
                .collect();
            until(|| coming.load(SeqCst) == 3);
            (0..10).for_each(|_| thread::yield_now());
            seen.note("they wait", waiters.iter().any(|waiter| waiter.is_finished()));
            drop(receiver);
            let ended: Vec<_> = waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
            seen.note("they get their values back", ended);
        });
    }
    seen.end()
}

pub(crate) fn a_bounded_channel_is_full() -> Vec<String> {
    let mut seen = Seen::new();
    let (sender, receiver) = mpsc::sync_channel(2);
    seen.note("one", sender.try_send(1));
    seen.note("two", sender.send(2));
    let full = sender.try_send(3).unwrap_err();
    seen.note("full", matches!(full, TrySendError::Full(3)));
    seen.error("its error", &full);
    seen.note("room", (receiver.recv(), sender.try_send(4)));
    seen.note("full", sender.try_send(5).is_err());
    thread::scope(|s| {
        let waiter = s.spawn(|| sender.send(6));
        (0..10).for_each(|_| thread::yield_now());
        seen.note("a send waits", waiter.is_finished());
        seen.note("next", receiver.recv());
        seen.note("sent", waiter.join().unwrap());
    });
    seen.note("rest", receiver.try_iter().collect::<Vec<_>>());
    drop(receiver);
    let gone = sender.try_send(7).unwrap_err();
    seen.note("gone", matches!(gone, TrySendError::Disconnected(7)));
    seen.error("its error", &gone);
    seen.end()
}

pub(crate) fn a_rendezvous() -> Vec<String> {
    let mut seen = Seen::new();
    let (sender, receiver) = mpsc::sync_channel(0);
    seen.note("nobody is there", sender.try_send(1));
    seen.result("nothing is there", receiver.try_recv());
    seen.result("nothing comes", receiver.recv_timeout(SHORT));
    let sent = AtomicUsize::new(0);
    thread::scope(|s| {
        let sends = s.spawn(|| {
            for i in 0..5 {
                sender.send(i).unwrap();
                sent.fetch_add(1, SeqCst);
            }
        });
        (0..10).for_each(|_| thread::yield_now());
        for i in 0..5 {
            let before = sent.load(SeqCst);
            // Not sent before it is taken, and at the most one ahead of what was counted.
            seen.note("ahead", before > i);
            seen.note("got", receiver.recv());
            until(|| sent.load(SeqCst) == i + 1);
        }
        seen.note("ended", sends.join().is_ok());
    });
    thread::scope(|s| {
        let takes = s.spawn(move || (receiver.recv(), receiver));
        until(|| sender.try_send(9).is_ok());
        let (got, receiver) = takes.join().unwrap();
        seen.note("try_send to one who waits", got);
        let sends = s.spawn(|| sender.send(10));
        let mut got = None;
        until(|| {
            got = receiver.try_recv().ok();
            got.is_some()
        });
        seen.note("try_recv from one who waits", (got, sends.join().unwrap()));
    });
    seen.end()
}

pub(crate) fn timeouts() -> Vec<String> {
    for_each_kind(|seen, sender, receiver: Receiver<u8>| {
        seen.result("zero", receiver.recv_timeout(Duration::ZERO));
        seen.result("short", receiver.recv_timeout(SHORT));
        seen.note("kind", receiver.recv_timeout(SHORT) == Err(RecvTimeoutError::Timeout));
        thread::scope(|s| {
            let first = sender.clone();
            let sends = s.spawn(move || first.send(1));
            seen.result("in time", receiver.recv_timeout(LONG));
            seen.note("sent", sends.join().unwrap());
            let sends = s.spawn(move || {
                sender.send(2).unwrap();
                drop(sender);
            });
            seen.result("in time", receiver.recv_timeout(Duration::MAX));
            seen.note("sent", sends.join().is_ok());
            seen.result("disconnected", receiver.recv_timeout(LONG));
        });
    })
}

pub(crate) fn iterators() -> Vec<String> {
    let mut seen = Seen::new();
    let (sender, receiver) = mpsc::channel();
    (0..6).for_each(|i| sender.send(i).unwrap());
    seen.note("iter, three of them", receiver.iter().take(3).collect::<Vec<_>>());
    let mut some = receiver.try_iter();
    seen.note("try_iter", (some.next(), some.next(), some.next(), some.next()));
    sender.send(7).unwrap();
    seen.note("it goes on", some.next());
    sender.send(8).unwrap();
    drop(sender);
    let mut sum = 0;
    for i in &receiver {
        sum += i;
    }
    seen.note("by reference", sum);
    let mut owned: mpsc::IntoIter<i32> = receiver.into_iter();
    seen.note("by value", (owned.next(), owned.next()));
    seen.note("hints", {
        let (_sender, receiver) = mpsc::channel::<()>();
        (receiver.iter().size_hint(), receiver.try_iter().size_hint(), receiver.into_iter().size_hint())
    });
    seen.end()
}

pub(crate) fn messages_are_dropped_once() -> Vec<String> {
    for_each_kind(|seen, sender, receiver: Receiver<Rc<()>>| {
        let count = Rc::new(());
        if let Any::Bounded(sender) = &sender {
            let sent = (0..2).filter(|_| sender.try_send(Rc::clone(&count)).is_ok()).count();
            seen.note("sent", sent);
        } else {
            (0..40).for_each(|_| sender.send(Rc::clone(&count)).unwrap());
        }
        seen.note("inside", Rc::strong_count(&count));
        drop(receiver.try_recv());
        seen.note("one less", Rc::strong_count(&count));
        drop(receiver);
        let refused = sender.send(Rc::clone(&count));
        seen.note("refused", (refused.is_err(), Rc::strong_count(&count)));
        drop(refused);
        seen.note("after the receiver", Rc::strong_count(&count));
        drop(sender);
        seen.note("after both", Rc::strong_count(&count));
    })
}

pub(crate) fn a_sender_that_panics() -> Vec<String> {
    for_each_kind(|seen, sender, receiver: Receiver<i32>| {
        thread::scope(|s| {
            let sends = s.spawn(move || {
                sender.send(1).unwrap();
                panic!("with the sender");
            });
            seen.result("recv", receiver.recv());
            seen.note("panicked", sends.join().is_err());
            seen.result("disconnected", receiver.recv());
        });
    })
}

pub(crate) fn channels_through_channels() -> Vec<String> {
    let mut seen = Seen::new();
    let (requests, served) = mpsc::channel::<(u32, Sender<u32>)>();
    let server = thread::spawn(move || {
        let mut count = 0;
        for (number, answer) in served {
            count += 1;
            answer.send(number * 2).unwrap();
        }
        count
    });
    for number in 0..5 {
        let (answer, answered) = mpsc::channel();
        requests.send((number, answer)).unwrap();
        seen.note("answer", answered.recv());
        seen.note("no more", answered.recv().is_err());
    }
    drop(requests);
    seen.note("served", server.join().unwrap());
    seen.end()
}

pub(crate) fn a_ring() -> Vec<String> {
    let mut seen = Seen::new();
    let (first, mut last) = mpsc::sync_channel(1);
    let mut handles = Vec::new();
    for i in 0..6 {
        let (next, receiver) = mpsc::sync_channel(i % 3);
        let from = std::mem::replace(&mut last, receiver);
        handles.push(thread::spawn(move || from.iter().for_each(|value: u32| next.send(value + 1).unwrap())));
    }
    let sends = thread::spawn(move || (0..10).for_each(|i| first.send(i * 100).unwrap()));
    seen.note("got", last.iter().collect::<Vec<_>>());
    handles.push(sends);
    seen.note("ended", handles.into_iter().all(|handle| handle.join().is_ok()));
    seen.end()
}
