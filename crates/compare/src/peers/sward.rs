//! sward: one worker on the calling OS thread, as [`sward::run`] has it, or a runtime of several.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use sward::channel;
use sward::net::{TcpListener, TcpStream};
use sward::runtime::Runtime;
use sward::thread::{self, JoinHandle, Thread};

use super::Result;
use super::blocking::Threads;

pub(super) struct Sward;

impl Threads for Sward {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type Thread = Thread;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Sender = channel::Sender<usize>;
    type Receiver = channel::Receiver<usize>;

    fn run<T: Send + 'static>(
        workers: usize,
        main: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match workers {
            1 => Runtime::builder().run(main),
            several => Runtime::builder().workers(several).build()?.run(main),
        }
    }

    fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
        Ok(thread::spawn(f))
    }

    fn spawn_after<T: Send + 'static>(
        delay: Duration,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        Ok(thread::spawn_after(delay, f))
    }

    fn join<T: Send + 'static>(handle: JoinHandle<T>) -> Result<T> {
        handle.join().map_err(|error| error.to_string().into())
    }

    fn thread<T: Send + 'static>(handle: &JoinHandle<T>) -> Thread {
        handle.thread().clone()
    }

    fn current() -> Thread {
        thread::current()
    }

    #[inline(always)]
    fn park() {
        thread::park();
    }

    #[inline(always)]
    fn unpark(thread: &Thread) {
        thread.unpark();
    }

    #[inline(always)]
    fn yield_now() {
        thread::yield_now();
    }

    fn sleep(time: Duration) {
        thread::sleep(time);
    }

    fn channel() -> (Self::Sender, Self::Receiver) {
        channel::bounded(1)
    }

    #[inline(always)]
    fn send(sender: &Self::Sender, message: usize) -> bool {
        sender.send(message).is_ok()
    }

    #[inline(always)]
    fn receive(receiver: &Self::Receiver) -> Option<usize> {
        receiver.recv().ok()
    }

    fn listen(listener: StdListener) -> io::Result<TcpListener> {
        Ok(listener.into())
    }

    fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        Ok(listener.accept()?.0)
    }

    fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address)
    }
}
