//! `mpsc`: errors, texts, traits.

use std::{cell::Cell, error::Error, rc::Rc};

use super::{
    sync::mpsc::{
        self, IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender, TryIter,
        TryRecvError, TrySendError,
    },
    thread,
};
use crate::seen::Seen;

pub(crate) fn errors() -> Vec<String> {
    let mut seen = Seen::new();
    seen.error("SendError", &SendError(1));
    seen.error("of what has no text", &SendError(thread::current));
    seen.error("TrySendError", &TrySendError::Full("a"));
    seen.error("TrySendError", &TrySendError::Disconnected("a"));
    seen.error("RecvError", &RecvError);
    seen.error("TryRecvError", &TryRecvError::Empty);
    seen.error("TryRecvError", &TryRecvError::Disconnected);
    seen.error("RecvTimeoutError", &RecvTimeoutError::Timeout);
    seen.error("RecvTimeoutError", &RecvTimeoutError::Disconnected);
    seen.error("converted", &TrySendError::from(SendError(2)));
    seen.error("converted", &TryRecvError::from(RecvError));
    seen.error("converted", &RecvTimeoutError::from(RecvError));
    seen.note("equal", (SendError(1) == SendError(1), SendError(1) == SendError(2), RecvError == RecvError));
    seen.note("equal", TrySendError::Full(1) == TrySendError::Disconnected(1));
    seen.note("equal", TryRecvError::Empty == TryRecvError::Disconnected);
    seen.note("equal", RecvTimeoutError::Timeout == RecvTimeoutError::Timeout);
    let copy = SendError(5);
    seen.note("copied", (copy, copy.0));
    let boxed: Box<dyn Error + Send + Sync> = Box::new(SendError(String::new()));
    seen.note("boxed", boxed.to_string());
    seen.end()
}

pub(crate) fn texts() -> Vec<String> {
    let mut seen = Seen::new();
    let (sender, receiver) = mpsc::channel::<i32>();
    seen.texts("Sender", &sender);
    seen.texts("Receiver", &receiver);
    seen.texts("Iter", &receiver.iter());
    seen.texts("TryIter", &receiver.try_iter());
    seen.texts("IntoIter", &receiver.into_iter());
    let (sender, receiver) = mpsc::sync_channel::<Cell<i32>>(1);
    seen.texts("SyncSender", &sender);
    sender.send(Cell::new(1)).unwrap();
    seen.texts("Receiver of a full one", &receiver);
    drop(receiver);
    seen.texts("SyncSender without a receiver", &sender);
    seen.end()
}

pub(crate) fn traits() -> Vec<String> {
    let mut seen = Seen::new();
    traits!(
        seen,
        Sender<i32>,
        Sender<Cell<i32>>,
        Sender<Rc<i32>>,
        Sender<&'static mut i32>,
        Sender<std::marker::PhantomPinned>,
        SyncSender<i32>,
        SyncSender<Cell<i32>>,
        SyncSender<Rc<i32>>,
        SyncSender<&'static mut i32>,
        Receiver<i32>,
        Receiver<Cell<i32>>,
        Receiver<Rc<i32>>,
        Receiver<std::marker::PhantomPinned>,
        Iter<'static, i32>,
        Iter<'static, Rc<i32>>,
        TryIter<'static, i32>,
        TryIter<'static, Rc<i32>>,
        IntoIter<i32>,
        IntoIter<Rc<i32>>,
        SendError<i32>,
        SendError<Rc<i32>>,
        TrySendError<i32>,
        TrySendError<Rc<i32>>,
        RecvError,
        TryRecvError,
        RecvTimeoutError,
    );
    seen.note("IntoIterator", has!(Receiver<i32>: IntoIterator<Item = i32>));
    seen.note("IntoIterator", has!(&'static Receiver<i32>: IntoIterator<Item = i32>));
    seen.note("From", has!(TrySendError<i32>: From<SendError<i32>>));
    seen.note("From", has!(TryRecvError: From<RecvError>));
    seen.note("From", has!(RecvTimeoutError: From<RecvError>));
    seen.end()
}

pub(crate) fn lifetimes() -> Vec<String> {
    // A message may borrow from outside of the channel.
    let mut seen = Seen::new();
    let text = String::from("a b c");
    let (sender, receiver) = mpsc::channel();
    thread::scope(|s| {
        s.spawn(|| text.split(' ').for_each(|word| sender.send(word).unwrap()));
    });
    drop(sender);
    seen.note("words", receiver.iter().collect::<Vec<&str>>());
    let length = text.len();
    let (sender, receiver) = mpsc::channel::<Box<dyn FnOnce() -> usize + Send>>();
    sender.send(Box::new(|| 3)).unwrap();
    sender.send(Box::new(move || length)).unwrap();
    drop(sender);
    seen.note("closures", receiver.into_iter().map(|f| f()).collect::<Vec<_>>());
    seen.end()
}
