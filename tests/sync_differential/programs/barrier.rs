//! `Barrier`.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::{
    sync::{Arc, Barrier, BarrierWaitResult},
    thread,
};
use crate::seen::Seen;

pub(crate) fn all_wait_for_all() -> Vec<String> {
    let mut seen = Seen::new();
    let barrier = Arc::new(Barrier::new(5));
    let before = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..5)
        .map(|_| {
            let (barrier, before) = (Arc::clone(&barrier), Arc::clone(&before));
            thread::spawn(move || {
                before.fetch_add(1, SeqCst);
                let leader = barrier.wait().is_leader();
                (before.load(SeqCst), leader)
            })
        })
        .collect();
    let ended: Vec<_> = handles.into_iter().map(|handle| handle.join().unwrap()).collect();
    seen.note("came before", ended.iter().map(|(before, _)| *before).collect::<Vec<_>>());
    seen.note("leaders", ended.iter().filter(|(_, leader)| *leader).count());
    seen.end()
}

pub(crate) fn nobody_passes_early() -> Vec<String> {
    let mut seen = Seen::new();
    let (barrier, passed) = (Barrier::new(3), AtomicUsize::new(0));
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                barrier.wait();
                passed.fetch_add(1, SeqCst);
            });
        }
        (0..20).for_each(|_| thread::yield_now());
        seen.note("passed before the last", passed.load(SeqCst));
        barrier.wait();
    });
    seen.note("passed", passed.load(SeqCst));
    seen.end()
}

pub(crate) fn it_is_used_again_and_again() -> Vec<String> {
    let mut seen = Seen::new();
    let (barrier, leaders) = (Barrier::new(3), AtomicUsize::new(0));
    let (round, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                for this in 0..25 {
                    if round.load(SeqCst) != this {
                        wrong.fetch_add(1, SeqCst);
                    }
                    if barrier.wait().is_leader() {
                        leaders.fetch_add(1, SeqCst);
                        round.fetch_add(1, SeqCst);
                    }
                    barrier.wait();
                }
            });
        }
    });
    seen.note("leaders", leaders.load(SeqCst));
    seen.note("out of step", wrong.load(SeqCst));
    seen.end()
}

pub(crate) fn of_one_and_of_none() -> Vec<String> {
    let mut seen = Seen::new();
    let one = Barrier::new(1);
    seen.texts("one", &one.wait());
    seen.note("again", one.wait().is_leader());
    let none = Barrier::new(0);
    seen.texts("none", &none.wait());
    seen.note("again", none.wait().is_leader());
    seen.end()
}

pub(crate) fn two_by_two() -> Vec<String> {
    let mut seen = Seen::new();
    let barrier = Barrier::new(2);
    let leaders = thread::scope(|s| {
        let handles: Vec<_> = (0..6).map(|_| s.spawn(|| barrier.wait().is_leader())).collect();
        handles.into_iter().filter(|_| true).map(|handle| usize::from(handle.join().unwrap())).sum::<usize>()
    });
    seen.note("leaders", leaders);
    seen.texts("barrier", &barrier);
    seen.end()
}

pub(crate) fn statics_and_traits() -> Vec<String> {
    static BARRIER: Barrier = Barrier::new(2);
    let mut seen = Seen::new();
    let leaders = thread::scope(|s| {
        let other = s.spawn(|| BARRIER.wait().is_leader());
        let mine = BARRIER.wait().is_leader();
        mine ^ other.join().unwrap()
    });
    seen.note("one leads", leaders);
    seen.texts("barrier", &BARRIER);
    traits!(seen, Barrier, BarrierWaitResult, Arc<Barrier>);
    seen.end()
}
