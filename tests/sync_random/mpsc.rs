//! [`mpsc`]: channels without a bound, with one, and rendezvous.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex as StdMutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use sward::{
    catch_cancel,
    sync::mpsc::{
        self, Receiver, RecvTimeoutError, SendError, Sender, SyncSender, TryRecvError, TrySendError,
    },
    time::Instant,
};

use crate::world::{Life, Patience, Rng, Subject, WAITED, lock};

/// How a send or a receive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Sent,
    Received(u64),
    Disconnected,
}

/// The model of a channel: what is in it, and who waits.
#[derive(Debug)]
struct Channel {
    /// `usize::MAX`: none.
    bound: usize,
    buffer: VecDeque<u64>,
    /// Those who wait to send, with their messages.
    line: VecDeque<(usize, u64)>,
    receiving: Option<usize>,
    senders: usize,
    has_receiver: bool,
    /// Of those who waited, and have not seen it yet.
    ended: BTreeMap<usize, (End, Instant)>,
}

impl Channel {
    fn end(&mut self, life: usize, end: End) {
        assert!(self.ended.insert(life, (end, Instant::now())).is_none());
    }

    /// `None`: it is full.
    fn try_send(&mut self, message: u64) -> Option<End> {
        if !self.has_receiver {
            return Some(End::Disconnected);
        }
        if let Some(receiver) = self.receiving.take() {
            self.end(receiver, End::Received(message));
        } else if self.buffer.len() < self.bound {
            self.buffer.push_back(message);
        } else {
            return None;
        }
        Some(End::Sent)
    }

    /// `None`: it is empty.
    fn try_receive(&mut self) -> Option<End> {
        let buffered = self.buffer.pop_front();
        // A place is free, or the sender is met without one.
        if let Some((sender, message)) = self.line.pop_front() {
            self.buffer.push_back(message);
            self.end(sender, End::Sent);
        }
        let message = buffered.or_else(|| self.buffer.pop_front()).map(End::Received);
        message.or_else(|| (self.senders == 0).then_some(End::Disconnected))
    }

    fn drop_sender(&mut self) {
        self.senders -= 1;
        if self.senders == 0
            && let Some(receiver) = self.receiving.take()
        {
            self.end(receiver, End::Disconnected);
        }
    }

    fn drop_receiver(&mut self) {
        self.has_receiver = false;
        self.buffer.clear();
        while let Some((sender, _)) = self.line.pop_front() {
            self.end(sender, End::Disconnected);
        }
    }

    /// One that waited goes on. `None`: it gives up, unless it had ended by then.
    fn go_on(&mut self, life: usize, got: Option<End>) {
        let end = self.ended.remove(&life);
        assert_eq!(got, end.map(|(end, _)| end), "{life} ends otherwise: {self:?}");
        assert!(end.is_none_or(|(_, at)| at == Instant::now()), "{life} ends at another time: {self:?}");
        self.line.retain(|(other, _)| *other != life);
        self.receiving.take_if(|receiver| *receiver == life);
    }
}

/// Counted while it is alive.
struct Message(u64, Arc<AtomicUsize>);

impl Drop for Message {
    fn drop(&mut self) {
        self.1.fetch_sub(1, SeqCst);
    }
}

enum Sends {
    Unbounded(Sender<Message>),
    Bounded(SyncSender<Message>),
}

impl Sends {
    fn send(&self, message: Message) -> Result<(), SendError<Message>> {
        match self {
            Self::Unbounded(sender) => sender.send(message),
            Self::Bounded(sender) => sender.send(message),
        }
    }
}

type Model = Arc<StdMutex<Channel>>;

/// A sender. Dropped, it goes, in the model and in truth.
struct Sending(Sends, Model);

impl Sending {
    fn another(&self) -> Self {
        lock(&self.1).senders += 1;
        let sends = match &self.0 {
            Sends::Unbounded(sender) => Sends::Unbounded(sender.clone()),
            Sends::Bounded(sender) => Sends::Bounded(sender.clone()),
        };
        Self(sends, Arc::clone(&self.1))
    }

    fn step(&self, life: &mut Life<'_, Mail>) {
        let (number, mine) = (life.number, life.rng.next());
        let message = life.world.subject.message(mine);
        let mut channel = lock(&self.1);
        if let (Sends::Bounded(sender), 0) = (&self.0, life.rng.below(3)) {
            let end = channel.try_send(mine);
            // Whom it wakes runs later.
            let is_right = match sender.try_send(message) {
                Ok(()) => end == Some(End::Sent),
                Err(TrySendError::Full(back)) => end.is_none() && back.0 == mine,
                Err(TrySendError::Disconnected(back)) => end == Some(End::Disconnected) && back.0 == mine,
            };
            assert!(is_right, "{number} tries to send: {end:?} {channel:?}");
            return;
        }
        match channel.try_send(mine) {
            Some(end) => channel.end(number, end),
            None => {
                channel.line.push_back((number, mine));
                life.world.count(WAITED);
            }
        }
        drop(channel);
        let patience = life.some_patience();
        let got = life.wait_for(patience, |limit| {
            let sent = match limit {
                // It has no limit of its own.
                Some(limit) => sward::timeout(limit, || self.0.send(message)).ok()?,
                None => self.0.send(message),
            };
            Some(sent.map_or_else(
                |SendError(back)| {
                    assert_eq!(back.0, mine, "its own is given back");
                    End::Disconnected
                },
                |()| End::Sent,
            ))
        });
        lock(&self.1).go_on(number, got);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        lock(&self.1).drop_sender();
    }
}

/// The receiver. Dropped, it goes, in the model and in truth.
struct Receiving(Receiver<Message>, Model);

impl Receiving {
    fn step(&self, life: &mut Life<'_, Mail>) {
        let number = life.number;
        let mut channel = lock(&self.1);
        let what = life.rng.below(6);
        if what < 2 {
            for _ in 0..=what {
                let end = channel.try_receive();
                let got = match self.0.try_recv() {
                    Ok(message) => Some(End::Received(message.0)),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => Some(End::Disconnected),
                };
                assert_eq!(got, end, "{number} tries to receive: {channel:?}");
            }
            return;
        }
        let patience = life.some_patience();
        match channel.try_receive() {
            Some(end) => channel.end(number, end),
            None if patience.is_none() => {}
            None => {
                channel.receiving = Some(number);
                life.world.count(WAITED);
            }
        }
        drop(channel);
        let start = Instant::now();
        let mut timed_out = false;
        let got = life.wait_for(patience, |limit| {
            let received = match limit {
                Some(limit) => self.0.recv_timeout(limit),
                None if what == 2 => self.0.iter().next().ok_or(RecvTimeoutError::Disconnected),
                None => self.0.recv().map_err(RecvTimeoutError::from),
            };
            match received {
                Ok(message) => Some(End::Received(message.0)),
                Err(RecvTimeoutError::Disconnected) => Some(End::Disconnected),
                Err(RecvTimeoutError::Timeout) => {
                    timed_out = true;
                    None
                }
            }
        });
        if let (Patience::Own(limit), true) = (patience, timed_out) {
            assert_eq!(Instant::now(), start + limit, "{number} has its time");
        }
        lock(&self.1).go_on(number, got);
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        lock(&self.1).drop_receiver();
    }
}

/// One channel after the other, of each kind.
pub(crate) struct Mail {
    current: StdMutex<Option<Pair>>,
    alive: Arc<AtomicUsize>,
}

struct Pair {
    /// `None`: no more will join it.
    sender: Option<Sending>,
    /// `None`: somebody has it, or it is gone.
    receiver: Option<Receiving>,
    model: Model,
}

impl Pair {
    fn new(rng: &mut Rng) -> Self {
        let bound = [usize::MAX, 0, 0, 1, 3][rng.below(5) as usize];
        let (sends, receiver) = match bound {
            usize::MAX => {
                let (sender, receiver) = mpsc::channel();
                (Sends::Unbounded(sender), receiver)
            }
            bound => {
                let (sender, receiver) = mpsc::sync_channel(bound);
                (Sends::Bounded(sender), receiver)
            }
        };
        let model = Arc::new(StdMutex::new(Channel {
            bound,
            buffer: VecDeque::new(),
            line: VecDeque::new(),
            receiving: None,
            senders: 1,
            has_receiver: true,
            ended: BTreeMap::new(),
        }));
        let (sender, receiver) =
            (Sending(sends, Arc::clone(&model)), Receiving(receiver, Arc::clone(&model)));
        Self { sender: Some(sender), receiver: Some(receiver), model }
    }
}

impl Mail {
    fn message(&self, number: u64) -> Message {
        self.alive.fetch_add(1, SeqCst);
        Message(number, Arc::clone(&self.alive))
    }

    /// Receives, and brings the receiver back, or drops it, or another channel has come meanwhile. Whatever unwinds it.
    fn receive(&self, life: &mut Life<'_, Self>, receiver: Receiving) {
        let ended = catch_cancel(|| {
            for _ in 0..1 + life.rng.below(6) {
                receiver.step(life);
                if life.rng.below(3) == 0 {
                    life.linger();
                }
            }
        });
        let keeps = ended.is_err() || life.rng.below(12) > 0;
        let mut current = lock(&self.current);
        match &mut *current {
            Some(pair) if keeps && Arc::ptr_eq(&pair.model, &receiver.1) => pair.receiver = Some(receiver),
            _ => drop(receiver),
        }
    }
}

impl Subject for Mail {
    fn new(_: &mut Rng) -> Self {
        Self { current: StdMutex::default(), alive: Arc::default() }
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let mut current = lock(&self.current);
        let pair = current.get_or_insert_with(|| Pair::new(&mut life.rng));
        let is_over = pair.sender.is_none() || !lock(&pair.model).has_receiver;
        if is_over && life.rng.below(4) == 0 {
            return drop(current.take());
        }
        if life.rng.below(20) == 0 {
            return drop(pair.sender.take());
        }
        if let Some(receiver) = pair.receiver.take_if(|_| life.rng.below(3) == 0) {
            drop(current);
            return self.receive(life, receiver);
        }
        let Some(sender) = pair.sender.as_ref().map(Sending::another) else { return };
        drop(current);
        for _ in 0..1 + life.rng.below(3) {
            sender.step(life);
        }
    }

    fn end(&self) {
        let left = lock(&self.current).take();
        if let Some(pair) = &left {
            let channel = lock(&pair.model);
            assert!(channel.line.is_empty() && channel.receiving.is_none(), "{channel:?}");
            assert!(channel.ended.is_empty(), "{channel:?}");
            assert_eq!(self.alive.load(SeqCst), channel.buffer.len(), "what is left is what is buffered");
        }
        drop(left);
        assert_eq!(self.alive.load(SeqCst), 0, "a message is leaked, or dropped twice");
    }
}
