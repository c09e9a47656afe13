//! tokio: a runtime on one thread, or on several that steal from each other.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener as TokioListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Result;
use super::tasks::Tasks;
use crate::sys;

pub(super) struct CurrentThread;
pub(super) struct MultiThread;

fn current_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn multi_thread(workers: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build()
}

/// Runs `main` as a task among others: what `block_on` itself polls is treated differently.
fn run_on<T, F>(runtime: &Runtime, main: F) -> Result<T>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    runtime.block_on(async { tokio::spawn(main).await })?
}

/// Implements what does not depend on the kind of runtime.
macro_rules! common {
    () => {
        type Handle<T: Send + 'static> = JoinHandle<T>;
        type Listener = TokioListener;
        type Stream = TcpStream;
        type Sender = mpsc::Sender<usize>;
        type Receiver = mpsc::Receiver<usize>;

        fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
            tokio::spawn(task)
        }

        async fn join<T: Send + 'static>(handle: JoinHandle<T>) -> Result<T> {
            Ok(handle.await?)
        }

        fn channel() -> (mpsc::Sender<usize>, mpsc::Receiver<usize>) {
            mpsc::channel(1)
        }

        async fn send(sender: &mpsc::Sender<usize>, message: usize) -> bool {
            sender.send(message).await.is_ok()
        }

        async fn receive(receiver: &mut mpsc::Receiver<usize>) -> Option<usize> {
            receiver.recv().await
        }

        fn yield_now() -> impl Future<Output = ()> + Send {
            tokio::task::yield_now()
        }

        fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
            tokio::time::sleep(time)
        }

        fn listen(listener: TcpListener) -> io::Result<TokioListener> {
            listener.set_nonblocking(true)?;
            TokioListener::from_std(listener)
        }

        async fn accept(listener: &TokioListener) -> io::Result<TcpStream> {
            Ok(listener.accept().await?.0)
        }

        fn connect(address: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> + Send {
            TcpStream::connect(address)
        }

        async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
            stream.read(buffer).await
        }

        async fn write_all(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
            stream.write_all(bytes).await
        }
    };
}

impl Tasks for CurrentThread {
    common!();

    fn run<T, F>(workers: usize, main: F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        assert_eq!(workers, 1, "a runtime on one thread has one worker");
        run_on(&current_thread()?, main)
    }

    fn run_two<F, G>(workers: usize, first: F, second: G) -> Result<Duration>
    where
        F: Future<Output = Result<Duration>> + Send + 'static,
        G: Future<Output = Result<()>> + Send + 'static,
    {
        if workers == 1 {
            return Self::run(1, async {
                let second = tokio::spawn(second);
                let time = first.await?;
                second.await??;
                Ok(time)
            });
        }
        let cpus = sys::allowed_cpus()?;
        thread::scope(|scope| {
            scope.spawn(|| sys::pin_to(&cpus[cpus.len() - 1..]).map(|()| Self::run(1, second)));
            sys::pin_to(&cpus[..1])?;
            Self::run(1, first)
        })
    }
}

impl Tasks for MultiThread {
    common!();

    fn run<T, F>(workers: usize, main: F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        run_on(&multi_thread(workers)?, main)
    }

    /// Where the two run is the scheduler's choice.
    fn run_two<F, G>(workers: usize, first: F, second: G) -> Result<Duration>
    where
        F: Future<Output = Result<Duration>> + Send + 'static,
        G: Future<Output = Result<()>> + Send + 'static,
    {
        Self::run(workers, async {
            let second = tokio::spawn(second);
            let time = first.await?;
            second.await??;
            Ok(time)
        })
    }
}
