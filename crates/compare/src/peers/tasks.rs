//! The programs in async code.

use std::hint;
use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::tokio::sync::{Notify, oneshot};

use super::{Bench, Result};
use crate::figures::Figures;
use crate::load::{MESSAGE, REQUEST, RESPONSE};
use crate::probes::{Lap, Lateness, Meter, Parking, Seats};

/// What a peer has of tasks, timers and sockets.
///
/// To park and to wake is `tokio::sync`'s for all of them: it does not depend on the executor.
pub(super) trait Tasks: 'static {
    type Handle<T: Send + 'static>: Send;
    type Listener: Send + Sync;
    type Stream: Send;
    type Sender: Send + Sync + 'static;
    type Receiver: Send + 'static;

    /// Runs `main` as a task of an executor of `workers`.
    fn run<T, F>(workers: usize, main: F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static;
    /// Runs two tasks, on one worker or on one each: the result of the first.
    fn run_two<F, G>(workers: usize, first: F, second: G) -> Result<Duration>
    where
        F: Future<Output = Result<Duration>> + Send + 'static,
        G: Future<Output = Result<()>> + Send + 'static;
    fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> Self::Handle<T>;
    fn join<T: Send + 'static>(handle: Self::Handle<T>) -> impl Future<Output = Result<T>> + Send;
    /// With one place.
    fn channel() -> (Self::Sender, Self::Receiver);
    /// False: nobody receives any more.
    fn send(sender: &Self::Sender, message: usize) -> impl Future<Output = bool> + Send;
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<usize>> + Send;
    fn yield_now() -> impl Future<Output = ()> + Send;
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;
    fn listen(listener: TcpListener) -> io::Result<Self::Listener>;
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    fn write_all(stream: &mut Self::Stream, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// The programs for `P`.
pub(super) struct Async<P>(PhantomData<P>);

impl<P> Async<P> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

async fn join_all<P: Tasks, T: Send + 'static>(handles: Vec<P::Handle<T>>) -> Result<()> {
    for handle in handles {
        P::join(handle).await?;
    }
    Ok(())
}

impl<P: Tasks> Bench for Async<P> {
    fn yields(&self, tasks: usize, rounds: usize) -> Result<Duration> {
        P::run(1, async move {
            let lap = Arc::new(Lap::new(tasks));
            let racer = |_| {
                let lap = Arc::clone(&lap);
                P::spawn(async move {
                    lap.arrive();
                    while !lap.all_arrived() {
                        P::yield_now().await;
                    }
                    for _ in 0..rounds {
                        P::yield_now().await;
                    }
                    lap.leave();
                })
            };
            join_all::<P, _>((0..tasks).map(racer).collect()).await?;
            Ok(lap.time())
        })
    }

    fn spawn_join(&self, workers: usize, size: usize, batches: usize) -> Result<Duration> {
        P::run(workers, async move {
            let batch = || {
                let one = |index| P::spawn(async move { hint::black_box(index) });
                join_all::<P, _>((0..size).map(one).collect())
            };
            for _ in 0..batches / 10 {
                batch().await?;
            }
            let start = Instant::now();
            for _ in 0..batches {
                batch().await?;
            }
            Ok(start.elapsed())
        })
    }

    fn echo(&self, listener: TcpListener, workers: usize, seats: Option<&'static Seats>) -> Result<()> {
        P::run(workers, async move {
            let listener = P::listen(listener)?;
            let mut handles = Vec::new();
            for connection in 0.. {
                let stream = P::accept(&listener).await?;
                // Kept, since a task of smol's ends with its handle.
                handles.push(P::spawn(echo_to::<P>(stream, connection, seats)));
            }
            Ok(())
        })
    }

    fn fetch(&self, address: SocketAddr, count: usize, rounds: &'static [&'static str]) -> Result<Figures> {
        P::run(1, async move {
            let mut figures = Figures::new();
            for round in rounds {
                let meter = Meter::start()?;
                let handles: Vec<_> = (0..count).map(|_| P::spawn(fetch_one::<P>(address))).collect();
                for handle in handles {
                    P::join(handle).await??;
                }
                figures.add_times(round, meter.stop()?);
            }
            Ok(figures)
        })
    }

    fn timers(&self, delays: Vec<Duration>, late: &'static Lateness) -> Result<()> {
        P::run(1, async move {
            let timer = |(index, delay)| {
                P::spawn(async move {
                    let due = Instant::now() + delay;
                    P::sleep(delay).await;
                    late.note(index, due);
                })
            };
            join_all::<P, _>(delays.into_iter().enumerate().map(timer).collect()).await
        })
    }

    fn ping_pong(&self, workers: usize, rounds: usize) -> Result<Duration> {
        let wakers = Arc::new((Notify::new(), Notify::new()));
        let others = Arc::clone(&wakers);
        let warm_up = rounds / 10;
        let first = async move {
            let mut start = Instant::now();
            for round in 0..warm_up + rounds {
                if round == warm_up {
                    start = Instant::now();
                }
                wakers.1.notify_one();
                wakers.0.notified().await;
            }
            Ok(start.elapsed())
        };
        let second = async move {
            for _ in 0..warm_up + rounds {
                others.1.notified().await;
                others.0.notify_one();
            }
            Ok(())
        };
        P::run_two(workers, first, second)
    }

    fn channel(&self, workers: usize, rounds: usize) -> Result<Duration> {
        let ((ping, mut pinged), (pong, mut ponged)) = (P::channel(), P::channel());
        let warm_up = rounds / 10;
        let first = async move {
            let mut start = Instant::now();
            for round in 0..warm_up + rounds {
                if round == warm_up {
                    start = Instant::now();
                }
                if !P::send(&ping, round).await || P::receive(&mut ponged).await != Some(round) {
                    return Err("a message was lost".into());
                }
            }
            Ok(start.elapsed())
        };
        let second = async move {
            while let Some(message) = P::receive(&mut pinged).await {
                if !P::send(&pong, message).await {
                    break;
                }
            }
            Ok(())
        };
        P::run_two(workers, first, second)
    }

    fn parked(&self, count: usize) -> Result<Figures> {
        P::run(1, async move {
            let gate = Arc::new((Lap::new(count), Notify::new()));
            let mut parking = Parking::start(count)?;
            let (mut handles, mut wakers) = (Vec::with_capacity(count), Vec::with_capacity(count));
            for _ in 0..count {
                let gate = Arc::clone(&gate);
                let (waker, woken) = oneshot::channel::<()>();
                wakers.push(waker);
                handles.push(P::spawn(async move {
                    if gate.0.arrive() {
                        gate.1.notify_one();
                    }
                    woken.await
                }));
            }
            gate.1.notified().await;
            parking.all_parked()?;
            for waker in wakers {
                waker.send(()).map_err(|()| "one was gone before it was woken")?;
            }
            join_all::<P, _>(handles).await?;
            Ok(parking.all_joined())
        })
    }
}

/// Echoes until the client goes away.
async fn echo_to<P: Tasks>(mut stream: P::Stream, connection: usize, seats: Option<&'static Seats>) {
    let mut message = [0; 16 * MESSAGE];
    while let Ok(length @ 1..) = P::read(&mut stream, &mut message).await {
        if let Some(seats) = seats {
            seats.note(connection);
        }
        if P::write_all(&mut stream, &message[..length]).await.is_err() {
            return;
        }
    }
}

async fn fetch_one<P: Tasks>(address: SocketAddr) -> io::Result<()> {
    let mut stream = P::connect(address).await?;
    P::write_all(&mut stream, REQUEST).await?;
    let mut answer = [0; 1024];
    let mut length = 0;
    loop {
        match P::read(&mut stream, &mut answer[length..]).await? {
            0 if length == RESPONSE.len() => return Ok(()),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
}
