//! What a channel's lock guards, and the moves that are made under it. [`channel`](super::channel) has the rules.

use std::{collections::VecDeque, pin::Pin, ptr};

use super::{
    channel_claim::Claim,
    plain::Plain,
    wait_list::{List, Node, Waiter},
};
use crate::{atomic::UnsafeCell, backlog::give_back};

pub(super) type Line<W, T> = List<W, Seat<W, T>>;

/// A place in one of a channel's lines.
pub(crate) type Place<W, T> = Node<W, Seat<W, T>>;

/// See the [module](self).
pub(super) struct State<W, T> {
    pub(super) buffer: VecDeque<T>,
    /// `usize::MAX`: as many as come.
    pub(super) capacity: usize,
    /// Places in the buffer that are kept for selects which are about to send.
    pub(super) promised: usize,
    pub(super) senders: Line<W, T>,
    pub(super) receivers: Line<W, T>,
    /// Receivers of a rendezvous that a select is about to send to, each.
    pub(super) engaged: Line<W, T>,
    /// Who wants to hear that there is something to receive.
    pub(super) receive_watchers: Line<W, T>,
    /// Who wants to hear that there is room to send.
    pub(super) send_watchers: Line<W, T>,
    pub(super) sender_count: usize,
    pub(super) receiver_count: usize,
}

/// What stands with a waiter.
pub(crate) struct Seat<W, T> {
    /// A sender's: its message, until it is taken. A receiver's: what it was handed.
    message: UnsafeCell<Option<T>>,
    pub(super) standing: Plain<Standing>,
    /// Null, or the select's that it stands here for.
    pub(super) claim: Plain<*const Claim>,
    /// Which of the select's cases it is.
    pub(super) case: Plain<usize>,
    /// Its own node, once it stood in line.
    node: Plain<*const Place<W, T>>,
}

/// In which line, and how it left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In line, or in none.
    Plain,
    /// A receiver that a select is about to send to.
    Engaged,
    /// It watches.
    Watching,
    /// A select's sender: a place in the buffer, or a receiver, is kept for it.
    Promised,
    /// A receiver whose select did not send after all: it begins anew.
    Deserted,
}

// SAFETY: what it points to goes unused but under the lock of the line it stands in; the message goes with it.
unsafe impl<W, T: Send> Send for Seat<W, T> {}

/// How a send went.
#[must_use]
pub(super) enum Sent<K, T> {
    Buffered { watched: bool },
    Handed(Option<K>),
    Full(T),
    Closed(T),
}

/// How a receive went.
#[must_use]
pub(super) enum Received<K, T> {
    Got {
        message: T,
        wake: Option<K>,
        watched: bool,
    },
    /// A select is first in line to send, and has to be told.
    Promising,
    Empty,
    Closed,
}

impl<W, T> Seat<W, T> {
    pub(super) fn new(message: Option<T>) -> Self {
        Self {
            message: UnsafeCell::new(message),
            standing: Plain::new(Standing::Plain),
            claim: Plain::new(ptr::null()),
            case: Plain::new(0),
            node: Plain::new(ptr::null()),
        }
    }

    /// Takes the message out. Under the lock, or by the waiter when its node is in no line.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn take(&self) -> Option<T> {
        // SAFETY: nobody else is at it meanwhile, as said above: the seat is not `Sync`, and no reference gets out.
        self.message.with_mut(|message| unsafe { (*message).take() })
    }

    /// Puts a message in, where none is; as [`take`](Self::take).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn put(&self, message: T) {
        // SAFETY: as in `take`.
        self.message.with_mut(|place| unsafe { *place = Some(message) });
    }

    /// The select's claim, if it stands here for one.
    #[inline(always)]
    fn claim(&self) -> Option<&Claim> {
        // SAFETY: a select's claim outlives its nodes in lines (Invariant 5 of `channel`).
        unsafe { self.claim.get().as_ref() }
    }

    /// Wins the right to grant it something.
    #[inline(always)]
    fn win(&self) -> bool {
        self.claim().is_none_or(|claim| claim.win(self.case.get()))
    }
}

/// Puts a node at the end of a line.
///
/// # Safety
/// As [`List::push_back`].
#[inline]
pub(super) unsafe fn stand<W: Waiter, T>(line: &mut Line<W, T>, node: Pin<&Place<W, T>>, standing: Standing) {
    node.payload.node.set(ptr::from_ref(node.get_ref()));
    node.payload.standing.set(standing);
    // SAFETY: by the contract.
    unsafe { line.push_back(node) };
}

/// Wins the right to grant something to the first in line; those whose select went elsewhere are dropped from it.
#[inline(always)]
fn win_front<W: Waiter, T>(line: &mut Line<W, T>) -> bool {
    while let Some(seat) = line.front() {
        if seat.win() {
            return true;
        }
        line.drop_front();
    }
    false
}

/// Grants the first in line, if there is one who is still to be had.
fn grant<W: Waiter, T>(line: &mut Line<W, T>, prepare: impl FnOnce(&Seat<W, T>)) -> Option<W::Wake> {
    if win_front(line) { line.grant_front(prepare) } else { None }
}

/// Whether somebody is in line who is to be had, other than for the select with this claim.
fn has_another<W: Waiter, T>(line: &mut Line<W, T>, mine: *const Claim) -> bool {
    let mut first_of_mine = ptr::null();
    while let Some(seat) = line.front() {
        let node = seat.node.get();
        match seat.claim() {
            None => return true,
            Some(claim) if ptr::eq(claim, mine) => {
                if node == first_of_mine {
                    return false;
                }
                if first_of_mine.is_null() {
                    first_of_mine = node;
                }
                line.drop_front();
                // SAFETY: it was in this line, so it is alive and pinned, and now it is in none.
                unsafe { line.push_back(Pin::new_unchecked(&*node)) };
            }
            Some(claim) if claim.is_free() => return true,
            Some(_) => line.drop_front(),
        }
    }
    false
}

impl<W: Waiter, T> State<W, T> {
    pub(super) fn new(capacity: usize, buffer: VecDeque<T>) -> Self {
        Self {
            buffer,
            capacity,
            promised: 0,
            senders: List::new(),
            receivers: List::new(),
            engaged: List::new(),
            receive_watchers: List::new(),
            send_watchers: List::new(),
            sender_count: 1,
            receiver_count: 1,
        }
    }

    #[inline(always)]
    fn has_room(&self) -> bool {
        self.buffer.len().saturating_add(self.promised) < self.capacity
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn send(&mut self, message: T) -> Sent<W::Wake, T> {
        if !self.receivers.is_empty() && win_front(&mut self.receivers) {
            return Sent::Handed(self.receivers.grant_front(|seat| seat.put(message)));
        }
        if self.receiver_count == 0 {
            return Sent::Closed(message);
        }
        if !self.has_room() {
            return Sent::Full(message);
        }
        self.buffer.push_back(message);
        Sent::Buffered { watched: !self.receive_watchers.is_empty() }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn receive(&mut self) -> Received<W::Wake, T> {
        give_back(&mut self.buffer);
        let Some(message) = self.buffer.pop_front() else { return self.receive_from_line() };
        let wake = if self.senders.is_empty() { None } else { self.refill() };
        Received::Got { message, wake, watched: !self.send_watchers.is_empty() }
    }

    /// With nothing in the buffer.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn receive_from_line(&mut self) -> Received<W::Wake, T> {
        // Else whoever is in line waits for a place that is promised, whose message comes first.
        if self.capacity == 0 {
            while let Some(seat) = self.senders.front() {
                match seat.claim() {
                    Some(claim) if !claim.is_free() => self.senders.drop_front(),
                    Some(_) => return Received::Promising,
                    None => {
                        let mut message = None;
                        let wake = self.senders.grant_front(|seat| message = seat.take());
                        let message = message.expect("a sender in line has its message");
                        return Received::Got { message, wake, watched: false };
                    }
                }
            }
        }
        if self.sender_count == 0 { Received::Closed } else { Received::Empty }
    }

    /// There may be a place free: it goes to the first sender in line. Nobody waits to receive.
    fn refill(&mut self) -> Option<W::Wake> {
        if !self.has_room() || !win_front(&mut self.senders) {
            return None;
        }
        let (buffer, promised) = (&mut self.buffer, &mut self.promised);
        self.senders.grant_front(|seat| match seat.take() {
            Some(message) => buffer.push_back(message),
            None => {
                *promised += 1;
                seat.standing.set(Standing::Promised);
            }
        })
    }

    /// As [`refill`](Self::refill), where receivers may wait: then there may be more to do. Nothing to wake: it is done.
    pub(super) fn settle(&mut self) -> [Option<W::Wake>; 2] {
        let sender = self.refill();
        if self.buffer.is_empty() || !win_front(&mut self.receivers) {
            return [sender, None];
        }
        let receiver = match self.buffer.pop_front() {
            Some(message) => self.receivers.grant_front(|seat| seat.put(message)),
            None => None,
        };
        [sender, receiver]
    }

    /// Tells the select that is first in line to send that this receiver waits for it. `None`: it went elsewhere, and the
    /// next in line may be no select.
    ///
    /// # Safety
    /// As [`List::push_back`].
    pub(super) unsafe fn engage(&mut self, node: Pin<&Place<W, T>>) -> Option<W::Wake> {
        let first = self.senders.front()?;
        first.claim()?;
        if !first.win() {
            self.senders.drop_front();
            return None;
        }
        let wake = self.senders.grant_front(|seat| seat.standing.set(Standing::Promised))?;
        // SAFETY: by the contract.
        unsafe { stand(&mut self.engaged, node, Standing::Engaged) };
        Some(wake)
    }

    /// Keeps a place, or a receiver, for a select that sends when it has its message. False: there is none. A closed
    /// channel keeps nothing, and yet the select has its answer.
    pub(super) fn promise(&mut self, seat: &Seat<W, T>) -> bool {
        if self.receiver_count == 0 {
            return true;
        }
        if self.capacity == 0 {
            if !win_front(&mut self.receivers) {
                return false;
            }
            let node = self.receivers.front().map_or(ptr::null(), |seat| seat.node.get());
            self.receivers.drop_front();
            // SAFETY: it was in a line, so it is alive and pinned, and now it is in none.
            unsafe { stand(&mut self.engaged, Pin::new_unchecked(&*node), Standing::Engaged) };
        } else if self.has_room() {
            self.promised += 1;
        } else {
            return false;
        }
        seat.standing.set(Standing::Promised);
        true
    }

    /// Sends what a select was promised to be able to send. What becomes free by that is for [`settle`](Self::settle).
    pub(super) fn keep_promise(&mut self, message: T) -> Sent<W::Wake, T> {
        if self.capacity > 0 {
            self.promised -= 1;
        }
        if self.receiver_count == 0 {
            return Sent::Closed(message);
        }
        if !self.engaged.is_empty() {
            return Sent::Handed(self.engaged.grant_front(|seat| seat.put(message)));
        }
        if win_front(&mut self.receivers) {
            return Sent::Handed(self.receivers.grant_front(|seat| seat.put(message)));
        }
        // If it was to be a rendezvous, the other one has left: the message waits for the next.
        self.buffer.push_back(message);
        Sent::Buffered { watched: !self.receive_watchers.is_empty() }
    }

    /// The select does not send what it was promised to be able to send. As [`keep_promise`](Self::keep_promise).
    pub(super) fn break_promise(&mut self) -> Option<W::Wake> {
        if self.capacity == 0 {
            return self.engaged.grant_front(|seat| seat.standing.set(Standing::Deserted));
        }
        self.promised -= 1;
        None
    }

    /// Gives back a message that was received by one who does not want it any more.
    pub(super) fn put_back(&mut self, message: T) -> (Option<W::Wake>, bool) {
        if win_front(&mut self.receivers) {
            return (self.receivers.grant_front(|seat| seat.put(message)), false);
        }
        self.buffer.push_front(message);
        (None, !self.receive_watchers.is_empty())
    }

    /// Whether a receive that does not stand for this select would end at once.
    pub(super) fn can_receive(&mut self, mine: *const Claim) -> bool {
        !self.buffer.is_empty()
            || self.sender_count == 0
            || (self.capacity == 0 && has_another(&mut self.senders, mine))
    }

    /// Whether a send that does not stand for this select would end at once.
    pub(super) fn can_send(&mut self, mine: *const Claim) -> bool {
        self.receiver_count == 0
            || if self.capacity == 0 { has_another(&mut self.receivers, mine) } else { self.has_room() }
    }

    /// Takes a node out of the line it stands in as a receiver. False: it is in none.
    ///
    /// # Safety
    /// It is a receiver's of this channel.
    pub(super) unsafe fn remove_receiver(&mut self, node: Pin<&Place<W, T>>) -> bool {
        let line = match node.payload.standing.get() {
            Standing::Engaged => &mut self.engaged,
            Standing::Watching => &mut self.receive_watchers,
            _ => &mut self.receivers,
        };
        // SAFETY: its standing says which line it is in, if any.
        unsafe { line.remove(node) }
    }

    /// As [`remove_receiver`](Self::remove_receiver), for a sender.
    ///
    /// # Safety
    /// It is a sender's of this channel.
    pub(super) unsafe fn remove_sender(&mut self, node: Pin<&Place<W, T>>) -> bool {
        let line = match node.payload.standing.get() {
            Standing::Watching => &mut self.send_watchers,
            _ => &mut self.senders,
        };
        // SAFETY: as above.
        unsafe { line.remove(node) }
    }

    /// Grants nothing to the next of all who wait for what the senders bring. Nothing to wake: nobody is left.
    pub(super) fn dismiss_receiver(&mut self) -> [Option<W::Wake>; 2] {
        [grant(&mut self.receivers, |_| ()), self.receive_watchers.grant_front(|_| ())]
    }

    /// As above, for those who wait for the receivers. A sender keeps its message, and so learns of it.
    pub(super) fn dismiss_sender(&mut self) -> [Option<W::Wake>; 2] {
        [grant(&mut self.senders, |_| ()), self.send_watchers.grant_front(|_| ())]
    }
}
