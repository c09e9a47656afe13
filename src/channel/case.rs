//! The cases of a select, and how one is chosen. What the macros expand to is here, and public for them alone.

#![allow(unsafe_code)]

use std::{cell::Cell, fmt, mem::ManuallyDrop};

use super::{Receiver, RecvError, SendError, Sender, clock::Clock, receiver::Flavor};
use crate::{
    lockfree::channel_select::{Case, Claim, Ready, ReceiveCase, Select, Selected, SendCase, Tried},
    sched::{
        self,
        clock::Nanos,
        wait::{self, WaitsFor, Who},
    },
    time::Duration,
};

/// A receive. It has no drop glue, so that a channel may be moved or dropped in the body of a case.
pub struct Receiving<'a, T>(From<'a, T>);

enum From<'a, T> {
    Channel(ReceiveCase<'a, Who, T>),
    Clock(&'a dyn Clock<T>, ManuallyDrop<Cell<Option<T>>>),
    Never,
}

/// A send, with its message to come; as above.
pub struct Sending<'a, T>(SendCase<'a, Who, T>);

/// The right to send. Given back when it is dropped.
pub struct Permit<'a, 'b, T>(&'b Sending<'a, T>);

/// A case of any type.
pub struct AnyCase<'c> {
    case: &'c mut (dyn Entry + 'c),
    index: usize,
}

/// How long a select waits.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Not at all.
    Now,
    /// So long.
    For(Duration),
    /// As long as it takes.
    Ever,
}

/// What none of the cases is.
pub const NONE: usize = usize::MAX;

/// What a select needs of its cases beyond the protocol.
pub(super) trait Entry: Case {
    /// When to look again.
    fn due(&self) -> Nanos {
        Nanos::NEVER
    }
    /// Makes it as new.
    fn renew(&mut self);
    /// Gives back what was selected, and not used.
    fn abandon(&mut self);
}

impl<'a, T> Receiving<'a, T> {
    /// A receive from this.
    pub fn new(receiver: &'a Receiver<T>) -> Self {
        Self(match &receiver.flavor {
            Flavor::Channel(channel) => From::Channel(ReceiveCase::new(channel, Who::current())),
            Flavor::Clock(clock) => From::Clock(&**clock, ManuallyDrop::new(Cell::new(None))),
            Flavor::Never => From::Never,
        })
    }

    /// As a case of any type.
    pub fn case(&mut self) -> AnyCase<'_> {
        AnyCase { case: self, index: 0 }
    }

    /// What was received, when it was selected.
    ///
    /// # Errors
    /// If there is no message, and no sender is left.
    pub fn finish(&self) -> Result<T, RecvError> {
        match &self.0 {
            From::Channel(case) => case.finish(),
            From::Clock(_, taken) => taken.take(),
            From::Never => None,
        }
        .ok_or(RecvError)
    }
}

impl<'a, T> Sending<'a, T> {
    /// A send to this.
    pub fn new(sender: &'a Sender<T>) -> Self {
        Self(SendCase::new(&sender.channel, Who::current()))
    }

    /// As a case of any type.
    pub fn case(&mut self) -> AnyCase<'_> {
        AnyCase { case: self, index: 0 }
    }

    /// The right to send, when it was selected.
    pub fn permit(&self) -> Permit<'a, '_, T> {
        Permit(self)
    }
}

impl<T> Permit<'_, '_, T> {
    /// Sends.
    ///
    /// # Errors
    /// With the message, if no receiver is left.
    pub fn send(self, message: T) -> Result<(), SendError<T>> {
        self.0.0.finish(message).map_err(SendError)
    }
}

impl<T> Drop for Permit<'_, '_, T> {
    fn drop(&mut self) {
        self.0.0.abandon();
    }
}

/// Waits for the first of `cases` that can be done, and does it. [`NONE`]: the time is up.
#[doc(hidden)]
pub fn select(cases: &mut [AnyCase<'_>], until: Until, biased: bool) -> usize {
    run(cases, until.deadline(), biased, |cases, claim, may_wait, deadline| {
        // SAFETY: the cases are new or renewed, and stay where they are under the mutable borrow that `AnyCase` is;
        // `block_on` drives the operation to its end.
        let operation = unsafe { Select::new(cases, claim, may_wait) };
        wait::block_on(operation, WaitsFor::signal("select", claim), deadline).ok()
    })
}

/// As [`select`], and only says which one it is.
pub(super) fn ready(cases: &mut [AnyCase<'_>], until: Option<Nanos>, biased: bool) -> usize {
    run(cases, until, biased, |cases, claim, may_wait, deadline| {
        // SAFETY: as in `select`.
        let operation = unsafe { Ready::new(cases, may_wait) };
        wait::block_on(operation, WaitsFor::signal("select", claim), deadline).ok()
    })
}

/// As [`select`], until a moment; `None`: it does not wait.
pub(super) fn select_until(cases: &mut [AnyCase<'_>], until: Option<Nanos>, biased: bool) -> usize {
    run(cases, until, biased, |cases, claim, may_wait, deadline| {
        // SAFETY: as in `select`.
        let operation = unsafe { Select::new(cases, claim, may_wait) };
        wait::block_on(operation, WaitsFor::signal("select", claim), deadline).ok()
    })
}

/// `wait` returns `None` if its deadline came.
#[inline(always)]
fn run<'c>(
    cases: &mut [AnyCase<'c>],
    until: Option<Nanos>,
    biased: bool,
    wait: impl Fn(&[AnyCase<'c>], &Claim, bool, Nanos) -> Option<Selected>,
) -> usize {
    for (index, case) in cases.iter_mut().enumerate() {
        case.index = index;
    }
    if !biased {
        for last in (1..cases.len()).rev() {
            cases.swap(last, sched::random_below(last + 1));
        }
    }
    loop {
        let claim = Claim::new();
        let due = cases.iter().map(|case| case.case.due()).min().unwrap_or(Nanos::NEVER);
        let deadline = until.unwrap_or(Nanos::NEVER);
        match wait(cases, &claim, until.is_some(), deadline.min(due)) {
            Some(Selected::Case(place)) => return cases[place].index,
            Some(Selected::Nothing) => return NONE,
            Some(Selected::Again) => {}
            None if due > deadline => return NONE,
            // A clock's message is due, and is taken by the next try.
            None => {}
        }
        cases.iter_mut().for_each(|case| case.case.renew());
    }
}

impl Until {
    fn deadline(self) -> Option<Nanos> {
        match self {
            Until::Now => None,
            Until::For(duration) => Some(sched::now().saturating_add(duration)),
            Until::Ever => Some(Nanos::NEVER),
        }
    }
}

/// What follows when a select that cannot end has ended.
#[cold]
pub fn ended() -> ! {
    unreachable!("one of the cases was selected")
}

/// Writes the methods of [`Case`] for something that has one inside.
macro_rules! delegate {
    ($self:ident => $case:expr) => {
        fn try_now(&$self) -> Tried { $case.try_now() }
        fn join(&$self, claim: &Claim, case: usize) -> bool { $case.join(claim, case) }
        fn watch(&$self) -> bool { $case.watch() }
        fn is_ready(&$self) -> bool { $case.is_ready() }
        fn leave(&$self) -> bool { $case.leave() }
        fn is_granted(&$self) -> bool { $case.is_granted() }
        fn is_deserted(&$self) -> bool { $case.is_deserted() }
    };
}

impl Case for AnyCase<'_> {
    delegate!(self => self.case);
}

impl<T> Case for Sending<'_, T> {
    delegate!(self => self.0);
}

impl<T> Case for Receiving<'_, T> {
    delegate!(self => self.0);
}

impl<T> Case for From<'_, T> {
    fn try_now(&self) -> Tried {
        match self {
            From::Channel(case) => case.try_now(),
            From::Clock(clock, taken) => match clock.take(sched::now()) {
                Some(message) => {
                    taken.set(Some(message));
                    Tried::Done
                }
                None => Tried::NotNow,
            },
            From::Never => Tried::NotNow,
        }
    }

    fn join(&self, claim: &Claim, index: usize) -> bool {
        match self {
            From::Channel(case) => case.join(claim, index),
            // The deadline of the select ends the wait.
            From::Clock(..) | From::Never => true,
        }
    }

    fn watch(&self) -> bool {
        match self {
            From::Channel(case) => case.watch(),
            From::Clock(..) | From::Never => true,
        }
    }

    fn is_ready(&self) -> bool {
        match self {
            From::Channel(case) => case.is_ready(),
            From::Clock(clock, _) => clock.due() <= sched::now(),
            From::Never => false,
        }
    }

    fn leave(&self) -> bool {
        matches!(self, From::Channel(case) if case.leave())
    }

    fn is_granted(&self) -> bool {
        matches!(self, From::Channel(case) if case.is_granted())
    }

    fn is_deserted(&self) -> bool {
        matches!(self, From::Channel(case) if case.is_deserted())
    }
}

impl<T> Entry for Receiving<'_, T> {
    fn due(&self) -> Nanos {
        match &self.0 {
            From::Clock(clock, _) => clock.due(),
            _ => Nanos::NEVER,
        }
    }

    fn renew(&mut self) {
        if let From::Channel(case) = &mut self.0 {
            case.renew(Who::current());
        }
    }

    fn abandon(&mut self) {
        match &self.0 {
            From::Channel(case) => case.abandon(),
            From::Clock(_, taken) => drop(taken.take()),
            From::Never => {}
        }
    }
}

impl<T> Entry for Sending<'_, T> {
    fn renew(&mut self) {
        self.0.renew(Who::current());
    }

    fn abandon(&mut self) {
        self.0.abandon();
    }
}

impl<'c> AnyCase<'c> {
    pub(super) fn of(case: &'c mut (dyn Entry + 'c)) -> Self {
        Self { case, index: 0 }
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiving { .. }")
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sending { .. }")
    }
}

impl<T> fmt::Debug for Permit<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Permit { .. }")
    }
}

impl fmt::Debug for AnyCase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyCase").field("index", &self.index).finish_non_exhaustive()
    }
}
