//! The channel: a buffer, a line of senders and a line of receivers, under one lock.
//!
//! ```text
//! send:     receiver in line? -> handed to it | room? -> buffered | in line, with the message in its seat
//! receive:  buffered? -> taken, and the first sender in line fills the place | sender in line? -> taken from it | in line
//! ```
//!
//! Both lines are first in, first out, and nobody overtakes: who comes finds either nobody in line or what those in
//! line do not wait for. A select stands in several lines, and who wants to grant it something wins its
//! [`Claim`](super::channel_claim::Claim) before. It sends in two steps, because its message is made when it knows that it sends:
//! it is *promised* a place, or at a rendezvous a receiver, which is *engaged* until the message comes.
//!
//! **Invariant 1.** Receivers are in line only while the buffer is empty.
//! **Invariant 2.** Senders are in line only while buffered and promised messages fill the capacity. (A message that was put
//! back, or whose receiver left before the promise was kept, may exceed it.)
//! **Invariant 3.** A sender that was granted has no message left in its seat, unless the channel is closed. A receiver that
//! was granted has one in its seat, unless the channel is closed or its select deserted it.
//! **Invariant 4.** Nobody stands in line for what is closed: closing dismisses all, and later comers see it.
//! **Invariant 5.** A select's claim outlives its nodes in lines, and a claimed one takes its node out of a line, or sees its
//! mark, under that line's lock before it leaves.
//! **Invariant 6.** Messages are moved under the lock, and neither dropped, cloned nor compared.
//!
//! What moves a message is not inlined by force in a debug build: there each step that is inlined has a place for the message
//! of its own in the caller's frame, and who sent and received took 60 times the room of a message.

use std::{cell::Cell, collections::VecDeque, mem, pin::Pin};

use super::{
    channel_state::{Place, Received, Seat, Sent, Standing, State, stand},
    spin::Guarded,
    wait_list::{Operation, Waiter},
    wakes::{Wakes, wake_all},
};
use crate::{
    atomic::{AtomicUsize, Ordering},
    backlog::KEPT,
};

/// See the [module](self).
pub(crate) struct Channel<W, T> {
    state: Guarded<State<W, T>>,
    /// How many messages were buffered when the lock was last let go.
    len: AtomicUsize,
}

/// Up to this many places a buffer is made with the channel; larger ones grow, and shrink.
const MADE_AT_ONCE: usize = KEPT;

/// Why a message could not be sent; here it is again.
#[derive(Debug)]
pub(crate) enum NotSent<T> {
    Full(T),
    Closed(T),
}

/// Why no message was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReceived {
    Empty,
    Closed,
    /// To be begun anew: a select was about to send, and did not.
    Again,
}

/// To send, waiting if need be.
pub(crate) struct Send<'a, W, T> {
    channel: &'a Channel<W, T>,
    message: Option<T>,
    /// Where the message goes if it is given up.
    back: Option<&'a mut Option<T>>,
}

/// To receive, waiting if need be.
pub(crate) struct Receive<'a, W, T> {
    channel: &'a Channel<W, T>,
    /// Whether it waits for more than a message that is about to be sent.
    may_wait: bool,
}

impl<W: Waiter, T> Channel<W, T> {
    /// With one sender and one receiver. `None`: unbounded.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        let at_once = capacity.filter(|&capacity| capacity <= MADE_AT_ONCE).unwrap_or(0);
        let state = State::new(capacity.unwrap_or(usize::MAX), VecDeque::with_capacity(at_once));
        Self { state: Guarded::new(state), len: AtomicUsize::new(0) }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut State<W, T>) -> R) -> R {
        self.state.with(|state| {
            let result = f(state);
            self.len.store(state.buffer.len(), Ordering::Relaxed);
            result
        })
    }

    /// Sends if that needs no waiting.
    #[inline]
    pub(crate) fn try_send(&self, message: T) -> Result<(), NotSent<T>> {
        match self.with(|state| state.send(message)) {
            Sent::Buffered { watched } => {
                if watched {
                    self.call_receive_watchers(None);
                }
                Ok(())
            }
            Sent::Handed(wake) => {
                deliver::<W>(wake);
                Ok(())
            }
            Sent::Full(message) => Err(NotSent::Full(message)),
            Sent::Closed(message) => Err(NotSent::Closed(message)),
        }
    }

    /// Receives if that needs no waiting. `Again`: a select is about to send, and [`Receive`] waits for it.
    #[inline]
    pub(crate) fn try_receive(&self) -> Result<T, NotReceived> {
        match self.with(State::receive) {
            Received::Got { message, wake, watched } => {
                if watched {
                    self.call_send_watchers(wake);
                } else {
                    deliver::<W>(wake);
                }
                Ok(message)
            }
            Received::Promising => Err(NotReceived::Again),
            Received::Empty => Err(NotReceived::Empty),
            Received::Closed => Err(NotReceived::Closed),
        }
    }

    /// Whether a node that was woken is granted: it may be woken just before it is marked (Invariant 2 of `wait_list`).
    #[inline(always)]
    pub(super) fn is_granted(&self, node: Pin<&Place<W, T>>) -> bool {
        node.is_granted() || self.with(|_| node.is_granted())
    }

    pub(crate) fn put_back(&self, message: T) {
        let (wake, watched) = self.with(|state| state.put_back(message));
        if watched {
            self.call_receive_watchers(wake);
        } else {
            deliver::<W>(wake);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.with(|state| state.buffer.len() >= state.capacity)
    }

    /// `None`: unbounded.
    pub(crate) fn capacity(&self) -> Option<usize> {
        self.with(|state| Some(state.capacity).filter(|&capacity| capacity != usize::MAX))
    }

    pub(crate) fn add_sender(&self) {
        self.with(|state| state.sender_count += 1);
    }

    pub(crate) fn add_receiver(&self) {
        self.with(|state| state.receiver_count += 1);
    }

    /// The last one closes the channel: what is buffered is received, and no more.
    pub(crate) fn drop_sender(&self) {
        let last = self.with(|state| {
            state.sender_count -= 1;
            state.sender_count == 0
        });
        if last {
            self.wake_after(|_| None, State::dismiss_receiver);
        }
    }

    /// The last one closes the channel, and drops what is buffered.
    pub(crate) fn drop_receiver(&self) {
        let buffered = self.with(|state| {
            state.receiver_count -= 1;
            (state.receiver_count == 0).then(|| mem::take(&mut state.buffer))
        });
        if let Some(buffered) = buffered {
            self.wake_after(|_| None, State::dismiss_sender);
            drop_each(buffered);
        }
    }

    #[cold]
    pub(super) fn call_receive_watchers(&self, first: Option<W::Wake>) {
        self.wake_after(|_| first, |state| [state.receive_watchers.grant_front(|_| ()), None]);
    }

    #[cold]
    pub(super) fn call_send_watchers(&self, first: Option<W::Wake>) {
        self.wake_after(|_| first, |state| [state.send_watchers.grant_front(|_| ()), None]);
    }

    /// Sends what a select was promised to be able to send.
    pub(super) fn keep_promise(&self, message: T) -> Result<(), T> {
        let (mut result, call) = (Ok(()), Cell::new(false));
        self.wake_after(
            |state| match state.keep_promise(message) {
                Sent::Closed(message) | Sent::Full(message) => {
                    result = Err(message);
                    None
                }
                Sent::Handed(wake) => wake,
                Sent::Buffered { watched } => {
                    call.set(watched);
                    None
                }
            },
            |state| match state.settle() {
                [None, None] if call.get() => [state.receive_watchers.grant_front(|_| ()), None],
                settled => settled,
            },
        );
        result
    }

    /// Does not send what a select was promised to be able to send.
    pub(super) fn break_promise(&self) {
        self.wake_after(State::break_promise, State::settle);
    }

    /// Makes a change, and then wakes as long as there is `next`.
    fn wake_after(
        &self,
        change: impl FnOnce(&mut State<W, T>) -> Option<W::Wake>,
        mut next: impl FnMut(&mut State<W, T>) -> [Option<W::Wake>; 2],
    ) {
        let mut change = Some(change);
        wake_all(|wakes: &mut Wakes<W>| {
            self.with(|state| {
                if let Some(change) = change.take() {
                    wakes.push(change(state));
                }
                wakes.push_while(|| next(state))
            })
        });
    }
}

#[inline(always)]
pub(super) fn deliver<W: Waiter>(wake: Option<W::Wake>) {
    if let Some(wake) = wake {
        W::deliver(wake);
    }
}

impl<'a, W, T> Send<'a, W, T> {
    /// `back` is where the message goes if it is given up; without, it is dropped with the waiter's node.
    pub(crate) fn new(channel: &'a Channel<W, T>, message: T, back: Option<&'a mut Option<T>>) -> Self {
        Self { channel, message: Some(message), back }
    }
}

impl<'a, W, T> Receive<'a, W, T> {
    pub(crate) fn new(channel: &'a Channel<W, T>, may_wait: bool) -> Self {
        Self { channel, may_wait }
    }
}

/// What a sender that was granted ends with (Invariant 3).
fn sent<W: Waiter, T>(node: Pin<&Place<W, T>>) -> Result<(), T> {
    node.payload.take().map_or(Ok(()), Err)
}

/// What a receiver that was granted ends with (Invariant 3).
pub(super) fn received<W: Waiter, T>(node: Pin<&Place<W, T>>) -> Result<T, NotReceived> {
    node.payload.take().ok_or_else(|| match node.payload.standing.get() {
        Standing::Deserted => NotReceived::Again,
        _ => NotReceived::Closed,
    })
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// is in no line; `give_up` removes it.
unsafe impl<W: Waiter, T> Operation<W> for Send<'_, W, T> {
    type Payload = Seat<W, T>;
    /// The error is the message: the channel is closed.
    type Output = Result<(), T>;

    fn payload(&mut self) -> Seat<W, T> {
        Seat::new(self.message.take())
    }

    fn begin(&mut self, node: Pin<&Place<W, T>>) -> Option<Result<(), T>> {
        let (sent, called) = self.channel.with(|state| {
            let message = node.payload.take().expect("it has not been sent");
            match state.send(message) {
                Sent::Full(message) => {
                    node.payload.put(message);
                    // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
                    unsafe { stand(&mut state.senders, node, Standing::Plain) };
                    (None, state.capacity == 0 && !state.receive_watchers.is_empty())
                }
                sent => {
                    let called = matches!(sent, Sent::Buffered { watched: true });
                    (Some(sent), called)
                }
            }
        });
        if called {
            self.channel.call_receive_watchers(None);
        }
        match sent? {
            Sent::Closed(message) | Sent::Full(message) => return Some(Err(message)),
            Sent::Handed(wake) => deliver::<W>(wake),
            Sent::Buffered { .. } => {}
        }
        Some(Ok(()))
    }

    #[inline]
    fn look(&mut self, node: Pin<&Place<W, T>>) -> Option<Result<(), T>> {
        self.channel.is_granted(node).then(|| sent(node))
    }

    fn give_up(&mut self, node: Pin<&Place<W, T>>) -> Option<Result<(), T>> {
        // SAFETY: a sender's node of this channel.
        let gone = self.channel.with(|state| unsafe { state.remove_sender(node) });
        if !gone {
            return Some(sent(node));
        }
        if let Some(back) = &mut self.back {
            **back = node.payload.take();
        }
        None
    }

    fn put_back(&mut self, _: Result<(), T>) {}
}

// SAFETY: as for `Send`.
unsafe impl<W: Waiter, T> Operation<W> for Receive<'_, W, T> {
    type Payload = Seat<W, T>;
    type Output = Result<T, NotReceived>;

    fn payload(&mut self) -> Seat<W, T> {
        Seat::new(None)
    }

    fn begin(&mut self, node: Pin<&Place<W, T>>) -> Option<Result<T, NotReceived>> {
        let may_wait = self.may_wait;
        self.channel.receive_or_stand(node, |state| {
            if may_wait {
                // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
                unsafe { stand(&mut state.receivers, node, Standing::Plain) };
            }
            may_wait
        })
    }

    #[inline]
    fn look(&mut self, node: Pin<&Place<W, T>>) -> Option<Result<T, NotReceived>> {
        self.channel.is_granted(node).then(|| received(node))
    }

    fn give_up(&mut self, node: Pin<&Place<W, T>>) -> Option<Result<T, NotReceived>> {
        // SAFETY: a receiver's node of this channel.
        let gone = self.channel.with(|state| unsafe { state.remove_receiver(node) });
        (!gone).then(|| received(node))
    }

    fn put_back(&mut self, output: Result<T, NotReceived>) {
        if let Ok(message) = output {
            self.channel.put_back(message);
        }
    }
}

impl<W: Waiter, T> Channel<W, T> {
    /// Receives, or puts the node where it waits: as `stand_in_line` does if there is nobody to receive from, which
    /// may also not do so; or with those that a select is about to send to.
    pub(super) fn receive_or_stand(
        &self,
        node: Pin<&Place<W, T>>,
        stand_in_line: impl FnOnce(&mut State<W, T>) -> bool,
    ) -> Option<Result<T, NotReceived>> {
        let mut called = false;
        let mut wake = None;
        let result = self.with(|state| {
            loop {
                match state.receive() {
                    Received::Got { message, wake: woken, watched } => {
                        (wake, called) = (woken, watched);
                        return Some(Ok(message));
                    }
                    Received::Closed => return Some(Err(NotReceived::Closed)),
                    Received::Promising => {
                        // SAFETY: a new node, which stays until it is out.
                        wake = unsafe { state.engage(node) };
                        if wake.is_some() {
                            return None;
                        }
                    }
                    Received::Empty => {
                        if !stand_in_line(state) {
                            return Some(Err(NotReceived::Empty));
                        }
                        called = state.capacity == 0 && !state.send_watchers.is_empty();
                        return None;
                    }
                }
            }
        });
        if called {
            self.call_send_watchers(wake);
        } else {
            deliver::<W>(wake);
        }
        result
    }
}

/// Drops the messages. If one of them panics, those after it are leaked: a second panic would end the process.
fn drop_each<T>(messages: VecDeque<T>) {
    struct Rest<T>(VecDeque<T>);
    impl<T> Drop for Rest<T> {
        fn drop(&mut self) {
            mem::forget(mem::take(&mut self.0));
        }
    }
    let mut rest = Rest(messages);
    while let Some(message) = rest.0.pop_front() {
        drop(message);
    }
    drop(mem::take(&mut rest.0));
}
