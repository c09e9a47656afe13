//! Random operations on two channels, step by step beside a sequential model of them: who waits, who is served, in which
//! order, and with what. And the same without a model on several workers: each message arrives once.
//!
//! A seed that fails is printed, and runs again by `SWARD_RANDOM_SEED`. By default a second of the same seeds;
//! `SWARD_RANDOM_SECONDS=60` runs for a minute with new ones.

mod support;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use support::{Drops, Guard, Rng, for_seeds, in_run, runtime, watched};
use sward::{
    JoinHandle,
    channel::{Receiver, Sender, bounded, select, select_biased, unbounded},
    spawn,
};

struct Message(usize, #[expect(dead_code, reason = "counted when it is dropped")] Guard);

/// What one wants to do, on the first channel, on the second, or on either of them.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Send(&'static [usize]),
    Receive(&'static [usize]),
}

/// How it ended: on which channel, and with which message.
type End = (usize, usize);

/// What the channels should do.
struct Spec {
    capacities: [usize; 2],
    buffers: [VecDeque<usize>; 2],
    /// In the order in which they came.
    waiting: Vec<(usize, Wish)>,
    ended: HashMap<usize, End>,
}

impl Spec {
    fn take_waiting(&mut self, on: usize, sends: bool) -> Option<usize> {
        let place = self.waiting.iter().position(|(_, wish)| match wish {
            Wish::Send(channels) => sends && channels.contains(&on),
            Wish::Receive(channels) => !sends && channels.contains(&on),
        })?;
        Some(self.waiting.remove(place).0)
    }

    fn begin(&mut self, id: usize, wish: Wish) {
        let done = match wish {
            Wish::Send(channels) => channels.iter().any(|&on| self.send(id, on)),
            Wish::Receive(channels) => channels.iter().any(|&on| self.receive(id, on)),
        };
        if !done {
            self.waiting.push((id, wish));
        }
    }

    fn send(&mut self, id: usize, on: usize) -> bool {
        if let Some(receiver) = self.take_waiting(on, false) {
            self.ended.insert(receiver, (on, id));
        } else if self.buffers[on].len() < self.capacities[on] {
            self.buffers[on].push_back(id);
        } else {
            return false;
        }
        self.ended.insert(id, (on, id));
        true
    }

    fn receive(&mut self, id: usize, on: usize) -> bool {
        let buffered = self.buffers[on].pop_front();
        let sender =
            if buffered.is_some() || self.capacities[on] == 0 { self.take_waiting(on, true) } else { None };
        if let Some(sender) = sender {
            self.ended.insert(sender, (on, sender));
            self.buffers[on].push_back(sender);
        }
        let Some(message) = buffered.or_else(|| self.buffers[on].pop_front()) else { return false };
        self.ended.insert(id, (on, message));
        true
    }
}

struct World {
    channels: [(Sender<Message>, Receiver<Message>); 2],
    ended: Mutex<HashMap<usize, End>>,
    drops: Drops,
}

impl World {
    fn make(&self, id: usize) -> Message {
        Message(id, self.drops.guard())
    }

    fn grant(&self, id: usize, wish: Wish, by_select: bool) {
        let [(send0, receive0), (send1, receive1)] = &self.channels;
        let end = match wish {
            Wish::Send(&[on]) if !by_select => {
                self.channels[on].0.send(self.make(id)).unwrap();
                (on, id)
            }
            Wish::Receive(&[on]) if !by_select => (on, self.channels[on].1.recv().unwrap().0),
            Wish::Send(&[on]) => {
                select! { send(&self.channels[on].0, self.make(id)) -> s => { s.unwrap(); (on, id) } }
            }
            Wish::Receive(&[on]) => select! { recv(&self.channels[on].1) -> m => (on, m.unwrap().0) },
            Wish::Send(_) => select_biased! {
                send(send0, self.make(id)) -> sent => { sent.unwrap(); (0, id) }
                send(send1, self.make(id)) -> sent => { sent.unwrap(); (1, id) }
            },
            Wish::Receive(_) => select_biased! {
                recv(receive0) -> message => (0, message.unwrap().0),
                recv(receive1) -> message => (1, message.unwrap().0),
            },
        };
        self.ended.lock().unwrap().insert(id, end);
    }
}

fn beside_the_spec(seed: u64) {
    let mut rng = Rng(seed);
    let capacities = [(); 2].map(|()| [0, 0, 1, 2, usize::MAX][rng.below(5) as usize]);
    let channel = |capacity| if capacity == usize::MAX { unbounded() } else { bounded(capacity) };
    let world =
        Arc::new(World { channels: capacities.map(channel), ended: Mutex::default(), drops: Drops::new() });
    let mut spec =
        Spec { capacities, buffers: Default::default(), waiting: Vec::new(), ended: HashMap::new() };
    let mut handles: HashMap<usize, JoinHandle<()>> = HashMap::new();
    let mut sends = 0;
    let lines: [&'static [usize]; 3] = [&[0], &[1], &[0, 1]];
    for id in 0..60 {
        if rng.below(5) == 0 && !spec.waiting.is_empty() {
            let (leaves, _) = spec.waiting.remove(rng.below(spec.waiting.len() as u64) as usize);
            let handle = handles.remove(&leaves).unwrap();
            handle.cancel();
            assert!(handle.join().unwrap_err().is_cancelled());
        }
        let line = lines[rng.below(3) as usize];
        let wish = if rng.below(2) == 0 { Wish::Send(line) } else { Wish::Receive(line) };
        sends += usize::from(matches!(wish, Wish::Send(_)));
        let (mine, by_select) = (Arc::clone(&world), rng.below(2) == 0);
        handles.insert(id, spawn(move || mine.grant(id, wish, by_select)));
        spec.begin(id, wish);
        for _ in 0..6 {
            sward::yield_now();
        }
        assert_eq!(*world.ended.lock().unwrap(), spec.ended, "after {id}: {wish:?} of {capacities:?}");
        for on in 0..2 {
            assert_eq!(world.channels[on].1.len(), spec.buffers[on].len());
        }
    }
    for (_, handle) in handles {
        handle.cancel();
        let _ = handle.join();
    }
    let drops = world.drops.clone();
    drop(Arc::into_inner(world).expect("all have ended"));
    assert!(drops.count() <= sends, "a message was dropped twice");
    let made = spec.ended.iter().filter(|(id, (_, message))| **id == *message).count();
    assert!(drops.count() >= made, "a message was not dropped");
}

#[test]
fn two_channels_do_as_their_model() {
    for_seeds(1, |seed| in_run(move || beside_the_spec(seed)));
}

/// Senders and receivers that wait, try, time out, select and are cancelled, on two workers.
fn each_message_arrives_once(seed: u64) {
    let mut rng = Rng(seed);
    let runtime = runtime(2);
    let capacity = rng.below(3) as usize;
    let (sender, receiver) = bounded::<Message>(capacity);
    let drops = Drops::new();
    let short = Duration::from_micros(rng.below(100));
    let receiving: Vec<_> = (0..3)
        .map(|i| {
            let receiver = receiver.clone();
            runtime.spawn(move || {
                let mut got = Vec::new();
                loop {
                    let message = match i {
                        0 => receiver.recv_timeout(short).map_err(|error| error.is_disconnected()),
                        1 => select! {
                            recv(receiver) -> message => message.map_err(|_| true),
                            default(short) => Err(false),
                        },
                        _ => receiver.recv().map_err(|_| true),
                    };
                    match message {
                        Ok(message) => got.push(message.0),
                        Err(true) => return got,
                        Err(false) => {}
                    }
                }
            })
        })
        .collect();
    let sending: Vec<_> = (0..4)
        .map(|from| {
            let (sender, drops) = (sender.clone(), drops.clone());
            runtime.spawn(move || {
                let mut sent = Vec::new();
                for i in 0..100 {
                    let id = from * 1000 + i;
                    let message = Message(id, drops.guard());
                    let done = match i % 3 {
                        0 => sender.send_timeout(message, short).is_ok(),
                        1 => select! { send(sender, message) -> s => s.is_ok(), default(short) => false },
                        _ => sender.send(message).is_ok(),
                    };
                    sent.extend(done.then_some(id));
                }
                sent
            })
        })
        .collect();
    drop((sender, receiver));
    let mut sent: Vec<_> = sending.into_iter().flat_map(|sending| sending.join().unwrap()).collect();
    let mut got: Vec<_> = receiving.into_iter().flat_map(|receiving| receiving.join().unwrap()).collect();
    sent.sort_unstable();
    got.sort_unstable();
    assert_eq!(sent, got);
    assert_eq!(drops.count(), 400);
}

#[test]
fn each_message_arrives_once_between_workers() {
    for_seeds(1, |seed| watched(move || each_message_arrives_once(seed)));
}
