//! The programs in blocking code: for green threads, and for OS threads.

use std::hint;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Bench, Result, at};
use crate::figures::Figures;
use crate::load::{MESSAGE, REQUEST, RESPONSE};
use crate::probes::{Lap, Lateness, Meter, Parking, Seats};
use crate::sys;

/// What a peer has of `std::thread` and `std::net`.
pub(super) trait Threads: 'static {
    type Handle<T: Send + 'static>: Send;
    type Thread: Clone + Send + Sync + 'static;
    type Listener: Send + 'static;
    type Stream: Read + Write + Send + 'static;
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    /// Runs `main` as one of the peer's threads, in a runtime of `workers`.
    fn run<T: Send + 'static>(workers: usize, main: impl FnOnce() -> Result<T> + Send + 'static)
    -> Result<T>;
    fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> io::Result<Self::Handle<T>>;
    /// Calls `f` after that time, by whatever the peer has for it.
    fn spawn_after<T: Send + 'static>(
        delay: Duration,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Self::Handle<T>> {
        Self::spawn(move || {
            Self::sleep(delay);
            f()
        })
    }
    fn join<T: Send + 'static>(handle: Self::Handle<T>) -> Result<T>;
    fn thread<T: Send + 'static>(handle: &Self::Handle<T>) -> Self::Thread;
    fn current() -> Self::Thread;
    fn park();
    fn unpark(thread: &Self::Thread);
    fn yield_now();
    fn sleep(time: Duration);
    /// With one place, or without a bound where the peer has no bounded one.
    fn channel() -> (Self::Sender, Self::Receiver);
    /// False: nobody receives any more.
    fn send(sender: &Self::Sender, message: usize) -> bool;
    fn receive(receiver: &Self::Receiver) -> Option<usize>;
    fn listen(listener: TcpListener) -> io::Result<Self::Listener>;
    fn accept(listener: &Self::Listener) -> io::Result<Self::Stream>;
    fn connect(address: SocketAddr) -> io::Result<Self::Stream>;

    /// Waits until all have arrived.
    fn gate(lap: &Lap) {
        lap.arrive();
        while !lap.all_arrived() {
            Self::yield_now();
        }
    }
}

/// The programs for `P`.
pub(super) struct Blocking<P>(PhantomData<P>);

impl<P> Blocking<P> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

fn spawn_all<P: Threads, F, T>(count: usize, mut f: impl FnMut(usize) -> F) -> Result<Vec<P::Handle<T>>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let mut handles = Vec::with_capacity(count);
    for index in 0..count {
        handles.push(P::spawn(f(index)).map_err(|error| at(index, &error))?);
    }
    Ok(handles)
}

fn join_all<P: Threads, T: Send + 'static>(handles: Vec<P::Handle<T>>) -> Result<()> {
    handles.into_iter().try_for_each(|handle| P::join(handle).map(drop))
}

impl<P: Threads> Bench for Blocking<P> {
    fn yields(&self, tasks: usize, rounds: usize) -> Result<Duration> {
        P::run(1, move || {
            let lap = Arc::new(Lap::new(tasks));
            let handles = spawn_all::<P, _, _>(tasks, |_| {
                let lap = Arc::clone(&lap);
                move || {
                    P::gate(&lap);
                    for _ in 0..rounds {
                        P::yield_now();
                    }
                    lap.leave();
                }
            })?;
            join_all::<P, _>(handles)?;
            Ok(lap.time())
        })
    }

    fn spawn_join(&self, workers: usize, size: usize, batches: usize) -> Result<Duration> {
        P::run(workers, move || {
            let batch =
                || join_all::<P, _>(spawn_all::<P, _, _>(size, |index| move || hint::black_box(index))?);
            for _ in 0..batches / 10 {
                batch()?;
            }
            let start = Instant::now();
            for _ in 0..batches {
                batch()?;
            }
            Ok(start.elapsed())
        })
    }

    fn echo(&self, listener: TcpListener, workers: usize, seats: Option<&'static Seats>) -> Result<()> {
        P::run(workers, move || {
            let listener = P::listen(listener)?;
            for connection in 0.. {
                let stream = P::accept(&listener)?;
                P::spawn(move || echo_to(stream, connection, seats))?;
            }
            Ok(())
        })
    }

    fn fetch(&self, address: SocketAddr, count: usize, rounds: &'static [&'static str]) -> Result<Figures> {
        P::run(1, move || {
            let mut figures = Figures::new();
            for round in rounds {
                let meter = Meter::start()?;
                let handles = spawn_all::<P, _, _>(count, |_| move || fetch_one::<P>(address))?;
                for handle in handles {
                    P::join(handle)??;
                }
                figures.add_times(round, meter.stop()?);
            }
            Ok(figures)
        })
    }

    fn timers(&self, delays: Vec<Duration>, late: &'static Lateness) -> Result<()> {
        P::run(1, move || {
            let handles = spawn_all::<P, _, _>(delays.len(), |index| {
                let delay = delays[index];
                move || {
                    let due = Instant::now() + delay;
                    P::sleep(delay);
                    late.note(index, due);
                }
            })?;
            join_all::<P, _>(handles)
        })
    }

    fn delayed_calls(&self, delays: Vec<Duration>, late: &'static Lateness) -> Result<()> {
        P::run(1, move || {
            let call = |(index, delay)| {
                if index % 64 == 0 {
                    P::yield_now();
                }
                let due = Instant::now() + delay;
                P::spawn_after(delay, move || late.note(index, due))
            };
            let handles: io::Result<Vec<_>> = delays.into_iter().enumerate().map(call).collect();
            join_all::<P, _>(handles?)
        })
    }

    fn ping_pong(&self, workers: usize, rounds: usize) -> Result<Duration> {
        let cpus = sys::allowed_cpus()?;
        P::run(workers, move || {
            let game = Arc::new(Game::default());
            let (first, second_game, second_cpu) = (P::current(), Arc::clone(&game), cpus[cpus.len() - 1]);
            let second = P::spawn(move || {
                if workers > 1 {
                    sys::pin_to(&[second_cpu])?;
                }
                second_game.begun.store(true, Ordering::Release);
                second_game.play::<P>(1, &first, rounds + rounds / 10);
                Ok::<_, io::Error>(())
            })?;
            if workers > 1 {
                sys::pin_to(&cpus[..1])?;
                game.await_other_worker()?;
            }
            let other = P::thread(&second);
            game.play::<P>(0, &other, rounds / 10);
            let start = Instant::now();
            game.play::<P>(0, &other, rounds);
            let time = start.elapsed();
            P::join(second)??;
            Ok(time)
        })
    }

    fn channel(&self, workers: usize, rounds: usize) -> Result<Duration> {
        let cpus = sys::allowed_cpus()?;
        P::run(workers, move || {
            let game = Arc::new(Game::default());
            let ((ping, pinged), (pong, ponged)) = (P::channel(), P::channel());
            let (second_game, second_cpu) = (Arc::clone(&game), cpus[cpus.len() - 1]);
            let second = P::spawn(move || {
                if workers > 1 {
                    sys::pin_to(&[second_cpu])?;
                }
                second_game.begun.store(true, Ordering::Release);
                while P::receive(&pinged).is_some_and(|message| P::send(&pong, message)) {}
                Ok::<_, io::Error>(())
            })?;
            if workers > 1 {
                sys::pin_to(&cpus[..1])?;
                game.await_other_worker()?;
            }
            let rally =
                |rounds| (0..rounds).all(|round| P::send(&ping, round) && P::receive(&ponged) == Some(round));
            let warm = rally(rounds / 10);
            let start = Instant::now();
            let played = rally(rounds);
            let time = start.elapsed();
            drop(ping);
            P::join(second)??;
            if warm && played { Ok(time) } else { Err("a message was lost".into()) }
        })
    }

    fn parked(&self, count: usize) -> Result<Figures> {
        P::run(1, move || {
            let gate = Arc::new((Lap::new(count), AtomicBool::new(false)));
            let main = P::current();
            let mut parking = Parking::start(count)?;
            let handles = spawn_all::<P, _, _>(count, |_| {
                let (gate, main) = (Arc::clone(&gate), main.clone());
                move || {
                    if gate.0.arrive() {
                        P::unpark(&main);
                    }
                    while !gate.1.load(Ordering::Acquire) {
                        P::park();
                    }
                }
            })?;
            while !gate.0.all_arrived() {
                P::park();
            }
            parking.all_parked()?;
            gate.1.store(true, Ordering::Release);
            handles.iter().for_each(|handle| P::unpark(&P::thread(handle)));
            join_all::<P, _>(handles)?;
            Ok(parking.all_joined())
        })
    }
}

/// Echoes until the client goes away.
fn echo_to(mut stream: impl Read + Write, connection: usize, seats: Option<&Seats>) {
    let mut message = [0; 16 * MESSAGE];
    while let Ok(length @ 1..) = stream.read(&mut message) {
        if let Some(seats) = seats {
            seats.note(connection);
        }
        if stream.write_all(&message[..length]).is_err() {
            return;
        }
    }
}

fn fetch_one<P: Threads>(address: SocketAddr) -> io::Result<()> {
    let mut stream = P::connect(address)?;
    stream.write_all(REQUEST)?;
    let mut answer = [0; 1024];
    let mut length = 0;
    loop {
        match stream.read(&mut answer[length..])? {
            0 if length == RESPONSE.len() => return Ok(()),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
}

/// Whose turn it is.
#[derive(Default)]
struct Game {
    /// The player who is next.
    turn: AtomicUsize,
    begun: AtomicBool,
}

impl Game {
    /// Takes `rounds` turns; parks until it is `player`'s turn, and wakes the `other` after each.
    ///
    /// The first player begins each round, so it is its turn when it comes here. The turn is looked at
    /// after each park, since std's may return for no reason; but not before, or those on two cores would
    /// see it there, and never park.
    fn play<P: Threads>(&self, player: usize, other: &P::Thread, rounds: usize) {
        for _ in 0..rounds {
            if player == 1 {
                self.await_turn::<P>(1);
            }
            self.turn.store(1 - player, Ordering::Release);
            P::unpark(other);
            if player == 0 {
                self.await_turn::<P>(0);
            }
        }
    }

    fn await_turn<P: Threads>(&self, player: usize) {
        loop {
            P::park();
            if self.turn.load(Ordering::Acquire) == player {
                return;
            }
        }
    }

    /// Keeps this worker busy until another one has begun to run the second player.
    fn await_other_worker(&self) -> Result<()> {
        let start = Instant::now();
        while !self.begun.load(Ordering::Acquire) {
            if start.elapsed() > Duration::from_secs(2) {
                return Err("no other worker takes what this one spawned".into());
            }
            hint::spin_loop();
        }
        Ok(())
    }
}
