//! `sync::mpsc`.

use std::{cell::Cell, rc::Rc, time::Duration};

use super::sync::mpsc::{
    self, IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender, TryIter,
    TryRecvError, TrySendError,
};
use crate::traits::Has;

pub(crate) fn pointers() {
    let _: fn() -> (Sender<i32>, Receiver<i32>) = mpsc::channel;
    let _: fn(usize) -> (SyncSender<i32>, Receiver<i32>) = mpsc::sync_channel;
    let _: fn(&Sender<i32>, i32) -> Result<(), SendError<i32>> = Sender::send;
    let _: fn(&SyncSender<i32>, i32) -> Result<(), SendError<i32>> = SyncSender::send;
    let _: fn(&SyncSender<i32>, i32) -> Result<(), TrySendError<i32>> = SyncSender::try_send;
    let _: fn(&Receiver<i32>) -> Result<i32, TryRecvError> = Receiver::try_recv;
    let _: fn(&Receiver<i32>) -> Result<i32, RecvError> = Receiver::recv;
    let _: fn(&Receiver<i32>, Duration) -> Result<i32, RecvTimeoutError> = Receiver::recv_timeout;
    let _: fn(&Receiver<i32>) -> Iter<'_, i32> = Receiver::iter;
    let _: fn(&Receiver<i32>) -> TryIter<'_, i32> = Receiver::try_iter;
    bound!(Receiver<i32>: IntoIterator<Item = i32, IntoIter = IntoIter<i32>>);
    bound!(&'static Receiver<i32>: IntoIterator<Item = i32, IntoIter = Iter<'static, i32>>);
    bound!(Sender<Rc<i32>>: Clone);
    bound!(SyncSender<Rc<i32>>: Clone);
    // The errors are `std`'s own types.
    let _: Option<std::sync::mpsc::SendError<i32>> = None::<SendError<i32>>;
    let _: Option<std::sync::mpsc::TrySendError<i32>> = None::<TrySendError<i32>>;
    let _: Option<std::sync::mpsc::RecvError> = None::<RecvError>;
    let _: Option<std::sync::mpsc::TryRecvError> = None::<TryRecvError>;
    let _: Option<std::sync::mpsc::RecvTimeoutError> = None::<RecvTimeoutError>;
}

pub(crate) fn traits() -> Vec<Has> {
    traits_of![
        mpsc::Sender<i32>,
        mpsc::Sender<Cell<i32>>,
        mpsc::Sender<Rc<i32>>,
        mpsc::SyncSender<i32>,
        mpsc::SyncSender<Cell<i32>>,
        mpsc::SyncSender<Rc<i32>>,
        mpsc::Receiver<i32>,
        mpsc::Receiver<Rc<i32>>,
        mpsc::Iter<'static, i32>,
        mpsc::TryIter<'static, i32>,
        mpsc::IntoIter<i32>,
        mpsc::IntoIter<Rc<i32>>,
    ]
}
