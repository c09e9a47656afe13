//! Threads of the operating system: the number of workers is the number of CPUs that they may run on.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use super::Result;
use super::blocking::Threads;
use crate::probes::Lap;

pub(super) struct OsThreads;

impl Threads for OsThreads {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type Thread = Thread;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Sender = mpsc::SyncSender<usize>;
    type Receiver = mpsc::Receiver<usize>;

    fn run<T: Send + 'static>(
        _workers: usize,
        main: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        main()
    }

    fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
        thread::Builder::new().spawn(f)
    }

    fn join<T: Send + 'static>(handle: JoinHandle<T>) -> Result<T> {
        handle.join().map_err(|_| "a thread panicked".into())
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
        mpsc::sync_channel(1)
    }

    #[inline(always)]
    fn send(sender: &Self::Sender, message: usize) -> bool {
        sender.send(message).is_ok()
    }

    #[inline(always)]
    fn receive(receiver: &Self::Receiver) -> Option<usize> {
        receiver.recv().ok()
    }

    fn listen(listener: TcpListener) -> io::Result<TcpListener> {
        Ok(listener)
    }

    fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        Ok(listener.accept()?.0)
    }

    fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address)
    }

    fn gate(lap: &Lap) {
        lap.arrive();
        lap.barrier.wait();
    }
}
