use std::pin::pin;

use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use super::{
    check_bounded,
    event::{Onlooker, is_woken},
    waiting::{InLine, Thread},
};
use crate::lockfree::{
    notify::{By, Notify},
    wait_list::Operation,
};

type Shared = Arc<Notify<InLine>>;

fn new() -> Shared {
    Arc::new(Notify::new())
}

/// As the shell: `None` if it was cancelled.
fn wait(notify: &Notify<InLine>, me: &Thread) -> Option<By> {
    if notify.try_take() { Some(By::One) } else { me.block_on(notify.wait()) }
}

fn spawn_waiter(notify: &Shared) -> thread::JoinHandle<Option<By>> {
    let notify = Arc::clone(notify);
    thread::spawn(move || wait(&notify, &Thread::new()))
}

/// Catches: a notification that comes between a waiter's look and its place in line, and is lost; what was done before it
/// not seen.
#[test]
fn a_notification_meets_a_wait() {
    model(|| {
        let (notify, data) = (new(), Arc::new(AtomicBool::new(false)));
        let (theirs, said) = (Arc::clone(&notify), Arc::clone(&data));
        let waiter = thread::spawn(move || {
            assert_eq!(wait(&theirs, &Thread::new()), Some(By::One));
            assert!(said.load(Relaxed), "what was before the notification is seen");
        });
        data.store(true, Relaxed);
        notify.notify_one();
        waiter.join().unwrap();
        assert!(!notify.try_take() && !notify.is_queued());
    });
}

/// Catches: a second in line that is not woken, a permit beside a line.
#[test]
fn two_notifications_meet_two_in_line() {
    model(|| {
        let notify = Arc::new(Notify::<Onlooker>::new());
        let mut waits = [notify.wait(), notify.wait()];
        let nodes = waits.each_mut().map(|wait| Box::pin(Onlooker::node(wait)));
        let theirs = Arc::clone(&notify);
        let mut come = waits.iter_mut().zip(&nodes).map(|(wait, node)| wait.begin(node.as_ref()));
        assert!(come.next().is_some_and(|by| by.is_none()));
        let notifier = thread::spawn(move || theirs.notify_one());
        let second = come.next().expect("two come");
        notify.notify_one();
        notifier.join().unwrap();
        assert!(is_woken(nodes[0].as_ref()), "who was first goes first");
        assert!(second.is_none() && is_woken(nodes[1].as_ref()));
        assert!(!notify.try_take() && !notify.is_queued());
    });
}

/// Catches: a notification of one who is cancelled at that moment that is lost, or doubled.
#[test]
fn a_cancel_meets_a_notification() {
    check_bounded(2, || {
        let notify = new();
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&notify));
        let first = thread::spawn(move || wait(&theirs, &me).is_some());
        let second = spawn_waiter(&notify);
        cancelled.cancel();
        notify.notify_one();
        // Done or not: the notification is the one's or the other's.
        if first.join().unwrap() {
            notify.notify_one();
        }
        assert_eq!(second.join().unwrap(), Some(By::One));
        assert!(!notify.try_take() && !notify.is_queued());
    });
}

/// Catches: a notification that a dropped future keeps.
#[test]
fn a_dropped_future_passes_on_what_is_nobody_elses() {
    model(|| {
        let notify = Arc::new(Notify::<Onlooker>::new());
        let mut waits = [notify.wait(), notify.wait()];
        let nodes = waits.each_mut().map(|wait| Box::pin(Onlooker::node(wait)));
        for (wait, node) in waits.iter_mut().zip(&nodes) {
            assert!(wait.begin(node.as_ref()).is_none());
        }
        let theirs = Arc::clone(&notify);
        let notifier = thread::spawn(move || theirs.notify_one());
        // As its `Drop`.
        if let Some(by) = waits[0].give_up(nodes[0].as_ref()) {
            waits[0].put_back(by);
        }
        notifier.join().unwrap();
        assert!(is_woken(nodes[1].as_ref()));
        assert!(!notify.try_take() && !notify.is_queued());
    });
}

/// Catches: a `notify_one` that a `notify_waiters` swallows, or the other way round; a permit out of nothing.
#[test]
fn one_notification_and_a_call_to_all() {
    check_bounded(2, || {
        let notify = new();
        let waiter = spawn_waiter(&notify);
        let theirs = Arc::clone(&notify);
        let caller = thread::spawn(move || theirs.notify_waiters());
        notify.notify_one();
        let by = waiter.join().unwrap();
        caller.join().unwrap();
        assert_eq!(notify.try_take(), by == Some(By::All), "the permit is there if nobody has it");
        assert!(!notify.is_queued());
    });
}

/// Catches: a call between the look at a state and the wait that is lost, and one whose reason was not seen.
#[test]
fn a_call_counts_from_when_the_wait_was_made() {
    model(|| {
        let (notify, state) = (new(), Arc::new(AtomicBool::new(false)));
        let (theirs, seen) = (Arc::clone(&notify), Arc::clone(&state));
        let waiter = thread::spawn(move || {
            let me = Thread::new();
            let wait = theirs.wait();
            if !seen.load(Relaxed) {
                assert_eq!(me.block_on(wait), Some(By::All));
                assert!(seen.load(Relaxed));
            }
        });
        state.store(true, Relaxed);
        notify.notify_waiters();
        waiter.join().unwrap();
        assert!(!notify.try_take() && !notify.is_queued());
    });
}

/// Catches: a call that leaves one behind, wakes one twice, or goes on to one that came later; one that makes a permit
/// for a dropped future.
#[test]
fn a_call_in_batches_wakes_those_who_waited() {
    model(|| {
        let notify = Arc::new(Notify::<Onlooker>::new());
        let mut waits = [notify.wait(), notify.wait(), notify.wait()];
        let nodes = waits.each_mut().map(|wait| Box::pin(Onlooker::node(wait)));
        for (wait, node) in waits.iter_mut().zip(&nodes) {
            assert!(wait.begin(node.as_ref()).is_none());
        }
        let theirs = Arc::clone(&notify);
        let caller = thread::spawn(move || theirs.notify_waiters());
        // Who has seen the first of them granted came after the call.
        let is_late = nodes[0].is_granted();
        let mut wait = notify.wait();
        let new = pin!(Onlooker::node(&mut wait));
        let new = new.as_ref();
        assert!(!is_late || wait.begin(new).is_none());
        caller.join().unwrap();
        assert!(nodes.iter().all(|node| is_woken(node.as_ref())));
        assert!(!is_woken(new));
        assert_eq!(notify.is_queued(), is_late);
        // As the `Drop` of futures.
        waits.iter_mut().zip(&nodes).for_each(|(wait, node)| {
            let by = wait.give_up(node.as_ref()).expect("it was granted");
            wait.put_back(by);
        });
        assert!(!is_late || wait.give_up(new).is_none());
        assert!(!notify.try_take() && !notify.is_queued());
    });
}

/// Catches: a second notification of a permit that is left out, a wait that takes two and sees the reason of one.
#[test]
fn what_two_notifications_tell_is_seen_by_who_takes_them_as_one() {
    check_bounded(2, || {
        let (notify, news) = (new(), Arc::new([AtomicBool::new(false), AtomicBool::new(false)]));
        let (theirs, told) = (Arc::clone(&notify), Arc::clone(&news));
        let notifier = thread::spawn(move || {
            for news in told.iter() {
                news.store(true, Relaxed);
                theirs.notify_one();
            }
        });
        let me = Thread::new();
        while !news.iter().all(|news| news.load(Relaxed)) {
            assert_eq!(me.block_on(notify.wait()), Some(By::One));
        }
        notifier.join().unwrap();
    });
}

/// Catches: a permit for one who has left meanwhile that is lost, or does not release.
#[test]
fn a_notification_for_one_who_leaves_is_for_the_next_that_comes() {
    model(|| {
        let (notify, data) = (Arc::new(Notify::<Onlooker>::new()), Arc::new(AtomicBool::new(false)));
        let mut wait = notify.wait();
        let node = pin!(Onlooker::node(&mut wait));
        assert!(wait.begin(node.as_ref()).is_none());
        let (theirs, said) = (Arc::clone(&notify), Arc::clone(&data));
        let notifier = thread::spawn(move || {
            said.store(true, Relaxed);
            theirs.notify_one();
        });
        if wait.give_up(node.as_ref()).is_none() {
            while !notify.try_take() {
                thread::yield_now();
            }
        }
        assert!(data.load(Relaxed));
        notifier.join().unwrap();
        assert!(!notify.try_take() && !notify.is_queued());
    });
}

/// Catches: a call to a line that does not release: one who waits for the next call only has not seen its reason.
#[test]
fn who_does_not_wait_for_a_call_has_seen_its_reason() {
    model(|| {
        let (notify, state) = (Arc::new(Notify::<Onlooker>::new()), Arc::new(AtomicBool::new(false)));
        let mut first = notify.wait();
        let in_line = pin!(Onlooker::node(&mut first));
        assert!(first.begin(in_line.as_ref()).is_none());
        let (theirs, told) = (Arc::clone(&notify), Arc::clone(&state));
        let comes = thread::spawn(move || {
            let mut wait = theirs.wait();
            let seen = told.load(Relaxed);
            let node = Box::pin(Onlooker::node(&mut wait));
            (wait.begin(node.as_ref()).is_some(), seen, node)
        });
        state.store(true, Relaxed);
        notify.notify_waiters();
        let (passed, seen, node) = comes.join().unwrap();
        assert!(passed || seen || is_woken(node.as_ref()));
        assert!(is_woken(in_line.as_ref()));
        notify.notify_waiters();
        assert!(passed || is_woken(node.as_ref()));
    });
}
