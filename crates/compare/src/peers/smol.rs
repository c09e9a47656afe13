//! smol: async-executor's tasks, run by as many threads as there are workers, and async-io's reactor.

use std::future;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::{Async, Executor, Task, Timer, channel};

use super::Result;
use super::tasks::Tasks;
use crate::sys;

pub(super) struct Smol;

static EXECUTOR: Executor<'static> = Executor::new();

impl Tasks for Smol {
    type Handle<T: Send + 'static> = Task<T>;
    type Listener = Async<TcpListener>;
    type Stream = Async<TcpStream>;
    type Sender = channel::Sender<usize>;
    type Receiver = channel::Receiver<usize>;

    fn run<T, F>(workers: usize, main: F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        for _ in 1..workers {
            thread::spawn(|| smol::block_on(EXECUTOR.run(future::pending::<()>())));
        }
        smol::block_on(EXECUTOR.run(EXECUTOR.spawn(main)))
    }

    fn run_two<F, G>(workers: usize, first: F, second: G) -> Result<Duration>
    where
        F: Future<Output = Result<Duration>> + Send + 'static,
        G: Future<Output = Result<()>> + Send + 'static,
    {
        if workers == 1 {
            let second = EXECUTOR.spawn(second);
            return Self::run(1, async {
                let time = first.await?;
                second.await?;
                Ok(time)
            });
        }
        let cpus = sys::allowed_cpus()?;
        let alone = |cpu: usize| sys::pin_to(&[cpu]).map(|()| Executor::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                let executor = alone(cpus[cpus.len() - 1])?;
                smol::block_on(executor.run(executor.spawn(second)))
            });
            let executor = alone(cpus[0])?;
            smol::block_on(executor.run(executor.spawn(first)))
        })
    }

    fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> Task<T> {
        EXECUTOR.spawn(task)
    }

    async fn join<T: Send + 'static>(handle: Task<T>) -> Result<T> {
        Ok(handle.await)
    }

    fn channel() -> (channel::Sender<usize>, channel::Receiver<usize>) {
        channel::bounded(1)
    }

    async fn send(sender: &channel::Sender<usize>, message: usize) -> bool {
        sender.send(message).await.is_ok()
    }

    async fn receive(receiver: &mut channel::Receiver<usize>) -> Option<usize> {
        receiver.recv().await.ok()
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        smol::future::yield_now()
    }

    async fn sleep(time: Duration) {
        Timer::after(time).await;
    }

    fn listen(listener: TcpListener) -> io::Result<Async<TcpListener>> {
        Async::new(listener)
    }

    async fn accept(listener: &Async<TcpListener>) -> io::Result<Async<TcpStream>> {
        Ok(listener.accept().await?.0)
    }

    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Async<TcpStream>>> + Send {
        Async::<TcpStream>::connect(address)
    }

    async fn read(stream: &mut Async<TcpStream>, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }

    async fn write_all(stream: &mut Async<TcpStream>, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }
}
