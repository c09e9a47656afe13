use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use loom::{sync::Arc, thread};

use super::waiting::{InLine, Thread};
use crate::lockfree::{
    channel::{Channel, NotReceived, NotSent, Receive, Send},
    channel_select::{Case, Claim, ReceiveCase, Select, Selected, SendCase},
};

/// As [`check_bounded`](super::check_bounded), for three at one spin lock, which take many steps.
pub(super) fn check_bounded(preemptions: usize, model: impl Fn() + Sync + std::marker::Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// Counted while it is alive. The count is no part of the model.
pub(super) struct Message(usize, std::sync::Arc<AtomicUsize>);

impl Message {
    pub(super) fn number(&self) -> usize {
        self.0
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Relaxed);
    }
}

pub(super) struct Model {
    pub(super) channels: Vec<Channel<InLine, Message>>,
    alive: std::sync::Arc<AtomicUsize>,
}

impl Model {
    pub(super) fn new<const N: usize>(capacities: [usize; N]) -> Arc<Self> {
        let channels = capacities.map(|capacity| Channel::new(Some(capacity))).into();
        Arc::new(Self { channels, alive: std::sync::Arc::default() })
    }

    pub(super) fn message(&self, i: usize) -> Message {
        self.alive.fetch_add(1, Relaxed);
        Message(i, self.alive.clone())
    }

    /// Whether it was sent. Closed and cancelled: no.
    pub(super) fn send(&self, me: &Thread, on: usize, i: usize) -> bool {
        let channel = &self.channels[on];
        match channel.try_send(self.message(i)) {
            Ok(()) => true,
            Err(NotSent::Closed(_)) => false,
            Err(NotSent::Full(message)) => {
                let mut back = None;
                let sent = me.block_on(Send::new(channel, message, Some(&mut back)));
                assert_eq!(sent.is_none(), back.is_some(), "given back if it was given up");
                matches!(sent, Some(Ok(())))
            }
        }
    }

    pub(super) fn receive(&self, me: &Thread, on: usize) -> Option<usize> {
        let channel = &self.channels[on];
        let message = match channel.try_receive() {
            Err(NotReceived::Closed) => return None,
            Ok(message) => Ok(message),
            Err(_) => me.block_on(Receive::new(channel, true))?,
        };
        message.ok().map(|message| message.0)
    }

    /// Receives if it need not wait, or only for a select that is about to send.
    pub(super) fn try_receive(&self, me: &Thread, on: usize) -> Option<usize> {
        let channel = &self.channels[on];
        let message = match channel.try_receive() {
            Err(NotReceived::Again) => me.block_on(Receive::new(channel, false))?,
            message => message,
        };
        message.ok().map(|message| message.0)
    }

    pub(super) fn left(&self, on: usize) -> Option<usize> {
        self.channels[on].try_receive().ok().map(|message| message.0)
    }

    /// Selects among these, in their order. `None`: cancelled.
    fn select(me: &Thread, cases: &[&dyn Case]) -> Option<usize> {
        let claim = Claim::new();
        // SAFETY: the cases are pinned by who calls, and `block_on` drives it to its end.
        match me.block_on(unsafe { Select::new(cases, &claim, true) })? {
            Selected::Case(index) => Some(index),
            Selected::Nothing | Selected::Again => unreachable!("it waits, and nobody deserts it"),
        }
    }

    /// Receives from the first of two that has something.
    fn receive_either(&self, me: &Thread) -> Option<(usize, Option<usize>)> {
        let cases = [0, 1].map(|on| ReceiveCase::new(&self.channels[on], me.in_line()));
        let cases = pin!(cases);
        let on = Self::select(me, &[&cases[0], &cases[1]])?;
        Some((on, cases[on].finish().map(|message| message.0)))
    }

    pub(super) fn all_dropped(&self) {
        assert_eq!(self.alive.load(Relaxed), 0, "messages are neither leaked nor doubled");
    }
}

pub(super) fn spawn<T: 'static>(
    model: &Arc<Model>,
    f: impl FnOnce(&Model, &Thread) -> T + 'static,
) -> thread::JoinHandle<T> {
    spawn_as(model, &Thread::new(), f)
}

/// As [`spawn`], as a thread that others know.
pub(super) fn spawn_as<T: 'static>(
    model: &Arc<Model>,
    me: &Arc<Thread>,
    f: impl FnOnce(&Model, &Thread) -> T + 'static,
) -> thread::JoinHandle<T> {
    let (model, me) = (Arc::clone(model), Arc::clone(me));
    thread::spawn(move || f(&model, &me))
}

/// Catches: a message that nobody is told of, a place that nobody is told of.
#[test]
fn one_sends_and_one_receives() {
    for capacity in [0, 1] {
        check_bounded(3, move || {
            let model = Model::new([capacity]);
            let sending = spawn(&model, |model, me| (0..3).all(|i| model.send(me, 0, i)));
            let me = Thread::new();
            assert!((0..3).all(|i| model.receive(&me, 0) == Some(i)));
            assert!(sending.join().unwrap());
            model.all_dropped();
        });
    }
}

/// Catches: a second in line that nobody wakes, a message that two get.
#[test]
fn two_send_and_one_receives() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let model = Model::new([capacity]);
            let sending = [1, 2].map(|i| spawn(&model, move |model, me| model.send(me, 0, i)));
            let me = Thread::new();
            let sum = model.receive(&me, 0).unwrap() + model.receive(&me, 0).unwrap();
            assert_eq!(sum, 3);
            assert!(sending.into_iter().all(|sending| sending.join().unwrap()));
            model.all_dropped();
        });
    }
}

/// Catches: a message that goes with a receiver that leaves.
#[test]
fn a_cancel_of_a_receiver_meets_a_send() {
    check_bounded(3, || {
        let model = Model::new([1]);
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&model));
        let receiving = thread::spawn(move || theirs.receive(&me, 0));
        let sending = spawn(&model, |model, me| model.send(me, 0, 7));
        cancelled.cancel();
        assert!(sending.join().unwrap(), "there is room");
        let received = receiving.join().unwrap();
        assert_eq!(received.or_else(|| model.left(0)), Some(7));
        assert_eq!(model.left(0), None);
        model.all_dropped();
    });
}

/// Catches: a message that is sent and given back.
#[test]
fn a_cancel_of_a_sender_meets_a_receive() {
    check_bounded(3, || {
        let model = Model::new([0]);
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&model));
        let sending = thread::spawn(move || theirs.send(&me, 0, 7));
        let trying = spawn(&model, |model, _| model.left(0));
        cancelled.cancel();
        assert_eq!(sending.join().unwrap(), trying.join().unwrap().is_some());
        model.all_dropped();
    });
}

/// Catches: a sender in line that nobody tells, a buffered message that nobody drops.
#[test]
fn the_last_receiver_leaves_while_one_sends() {
    for capacity in [0, 1] {
        check_bounded(3, move || {
            let model = Model::new([capacity]);
            let sending = spawn(&model, |model, me| (1..3).filter(|&i| model.send(me, 0, i)).count());
            model.channels[0].drop_receiver();
            assert!(sending.join().unwrap() <= capacity, "what had room");
            model.all_dropped();
        });
    }
}

/// Catches: a receiver in line that nobody tells, a message that is lost because its sender has left.
#[test]
fn the_last_sender_leaves_while_one_receives() {
    check_bounded(3, || {
        let model = Model::new([1]);
        let receiving = spawn(&model, |model, me| (model.receive(me, 0), model.receive(me, 0)));
        assert!(model.send(&Thread::new(), 0, 5));
        model.channels[0].drop_sender();
        assert_eq!(receiving.join().unwrap(), (Some(5), None));
        model.all_dropped();
    });
}

/// Catches: a close that tells the first in line only; a message of one of two that is neither sent nor given back.
#[test]
fn the_last_receiver_leaves_while_two_send() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let model = Model::new([capacity]);
            let sending = [1, 2].map(|i| spawn(&model, move |model, me| model.send(me, 0, i)));
            model.channels[0].drop_receiver();
            let sent = sending.map(|sending| sending.join().unwrap());
            assert!(sent.iter().filter(|&&sent| sent).count() <= capacity, "what had room");
            model.all_dropped();
        });
    }
}

/// Catches: a close that tells the first in line only.
#[test]
fn the_last_sender_leaves_while_two_receive() {
    check_bounded(2, || {
        let model = Model::new([1]);
        let receiving = [(); 2].map(|()| spawn(&model, |model, me| model.receive(me, 0)));
        assert!(model.send(&Thread::new(), 0, 5));
        model.channels[0].drop_sender();
        let mut received = receiving.map(|receiving| receiving.join().unwrap());
        received.sort();
        assert_eq!(received, [None, Some(5)]);
        model.all_dropped();
    });
}

/// Catches: a select that is granted two things, or leaves with one in its seat.
#[test]
fn a_select_takes_one_of_two() {
    check_bounded(2, || {
        let model = Model::new([1, 1]);
        let sending = [0, 1].map(|i| spawn(&model, move |model, me| model.send(me, i, i)));
        let (on, message) = model.receive_either(&Thread::new()).expect("nobody cancels it");
        assert_eq!(message, Some(on));
        assert!(sending.into_iter().all(|sending| sending.join().unwrap()));
        assert_eq!((model.left(on), model.left(1 - on)), (None, Some(1 - on)));
        model.all_dropped();
    });
}

/// Catches: a claim that a cancelled select takes along with what was granted.
#[test]
fn a_cancel_of_a_select_meets_a_send() {
    check_bounded(2, || {
        let model = Model::new([0, 1]);
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&model));
        let selecting = thread::spawn(move || theirs.receive_either(&me));
        let sending = spawn(&model, |model, me| model.send(me, 1, 7));
        cancelled.cancel();
        assert!(sending.join().unwrap());
        match selecting.join().unwrap() {
            Some(selected) => assert_eq!((selected, model.left(1)), ((1, Some(7)), None)),
            None => assert_eq!(model.left(1), Some(7)),
        }
        model.all_dropped();
    });
}

/// Catches: two selects that wait for each other; one that meets itself.
#[test]
fn two_selects_meet_at_a_rendezvous() {
    check_bounded(2, || {
        let model = Model::new([0]);
        let meet = |i: usize| {
            move |model: &Model, me: &Thread| {
                let channel = &model.channels[0];
                let send = pin!(SendCase::new(channel, me.in_line()));
                let receive = pin!(ReceiveCase::new(channel, me.in_line()));
                match Model::select(me, &[&*send, &*receive]).expect("nobody cancels it") {
                    0 => {
                        assert!(send.finish(model.message(i)).is_ok());
                        None
                    }
                    _ => receive.finish().map(|message| message.0),
                }
            }
        };
        let other = spawn(&model, meet(1));
        let mine = meet(2)(&model, &Thread::new());
        let theirs = other.join().unwrap();
        assert!(matches!((mine, theirs), (Some(1), None) | (None, Some(2))), "{mine:?} {theirs:?}");
        model.all_dropped();
    });
}

/// Catches: a receiver that leaves while a select is about to send to it, and is written to.
#[test]
fn a_cancel_of_a_receiver_meets_a_promise() {
    check_bounded(3, || {
        let model = Model::new([0]);
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&model));
        let receiving = thread::spawn(move || theirs.receive(&me, 0));
        let sending = spawn(&model, |model, me| {
            let send = pin!(SendCase::new(&model.channels[0], me.in_line()));
            let (cases, claim) = ([&*send as &dyn Case], Claim::new());
            // Only if there is a receiver.
            // SAFETY: as in `Model::select`.
            let done = me.block_on(unsafe { Select::new(&cases, &claim, false) });
            done == Some(Selected::Case(0)) && send.finish(model.message(7)).is_ok()
        });
        cancelled.cancel();
        let sent = sending.join().unwrap();
        let received = receiving.join().unwrap().or_else(|| model.left(0));
        assert_eq!(received, sent.then_some(7));
        model.all_dropped();
    });
}
