use std::pin::{Pin, pin};

use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::{
    event::{Event, Wait},
    wait_list::{Node, Operation, Waiter},
};

/// Stands in line and does not run: it counts its wake-ups.
#[derive(Default)]
pub(super) struct Onlooker(Arc<AtomicUsize>);

// SAFETY: the wake-up owns what it counts with.
unsafe impl Waiter for Onlooker {
    type Wake = Arc<AtomicUsize>;

    fn wake(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    fn deliver(wakes: Arc<AtomicUsize>) {
        wakes.fetch_add(1, Relaxed);
    }
}

impl Onlooker {
    pub(super) fn node<O: Operation<Self>>(operation: &mut O) -> Node<Self, O::Payload> {
        Node::new(Self::default(), operation.payload())
    }
}

/// Whether the onlooker was woken, once, and granted.
pub(super) fn is_woken<P>(node: Pin<&Node<Onlooker, P>>) -> bool {
    let wakes = node.waiter().0.load(Relaxed);
    assert!(wakes < 2, "woken twice");
    assert_eq!(node.is_granted(), wakes == 1);
    wakes == 1
}

/// Catches: a set that comes between a waiter's look and its place in line, and is lost; what was done before it not seen.
#[test]
fn a_set_meets_a_wait() {
    model(|| {
        let event = Arc::new(Event::<InLine>::new());
        let data = Arc::new(AtomicBool::new(false));
        let (theirs, said) = (Arc::clone(&event), Arc::clone(&data));
        let waiter = thread::spawn(move || {
            assert!(theirs.is_set() || Thread::new().block_on(Wait(&*theirs)).is_some());
            assert!(said.load(Relaxed), "what was before the set is seen");
        });
        data.store(true, Relaxed);
        event.set();
        waiter.join().unwrap();
        assert!(event.is_set());
    });
}

/// Catches: a second in line that is left behind, a waiter that two sets wake.
#[test]
fn two_sets_meet_two_waits() {
    check_bounded(2, || {
        let event = Arc::new(Event::<InLine>::new());
        let waiters = [(); 2].map(|()| {
            let theirs = Arc::clone(&event);
            thread::spawn(move || Thread::new().block_on(Wait(&*theirs)).is_some())
        });
        let theirs = Arc::clone(&event);
        let setter = thread::spawn(move || theirs.set());
        event.set();
        setter.join().unwrap();
        waiters.into_iter().for_each(|waiter| assert!(waiter.join().unwrap()));
    });
}

/// Catches: a set that goes lost with who gives up, a place in line that stays, `QUEUED` without anybody.
#[test]
fn a_cancel_meets_a_set() {
    check_bounded(2, || {
        let event = Arc::new(Event::<InLine>::new());
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&event));
        let first = thread::spawn(move || me.block_on(Wait(&*theirs)).is_some());
        let theirs = Arc::clone(&event);
        let second = thread::spawn(move || assert!(Thread::new().block_on(Wait(&*theirs)).is_some()));
        cancelled.cancel();
        event.set();
        second.join().unwrap();
        first.join().unwrap();
        assert!(event.is_set() && !event.is_queued());
    });
}

/// Catches: a moment that is not taken with the set itself, or a set that goes on to those who came after a clear.
#[test]
fn a_set_that_is_taken_back_is_not_for_those_who_come_after() {
    model(|| {
        let event = Arc::new(Event::<Onlooker>::new());
        let mut old = [Wait(&*event), Wait(&*event), Wait(&*event)];
        let nodes = old.each_mut().map(|wait| Box::pin(Onlooker::node(wait)));
        for (wait, node) in old.iter_mut().zip(&nodes) {
            assert!(wait.begin(node.as_ref()).is_none());
        }
        let theirs = Arc::clone(&event);
        let setter = thread::spawn(move || theirs.set());
        let mut wait = Wait(&*event);
        let new = pin!(Onlooker::node(&mut wait));
        let new = new.as_ref();
        // Not `is_set` first: loom tries no other order of two threads that both begin with a load of one word.
        let has_begun = nodes[0].is_granted();
        event.clear();
        let passed = wait.begin(new).is_some();
        setter.join().unwrap();
        assert!(nodes.iter().all(|node| is_woken(node.as_ref())), "all that waited before are");
        // Whether the set was before the clear.
        let taken_back = !event.is_set();
        assert!(!has_begun || taken_back, "it sets it once");
        assert!(!passed || !taken_back);
        assert_eq!(is_woken(new), !passed && !taken_back);
        assert_eq!(event.is_queued(), taken_back);
        event.set();
        assert!(passed || is_woken(new));
        assert!(event.is_set() && !event.is_queued());
    });
}

/// Catches: a set that does not release if somebody is in line: one who does not wait sees it, and not what was before.
#[test]
fn what_was_before_a_set_that_wakes_is_seen_by_who_looks() {
    model(|| {
        let (event, data) = (Arc::new(Event::<Onlooker>::new()), Arc::new(AtomicBool::new(false)));
        let mut wait = Wait(&*event);
        let node = pin!(Onlooker::node(&mut wait));
        assert!(wait.begin(node.as_ref()).is_none());
        let (theirs, said) = (Arc::clone(&event), Arc::clone(&data));
        let looker = thread::spawn(move || assert!(!theirs.is_set() || said.load(Relaxed)));
        data.store(true, Relaxed);
        event.set();
        looker.join().unwrap();
        assert!(is_woken(node.as_ref()));
    });
}

/// Catches: `QUEUED` that stays when the last in line has given up, or goes with another.
#[test]
fn two_give_up_and_one_stays() {
    model(|| {
        let event = Arc::new(Event::<Onlooker>::new());
        let leave_at_once = |event: &Event<Onlooker>| {
            let mut wait = Wait(event);
            let node = pin!(Onlooker::node(&mut wait));
            assert!(wait.begin(node.as_ref()).is_none());
            assert!(event.is_queued());
            assert!(wait.give_up(node.as_ref()).is_none());
        };
        let theirs = Arc::clone(&event);
        let other = thread::spawn(move || leave_at_once(&theirs));
        leave_at_once(&event);
        other.join().unwrap();
        assert!(!event.is_queued());
        let mut wait = Wait(&*event);
        let stays = pin!(Onlooker::node(&mut wait));
        assert!(wait.begin(stays.as_ref()).is_none());
        leave_at_once(&event);
        assert!(event.is_queued());
        event.set();
        assert!(is_woken(stays.as_ref()));
    });
}

/// Catches: one of a chunked line that leaves while the set is at work, and takes its neighbours' wake-ups along.
#[test]
fn one_leaves_between_the_batches_of_a_set() {
    model(|| {
        let event = Arc::new(Event::<Onlooker>::new());
        let mut waits = [Wait(&*event), Wait(&*event), Wait(&*event)];
        let nodes = waits.each_mut().map(|wait| Box::pin(Onlooker::node(wait)));
        for (wait, node) in waits.iter_mut().zip(&nodes) {
            assert!(wait.begin(node.as_ref()).is_none());
        }
        let theirs = Arc::clone(&event);
        let setter = thread::spawn(move || theirs.set());
        let granted = waits[2].give_up(nodes[2].as_ref()).is_some();
        setter.join().unwrap();
        assert!(nodes[..2].iter().all(|node| is_woken(node.as_ref())));
        assert_eq!(is_woken(nodes[2].as_ref()), granted);
        assert!(!event.is_queued());
    });
}

/// Catches: a set of what is set already that is left out, a clear that does not acquire: news that nobody sees.
#[test]
fn what_a_clear_takes_back_is_seen() {
    check_bounded(3, || {
        let event = Arc::new(Event::<InLine>::new());
        let news = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let (theirs, told) = (Arc::clone(&event), Arc::clone(&news));
        let setter = thread::spawn(move || {
            for news in told.iter() {
                news.store(true, Relaxed);
                theirs.set();
            }
        });
        let me = Thread::new();
        while !news.iter().all(|news| news.load(Relaxed)) {
            assert!(event.is_set() || me.block_on(Wait(&*event)).is_some());
            event.clear();
        }
        setter.join().unwrap();
    });
}
