//! Selects at two rendezvous channels, with three parties: what is promised to whom while others meet, close and leave.

use std::{
    array,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use super::{
    channel::{Model, check_bounded, spawn, spawn_as},
    waiting::Thread,
};
use crate::lockfree::channel_select::{Case, Claim, ReceiveCase, Select, Selected, SendCase};

/// As [`check_bounded`], and says how many executions there were. With three preemptions everywhere there are 900,000 of
/// them, which take more than a minute, and hold as well.
fn check(name: &str, preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let executions = std::sync::Arc::new(AtomicUsize::new(0));
    let count = executions.clone();
    check_bounded(preemptions, move || {
        count.fetch_add(1, Relaxed);
        model();
    });
    println!("{name}: {} executions with {preemptions} preemptions", executions.load(Relaxed));
}

/// A case, by its channel.
#[derive(Clone, Copy)]
enum Op {
    Send(usize),
    Receive(usize),
}
use Op::{Receive, Send as Put};

impl Op {
    fn on(self) -> usize {
        let (Put(on) | Receive(on)) = self;
        on
    }
}

/// How a select ended: on which channel, and with which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    Sent(usize),
    Received(usize, usize),
    Closed(usize),
    /// Cancelled, or it does not wait.
    Nothing,
}
use Met::{Closed, Nothing, Received, Sent};

/// What a select does.
#[derive(Clone, Copy)]
struct Wish {
    /// In the order in which it tries them and stands in their lines.
    ops: [Op; 2],
    /// The message that it would send.
    message: usize,
    waits: bool,
    /// Whether it sends when it is to send. Else it breaks the promise, as one whose message panics when it is made.
    keeps: bool,
}

/// Waits, and keeps its promise.
fn wish(ops: [Op; 2], message: usize) -> Wish {
    Wish { ops, message, waits: true, keeps: true }
}

impl Wish {
    fn select(self, model: &Model, me: &Thread) -> Met {
        loop {
            // A case of each kind, of which one is used.
            let sends = pin!(self.ops.map(|op| SendCase::new(&model.channels[op.on()], me.in_line())));
            let receives = pin!(self.ops.map(|op| ReceiveCase::new(&model.channels[op.on()], me.in_line())));
            let cases: [&dyn Case; 2] = array::from_fn(|index| match self.ops[index] {
                Put(_) => &sends[index] as &dyn Case,
                Receive(_) => &receives[index],
            });
            let claim = Claim::new();
            // SAFETY: the cases are new and pinned, and `block_on` drives it to its end.
            let selected = me.block_on(unsafe { Select::new(&cases, &claim, self.waits) });
            let index = match selected {
                Some(Selected::Case(index)) => index,
                Some(Selected::Again) => continue,
                Some(Selected::Nothing) | None => return Nothing,
            };
            return match self.ops[index] {
                Receive(on) => {
                    receives[index].finish().map_or(Closed(on), |message| Received(on, message.number()))
                }
                Put(on) if self.keeps => match sends[index].finish(model.message(self.message)) {
                    Ok(()) => Sent(on),
                    Err(_) => Closed(on),
                },
                Put(_) => {
                    sends[index].abandon();
                    Nothing
                }
            };
        }
    }
}

fn sorted(mut met: [Met; 2]) -> [Met; 2] {
    met.sort();
    met
}

/// Catches: a claim that is won twice, or kept by a select that goes on; a sender that nobody tells.
#[test]
fn two_selects_receive_in_opposite_order_from_one_that_sends() {
    check("two receive, one sends", 2, || {
        let model = Model::new([0, 0]);
        let wishes = [wish([Receive(0), Receive(1)], 0), wish([Receive(1), Receive(0)], 0)];
        let selecting = wishes.map(|wish| spawn(&model, move |model, me| wish.select(model, me)));
        let me = Thread::new();
        assert!(model.send(&me, 0, 10) && model.send(&me, 1, 11));
        let met = selecting.map(|selecting| selecting.join().unwrap());
        assert_eq!(sorted(met), [Received(0, 10), Received(1, 11)]);
        model.all_dropped();
    });
}

/// Catches: a receiver that stays engaged to a select which went elsewhere, a promise that two are told of.
#[test]
fn two_selects_send_in_opposite_order_to_one_that_receives() {
    check("two send, one receives", 2, || {
        let model = Model::new([0, 0]);
        let wishes = [wish([Put(0), Put(1)], 1), wish([Put(1), Put(0)], 2)];
        let selecting = wishes.map(|wish| spawn(&model, move |model, me| wish.select(model, me)));
        let me = Thread::new();
        let received = [0, 1].map(|on| model.receive(&me, on).expect("it is open"));
        let met = selecting.map(|selecting| selecting.join().unwrap());
        for (on, message) in received.into_iter().enumerate() {
            assert_eq!(met[message - 1], Sent(on));
        }
        assert_ne!(met[0], met[1]);
        model.all_dropped();
    });
}

/// Catches: two selects that wait for each other, or meet twice; a third that takes what was promised, or is told of nothing.
#[test]
fn two_selects_meet_and_a_third_takes_from_one() {
    check("two meet, one takes", 2, || {
        let model = Model::new([0, 0]);
        let wishes = [wish([Put(0), Receive(1)], 1), wish([Put(1), Receive(0)], 2)];
        let selecting = wishes.map(|wish| spawn(&model, move |model, me| wish.select(model, me)));
        let me = Thread::new();
        let taken = model.try_receive(&me, 0);
        if taken.is_some() {
            assert_eq!((taken, model.receive(&me, 1)), (Some(1), Some(2)), "it is what is left");
        }
        let met = selecting.map(|selecting| selecting.join().unwrap());
        let expected: &[[Met; 2]] = match taken {
            Some(_) => &[[Sent(0), Sent(1)]],
            None => &[[Sent(0), Received(0, 1)], [Received(1, 2), Sent(1)]],
        };
        assert!(expected.contains(&met), "{taken:?} {met:?}");
        model.all_dropped();
    });
}

/// Catches: as above, where the third is one that sends.
#[test]
fn two_selects_meet_and_a_third_sends_to_one() {
    check("two meet, one sends", 2, || {
        let model = Model::new([0, 0]);
        let wishes = [wish([Put(0), Receive(1)], 1), wish([Receive(0), Put(1)], 2)];
        let selecting = wishes.map(|wish| spawn(&model, move |model, me| wish.select(model, me)));
        let sent = model.channels[1].try_send(model.message(3)).is_ok();
        if sent {
            assert_eq!(model.receive(&Thread::new(), 1), Some(2), "it is what is left");
        }
        let met = selecting.map(|selecting| selecting.join().unwrap());
        let expected: &[[Met; 2]] = match sent {
            true => &[[Received(1, 3), Sent(1)]],
            false => &[[Sent(0), Received(0, 1)], [Received(1, 2), Sent(1)]],
        };
        assert!(expected.contains(&met), "{sent} {met:?}");
        model.all_dropped();
    });
}

/// Catches: a close that tells the first select only, or one that is granted something else already.
#[test]
fn the_last_sender_leaves_while_two_selects_receive() {
    check("two receive, the sender leaves", 2, || {
        let model = Model::new([0, 0]);
        let wishes = [wish([Receive(0), Receive(1)], 0), wish([Receive(1), Receive(0)], 0)];
        let selecting = wishes.map(|wish| spawn(&model, move |model, me| wish.select(model, me)));
        assert!(model.send(&Thread::new(), 0, 10));
        model.channels[0].drop_sender();
        let met = selecting.map(|selecting| selecting.join().unwrap());
        assert_eq!(sorted(met), [Received(0, 10), Closed(0)]);
        model.all_dropped();
    });
}

/// Catches: as above; a close that is taken for a promise.
#[test]
fn the_last_receiver_leaves_while_two_selects_send() {
    check("two send, the receiver leaves", 2, || {
        let model = Model::new([0, 0]);
        let wishes = [wish([Put(0), Put(1)], 1), wish([Put(1), Put(0)], 2)];
        let selecting = wishes.map(|wish| spawn(&model, move |model, me| wish.select(model, me)));
        let received = model.receive(&Thread::new(), 0).expect("it is open");
        model.channels[0].drop_receiver();
        let met = selecting.map(|selecting| selecting.join().unwrap());
        assert_eq!((met[received - 1], met[2 - received]), (Sent(0), Closed(0)));
        model.all_dropped();
    });
}

/// Catches: one of two that meet is told of the close as well, and the other waits for it.
#[test]
fn a_close_meets_two_selects_that_meet() {
    check("two meet, one closes", 3, || {
        let model = Model::new([0, 0]);
        let wishes = [wish([Put(0), Receive(1)], 1), wish([Receive(1), Receive(0)], 2)];
        let selecting = wishes.map(|wish| spawn(&model, move |model, me| wish.select(model, me)));
        model.channels[1].drop_sender();
        let met = selecting.map(|selecting| selecting.join().unwrap());
        let expected = [[Sent(0), Received(0, 1)], [Closed(1), Closed(1)]];
        assert!(expected.contains(&met), "{met:?}");
        model.all_dropped();
    });
}

/// Catches: a cancelled select that takes the other's claim along, or leaves it engaged. A timeout ends in the same.
#[test]
fn a_cancel_of_a_select_meets_another_select() {
    check("two meet, one is cancelled", 2, || {
        let model = Model::new([0, 0]);
        let cancelled = Thread::new();
        let theirs = wish([Put(0), Receive(1)], 1);
        let first = spawn_as(&model, &cancelled, move |model, me| theirs.select(model, me));
        let other = wish([Put(1), Receive(0)], 2);
        let second = spawn(&model, move |model, me| other.select(model, me));
        cancelled.cancel();
        let first = first.join().unwrap();
        if first == Nothing {
            assert_eq!(model.receive(&Thread::new(), 1), Some(2), "the other is still there");
        }
        let met = [first, second.join().unwrap()];
        let expected = [[Sent(0), Received(0, 1)], [Received(1, 2), Sent(1)], [Nothing, Sent(1)]];
        assert!(expected.contains(&met), "{met:?}");
        model.all_dropped();
    });
}

/// Catches: a select without a wait that leaves a mark in a line, or says that there is nothing when it has won.
#[test]
fn a_select_that_does_not_wait_meets_one_that_does_and_a_sender() {
    check("two meet, one does not wait, one sends", 3, || {
        let model = Model::new([0, 0]);
        let hasty = Wish { waits: false, ..wish([Put(0), Receive(1)], 1) };
        let hasty = spawn(&model, move |model, me| hasty.select(model, me));
        let patient = wish([Put(1), Receive(0)], 2);
        let patient = spawn(&model, move |model, me| patient.select(model, me));
        let sent = model.channels[0].try_send(model.message(3)).is_ok();
        let hasty = hasty.join().unwrap();
        if hasty == Nothing && !sent {
            assert!(model.send(&Thread::new(), 0, 3), "the patient one is still there");
        }
        let met = [hasty, patient.join().unwrap()];
        let expected: &[[Met; 2]] = match hasty {
            Nothing => &[[Nothing, Received(0, 3)]],
            _ => &[[Sent(0), Received(0, 1)], [Received(1, 2), Sent(1)]],
        };
        assert!(expected.contains(&met) && (hasty == Nothing || !sent), "{sent} {met:?}");
        model.all_dropped();
    });
}

/// Catches: a select that stays engaged to one that does not send after all, or forgets the other channel over it.
#[test]
fn a_promise_is_broken_to_a_select_that_another_sends_to() {
    check("one breaks its promise, one sends", 3, || {
        let model = Model::new([0, 0]);
        let breaks = Wish { waits: false, keeps: false, ..wish([Put(0), Put(0)], 1) };
        let breaking = spawn(&model, move |model, me| breaks.select(model, me));
        let receives = wish([Receive(0), Receive(1)], 0);
        let receiving = spawn(&model, move |model, me| receives.select(model, me));
        assert!(model.send(&Thread::new(), 1, 7));
        assert_eq!(breaking.join().unwrap(), Nothing);
        assert_eq!(receiving.join().unwrap(), Received(1, 7));
        model.all_dropped();
    });
}

/// Catches: an engaged select that is cancelled and written to, or goes with its message.
#[test]
fn a_cancel_of_a_select_meets_a_promise() {
    check("one is promised to, and cancelled", 3, || {
        let model = Model::new([0, 0]);
        let cancelled = Thread::new();
        let receives = wish([Receive(1), Receive(0)], 0);
        let receiving = spawn_as(&model, &cancelled, move |model, me| receives.select(model, me));
        let sends = Wish { waits: false, ..wish([Put(1), Put(0)], 1) };
        let sending = spawn(&model, move |model, me| sends.select(model, me));
        cancelled.cancel();
        match (sending.join().unwrap(), receiving.join().unwrap()) {
            (Sent(on), Nothing) => assert_eq!(model.left(on), Some(1), "it waits for the next"),
            (Sent(on), received) => assert_eq!(received, Received(on, 1)),
            met => assert_eq!(met, (Nothing, Nothing)),
        }
        assert_eq!((model.left(0), model.left(1)), (None, None));
        model.all_dropped();
    });
}
