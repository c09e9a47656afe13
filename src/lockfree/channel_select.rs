//! Selecting: one waiter that stands in the lines of several channels, and takes what comes first.
//!
//! A select *tries* each case, and stands in no line meanwhile. If none can be done, it *joins* each line, unless it finds
//! that the case could be done by now: then it leaves all lines and tries again, unless somebody was faster and has won its
//! claim. So while it stands in line it is granted things and grants none, and two selects that meet need one claim, not
//! two. And none that goes by itself leaves somebody behind who has promised it a message: only a cancel or a timeout does.

use std::{mem::ManuallyDrop, pin::Pin};

pub(crate) use super::channel_claim::Claim;
use super::{
    channel::{Channel, NotReceived},
    channel_state::{Place, Seat, Standing, stand},
    wait_list::{Node, Operation, Waiter},
};

/// A case of a select, whatever its channel carries.
pub(crate) trait Case {
    /// Does it now. The select is in no line.
    fn try_now(&self) -> Tried;
    /// Joins the line, for the select with this claim, as its `case`th. False: it can be done now.
    fn join(&self, claim: &Claim, case: usize) -> bool;
    /// Stands by to hear when it can be done. False: it can be done now.
    fn watch(&self) -> bool;
    /// Whether it can be done.
    fn is_ready(&self) -> bool;
    /// Leaves the line. True: it was granted before.
    fn leave(&self) -> bool;
    /// Whether it has been granted.
    fn is_granted(&self) -> bool;
    /// Whether what it was granted came to nothing, and the select is to begin anew.
    fn is_deserted(&self) -> bool;
}

impl<C: Case + ?Sized> Case for &C {
    fn try_now(&self) -> Tried {
        (**self).try_now()
    }
    fn join(&self, claim: &Claim, case: usize) -> bool {
        (**self).join(claim, case)
    }
    fn watch(&self) -> bool {
        (**self).watch()
    }
    fn is_ready(&self) -> bool {
        (**self).is_ready()
    }
    fn leave(&self) -> bool {
        (**self).leave()
    }
    fn is_granted(&self) -> bool {
        (**self).is_granted()
    }
    fn is_deserted(&self) -> bool {
        (**self).is_deserted()
    }
}

/// How a try went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    Done,
    /// Another select is about to send to it: it will be granted, and the rest is off.
    Engaged,
    NotNow,
}

/// How a select ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selected {
    /// By this case.
    Case(usize),
    /// None can be done now.
    Nothing,
    /// To be begun anew, with new cases.
    Again,
}

/// To do one of some cases, waiting if need be.
pub(crate) struct Select<'s, C> {
    cases: &'s [C],
    claim: &'s Claim,
    may_wait: bool,
    /// The case that it waits for alone.
    engaged: Option<usize>,
}

/// To learn which of some cases can be done.
pub(crate) struct Ready<'s, C> {
    cases: &'s [C],
    may_wait: bool,
}

/// A receive, as a case. It has no drop glue, so that it does not prolong the borrow of the channel: what it was granted
/// is taken at once, and its waiter is a thread, which needs no drop.
pub(crate) struct ReceiveCase<'a, W, T> {
    channel: &'a Channel<W, T>,
    node: ManuallyDrop<Place<W, T>>,
}

/// A send, as a case, with its message to come; otherwise as above.
pub(crate) struct SendCase<'a, W, T> {
    channel: &'a Channel<W, T>,
    node: ManuallyDrop<Place<W, T>>,
}

impl<'s, C: Case> Select<'s, C> {
    /// # Safety
    /// The cases are new or renewed. They (or what they refer to, if they refer) are neither moved nor dropped before the
    /// operation has come to its end, to which the caller drives it.
    pub(crate) unsafe fn new(cases: &'s [C], claim: &'s Claim, may_wait: bool) -> Self {
        Self { cases, claim, may_wait, engaged: None }
    }

    /// Leaves all lines. The case that was granted before, if one was.
    fn leave_all(&self) -> Option<Selected> {
        let mut granted = None;
        for (index, case) in self.cases.iter().enumerate() {
            if case.leave() {
                debug_assert!(granted.is_none(), "a claim is won once");
                granted = Some(index);
            }
        }
        let index = granted?;
        Some(if self.cases[index].is_deserted() { Selected::Again } else { Selected::Case(index) })
    }

    /// Tries each. `None`: it is engaged.
    fn try_all(&mut self) -> Option<Selected> {
        for (index, case) in self.cases.iter().enumerate() {
            match case.try_now() {
                Tried::Done => return Some(Selected::Case(index)),
                Tried::Engaged => {
                    self.engaged = Some(index);
                    return None;
                }
                Tried::NotNow => {}
            }
        }
        Some(Selected::Nothing)
    }
}

// SAFETY: the node of the operation is in no list at all. Those of its cases are in none when it ends: `begin` joins lines
// only to return `None`, or leaves them all; `look` and `give_up` leave them all before they return `Some`.
unsafe impl<W: Waiter, C: Case> Operation<W> for Select<'_, C> {
    type Payload = ();
    type Output = Selected;

    fn payload(&mut self) {}

    fn begin(&mut self, node: Pin<&Node<W, ()>>) -> Option<Selected> {
        loop {
            let tried = self.try_all()?;
            if tried != Selected::Nothing {
                return Some(tried);
            }
            let joined = self.cases.iter().enumerate().all(|(index, case)| case.join(self.claim, index));
            if joined && self.may_wait {
                return None;
            }
            if !self.claim.leave() {
                // It has been granted something, or a select is about to send to it: this it waits for.
                return <Self as Operation<W>>::look(self, node);
            }
            let granted = self.leave_all();
            debug_assert!(granted.is_none(), "nobody else has won");
            // It stood in all lines at once, and nothing came: there was a moment when none could be done. To have tried one
            // after the other says less: what came to the first may have gone from the last since.
            if joined {
                return Some(Selected::Nothing);
            }
            self.claim.free();
        }
    }

    fn look(&mut self, _: Pin<&Node<W, ()>>) -> Option<Selected> {
        let index = self.engaged.or_else(|| self.claim.winner())?;
        // Not so yet if it is engaged.
        if self.cases[index].is_granted() { self.leave_all() } else { None }
    }

    fn give_up(&mut self, _: Pin<&Node<W, ()>>) -> Option<Selected> {
        self.leave_all()
    }

    fn put_back(&mut self, _: Selected) {}
}

impl<'s, C: Case> Ready<'s, C> {
    /// # Safety
    /// As [`Select::new`].
    pub(crate) unsafe fn new(cases: &'s [C], may_wait: bool) -> Self {
        Self { cases, may_wait }
    }

    fn leave_all(&self) {
        for case in self.cases {
            case.leave();
        }
    }

    fn ready(&self) -> Option<Selected> {
        self.cases.iter().position(|case| case.is_ready()).map(Selected::Case)
    }
}

// SAFETY: as for `Select`.
unsafe impl<W: Waiter, C: Case> Operation<W> for Ready<'_, C> {
    type Payload = ();
    type Output = Selected;

    fn payload(&mut self) {}

    fn begin(&mut self, _: Pin<&Node<W, ()>>) -> Option<Selected> {
        let ready = self.ready();
        if ready.is_some() || !self.may_wait {
            return Some(ready.unwrap_or(Selected::Nothing));
        }
        if self.cases.iter().all(|case| case.watch()) {
            return None;
        }
        self.leave_all();
        Some(Selected::Again)
    }

    fn look(&mut self, _: Pin<&Node<W, ()>>) -> Option<Selected> {
        self.leave_all();
        Some(self.ready().unwrap_or(Selected::Again))
    }

    fn give_up(&mut self, _: Pin<&Node<W, ()>>) -> Option<Selected> {
        self.leave_all();
        self.ready()
    }

    fn put_back(&mut self, _: Selected) {}
}

impl<'a, W: Waiter, T> ReceiveCase<'a, W, T> {
    pub(crate) fn new(channel: &'a Channel<W, T>, waiter: W) -> Self {
        Self { channel, node: ManuallyDrop::new(Node::new(waiter, Seat::new(None))) }
    }

    /// Makes it as new, after its operation has come to its end.
    pub(crate) fn renew(&mut self, waiter: W) {
        *self = Self::new(self.channel, waiter);
    }

    fn node(&self) -> Pin<&Place<W, T>> {
        // SAFETY: it stays where it is while it is in line, by the contract of `Select::new`.
        unsafe { Pin::new_unchecked(&self.node) }
    }

    /// What was received, once it was selected. `None`: the channel is closed.
    pub(crate) fn finish(&self) -> Option<T> {
        self.node.payload.take()
    }

    /// Gives back what was received, if anything was.
    pub(crate) fn abandon(&self) {
        if let Some(message) = self.finish() {
            self.channel.put_back(message);
        }
    }
}

impl<W: Waiter, T> Case for ReceiveCase<'_, W, T> {
    fn try_now(&self) -> Tried {
        let node = self.node();
        match self.channel.receive_or_stand(node, |_| false) {
            Some(Ok(message)) => {
                node.payload.put(message);
                Tried::Done
            }
            Some(Err(NotReceived::Closed)) => Tried::Done,
            Some(Err(_)) => Tried::NotNow,
            None => Tried::Engaged,
        }
    }

    fn join(&self, claim: &Claim, case: usize) -> bool {
        let node = self.node();
        let (joined, called) = self.channel.with(|state| {
            if state.can_receive(claim) {
                return (false, false);
            }
            node.payload.claim.set(claim);
            node.payload.case.set(case);
            // SAFETY: in no line; that it stays until it is out is the contract of `Select::new`.
            unsafe { stand(&mut state.receivers, node, Standing::Plain) };
            (true, state.capacity == 0 && !state.send_watchers.is_empty())
        });
        if called {
            self.channel.call_send_watchers(None);
        }
        joined
    }

    fn watch(&self) -> bool {
        self.channel.with(|state| {
            let wait = !state.can_receive(std::ptr::null());
            if wait {
                // SAFETY: as in `join`.
                unsafe { stand(&mut state.receive_watchers, self.node(), Standing::Watching) };
            }
            wait
        })
    }

    fn is_ready(&self) -> bool {
        self.channel.with(|state| state.can_receive(std::ptr::null()))
    }

    fn leave(&self) -> bool {
        // SAFETY: a receiver's node of this channel.
        self.channel.with(|state| !unsafe { state.remove_receiver(self.node()) } && self.node.is_granted())
    }

    fn is_granted(&self) -> bool {
        self.channel.is_granted(self.node())
    }

    fn is_deserted(&self) -> bool {
        self.node.payload.standing.get() == Standing::Deserted
    }
}

impl<'a, W: Waiter, T> SendCase<'a, W, T> {
    pub(crate) fn new(channel: &'a Channel<W, T>, waiter: W) -> Self {
        Self { channel, node: ManuallyDrop::new(Node::new(waiter, Seat::new(None))) }
    }

    /// Makes it as new, after its operation has come to its end.
    pub(crate) fn renew(&mut self, waiter: W) {
        *self = Self::new(self.channel, waiter);
    }

    fn node(&self) -> Pin<&Place<W, T>> {
        // SAFETY: as for `ReceiveCase`.
        unsafe { Pin::new_unchecked(&self.node) }
    }

    /// Takes the promise, so that it is kept or broken once. False: there was none, because the channel is closed.
    fn take_promise(&self) -> bool {
        let promised = self.node.payload.standing.get() == Standing::Promised;
        self.node.payload.standing.set(Standing::Plain);
        promised
    }

    /// Sends, once it was selected. The error is the message: the channel is closed.
    pub(crate) fn finish(&self, message: T) -> Result<(), T> {
        if !self.take_promise() {
            return Err(message);
        }
        self.channel.keep_promise(message)
    }

    /// Does not send, after it was selected.
    pub(crate) fn abandon(&self) {
        if self.take_promise() {
            self.channel.break_promise();
        }
    }
}

impl<W: Waiter, T> Case for SendCase<'_, W, T> {
    fn try_now(&self) -> Tried {
        let promised = self.channel.with(|state| state.promise(&self.node.payload));
        if promised { Tried::Done } else { Tried::NotNow }
    }

    fn join(&self, claim: &Claim, case: usize) -> bool {
        let node = self.node();
        let (joined, called) = self.channel.with(|state| {
            if state.can_send(claim) {
                return (false, false);
            }
            node.payload.claim.set(claim);
            node.payload.case.set(case);
            // SAFETY: in no line; that it stays until it is out is the contract of `Select::new`.
            unsafe { stand(&mut state.senders, node, Standing::Plain) };
            (true, state.capacity == 0 && !state.receive_watchers.is_empty())
        });
        if called {
            self.channel.call_receive_watchers(None);
        }
        joined
    }

    fn watch(&self) -> bool {
        self.channel.with(|state| {
            let wait = !state.can_send(std::ptr::null());
            if wait {
                // SAFETY: as in `join`.
                unsafe { stand(&mut state.send_watchers, self.node(), Standing::Watching) };
            }
            wait
        })
    }

    fn is_ready(&self) -> bool {
        self.channel.with(|state| state.can_send(std::ptr::null()))
    }

    fn leave(&self) -> bool {
        // SAFETY: a sender's node of this channel.
        self.channel.with(|state| !unsafe { state.remove_sender(self.node()) } && self.node.is_granted())
    }

    fn is_granted(&self) -> bool {
        self.channel.is_granted(self.node())
    }

    fn is_deserted(&self) -> bool {
        false
    }
}
