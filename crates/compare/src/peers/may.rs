//! may: stackful coroutines that move between workers.
//!
//! Its `spawn` is unsafe because of that: a coroutine must not use thread-locals across a switch, nor
//! overflow its stack. The programs do neither.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::time::Duration;

use may::coroutine::{self, Builder, Coroutine, JoinHandle};
use may::net::{TcpListener as MayListener, TcpStream};
use may::sync::mpsc;

use super::Result;
use super::blocking::Threads;

pub(super) struct May;

impl Threads for May {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type Thread = Coroutine;
    type Listener = MayListener;
    type Stream = TcpStream;
    type Sender = mpsc::Sender<usize>;
    type Receiver = mpsc::Receiver<usize>;

    fn run<T: Send + 'static>(
        workers: usize,
        main: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        may::config().set_workers(workers);
        Self::join(Self::spawn(main)?)?
    }

    fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
        // SAFETY: of the programs, only `Seats::note` reads a thread-local, in a function that is never
        // inlined and never switches; and their frames are far smaller than may's stacks.
        unsafe { Builder::new().spawn(f) }
    }

    fn join<T: Send + 'static>(handle: JoinHandle<T>) -> Result<T> {
        handle.join().map_err(|_| "a coroutine panicked".into())
    }

    fn thread<T: Send + 'static>(handle: &JoinHandle<T>) -> Coroutine {
        handle.coroutine().clone()
    }

    fn current() -> Coroutine {
        coroutine::current()
    }

    #[inline(always)]
    fn park() {
        coroutine::park();
    }

    #[inline(always)]
    fn unpark(thread: &Coroutine) {
        thread.unpark();
    }

    #[inline(always)]
    fn yield_now() {
        coroutine::yield_now();
    }

    fn sleep(time: Duration) {
        coroutine::sleep(time);
    }

    /// It has none with a bound.
    fn channel() -> (Self::Sender, Self::Receiver) {
        mpsc::channel()
    }

    #[inline(always)]
    fn send(sender: &Self::Sender, message: usize) -> bool {
        sender.send(message).is_ok()
    }

    #[inline(always)]
    fn receive(receiver: &Self::Receiver) -> Option<usize> {
        receiver.recv().ok()
    }

    fn listen(listener: TcpListener) -> io::Result<MayListener> {
        // SAFETY: the descriptor is open, and it is given away.
        Ok(unsafe { MayListener::from_raw_fd(listener.into_raw_fd()) })
    }

    fn accept(listener: &MayListener) -> io::Result<TcpStream> {
        Ok(listener.accept()?.0)
    }

    fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address)
    }
}
