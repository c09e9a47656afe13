//! `sward::{sync, event, channel, queue}`.

use std::{error::Error, future::IntoFuture, sync::Arc, time::Duration};

use sward::{
    channel::{
        self, Receiver, RecvError, RecvTimeoutError, Select, SelectTimeoutError, SelectedOperation,
        SendError, SendTimeoutError, Sender, TryRecvError, TrySelectError, TrySendError,
    },
    event::{Event, Promise, PromiseError, Promised},
    queue::{
        GetError, GetTimeoutError, LifoQueue, PriorityQueue, PutError, PutTimeoutError, Queue, TryGetError,
        TryPutError,
    },
    sync::{
        AcquireTimeoutError, Notified, Notify, OwnedPermit, Permit, ReentrantMutex, ReentrantMutexGuard,
        Semaphore, TryAcquireError, WaitGroup,
    },
    time::Instant,
};

pub(crate) fn pointers() {
    semaphores();
    other_locks();
    events();
    channels();
    selects();
    queues();
}

fn semaphores() {
    static SEMAPHORE: Semaphore = const { Semaphore::new(3) };
    type Shared = Arc<Semaphore>;
    let _: &Semaphore = &SEMAPHORE;
    let _: fn(&Semaphore) -> Permit<'_> = Semaphore::acquire;
    let _: fn(&Semaphore, usize) -> Permit<'_> = Semaphore::acquire_many;
    let _: fn(&Semaphore) -> Result<Permit<'_>, TryAcquireError> = Semaphore::try_acquire;
    let _: fn(&Semaphore, usize) -> Result<Permit<'_>, TryAcquireError> = Semaphore::try_acquire_many;
    let _: fn(&Semaphore, Duration) -> Result<Permit<'_>, AcquireTimeoutError> = Semaphore::acquire_timeout;
    let _: fn(&Shared) -> OwnedPermit = Semaphore::acquire_owned;
    let _: fn(&Shared) -> Result<OwnedPermit, TryAcquireError> = Semaphore::try_acquire_owned;
    let _: fn(&Semaphore, usize) = Semaphore::add_permits;
    let _: fn(&Semaphore) -> usize = Semaphore::available_permits;
    let _: fn(&Semaphore, usize) -> usize = Semaphore::forget_permits;
    let _: fn(&OwnedPermit) -> usize = OwnedPermit::num_permits;
    bound!(OwnedPermit: Send + Sync);
    bound!(AcquireTimeoutError: Error);
}

fn other_locks() {
    static MUTEX: ReentrantMutex<i32> = const { ReentrantMutex::new(1) };
    static NOTIFY: Notify = const { Notify::new() };
    let _: (&ReentrantMutex<i32>, &Notify) = (&MUTEX, &NOTIFY);
    type Mutex = ReentrantMutex<str>;
    let _: fn(ReentrantMutex<i32>) -> i32 = ReentrantMutex::into_inner;
    let _: fn(&Mutex) -> ReentrantMutexGuard<'_, str> = Mutex::lock;
    let _: fn(&Mutex) -> Option<ReentrantMutexGuard<'_, str>> = Mutex::try_lock;
    let _: fn(&Mutex, Duration) -> Option<ReentrantMutexGuard<'_, str>> = Mutex::lock_timeout;
    let _: fn(&mut Mutex) -> &mut str = Mutex::get_mut;
    let _: fn() -> WaitGroup = WaitGroup::new;
    let _: fn(WaitGroup) = WaitGroup::wait;
    let _: fn(WaitGroup, Duration) -> Result<(), WaitGroup> = WaitGroup::wait_timeout;
    bound!(WaitGroup: Clone + Default + Send + Sync);
    let _: fn(&Notify) = Notify::notify_one;
    let _: fn(&Notify) = Notify::notify_waiters;
    let _: fn(&Notify) = Notify::wait;
    let _: fn(&Notify, Duration) -> bool = Notify::wait_timeout;
    let _: fn(&Notify) -> Notified<'_> = Notify::notified;
    bound!(Notified<'static>: Future<Output = ()>);
}

fn events() {
    static EVENT: Event = const { Event::new() };
    let _: &Event = &EVENT;
    let _: fn(&Event) = Event::set;
    let _: fn(&Event) = Event::clear;
    let _: fn(&Event) -> bool = Event::is_set;
    let _: fn(&Event) = Event::wait;
    let _: fn(&Event, Duration) -> bool = Event::wait_timeout;
    let _: fn() -> (Promise<i32>, Promised<i32>) = Promise::new;
    let _: fn(Promise<i32>, i32) = Promise::set;
    let _: fn(Promise<i32>, String) = Promise::fail;
    let _: fn(&Promise<i32>) -> Promised<i32> = Promise::promised;
    let _: fn(&Promised<i32>) -> Result<i32, PromiseError> = Promised::get;
    let _: fn(&Promised<i32>, Duration) -> Result<i32, PromiseError> = Promised::get_timeout;
    let _: fn(&Promised<i32>) -> Option<Result<i32, PromiseError>> = Promised::try_get;
    let _: fn(&Promised<Event>) -> Result<&Event, PromiseError> = Promised::get_ref;
    let _: fn(&Promised<Event>) = Promised::wait;
    let _: fn(&Promised<Event>) -> bool = Promised::is_set;
    bound!(Promised<Event>: Clone + Send + Sync);
    // All readers share one value: it must be `Send` and `Sync` for any of them to go elsewhere.
    type Shared = Promised<std::cell::Cell<u8>>;
    const { assert!(!has!(Shared: Send) && !has!(Shared: Sync)) };
    type Unsent = Promise<std::rc::Rc<u8>>;
    const { assert!(!has!(Unsent: Send) && !has!(Unsent: Sync)) };
    bound!(Promised<i32>: IntoFuture<Output = Result<i32, PromiseError>>);
    bound!(PromiseError: Error);
}

fn channels() {
    type Ends = (Sender<i32>, Receiver<i32>);
    let _: fn(usize) -> Ends = channel::bounded;
    let _: fn() -> Ends = channel::unbounded;
    let _: fn(Duration) -> Receiver<Instant> = channel::after;
    let _: fn(Instant) -> Receiver<Instant> = channel::at;
    let _: fn(Duration) -> Receiver<Instant> = channel::tick;
    let _: fn() -> Receiver<i32> = channel::never;
    let _: fn(&Sender<i32>, i32) -> Result<(), SendError<i32>> = Sender::send;
    let _: fn(&Sender<i32>, i32) -> Result<(), TrySendError<i32>> = Sender::try_send;
    let _: fn(&Sender<i32>, i32, Duration) -> Result<(), SendTimeoutError<i32>> = Sender::send_timeout;
    let _: fn(&Sender<i32>, i32, Instant) -> Result<(), SendTimeoutError<i32>> = Sender::send_deadline;
    let _: fn(&Receiver<i32>) -> Result<i32, RecvError> = Receiver::recv;
    let _: fn(&Receiver<i32>) -> Result<i32, TryRecvError> = Receiver::try_recv;
    let _: fn(&Receiver<i32>, Duration) -> Result<i32, RecvTimeoutError> = Receiver::recv_timeout;
    let _: fn(&Receiver<i32>, Instant) -> Result<i32, RecvTimeoutError> = Receiver::recv_deadline;
    let _: fn(&Receiver<i32>) -> channel::Iter<'_, i32> = Receiver::iter;
    let _: fn(&Receiver<i32>) -> channel::TryIter<'_, i32> = Receiver::try_iter;
    let _: [fn(&Sender<i32>) -> bool; 2] = [Sender::is_empty, Sender::is_full];
    let _: [fn(&Receiver<i32>) -> bool; 2] = [Receiver::is_empty, Receiver::is_full];
    let _: (fn(&Sender<i32>) -> usize, fn(&Receiver<i32>) -> usize) = (Sender::len, Receiver::len);
    let _: (fn(&Sender<i32>) -> Option<usize>, fn(&Receiver<i32>) -> Option<usize>) =
        (Sender::capacity, Receiver::capacity);
    let _: fn(&Sender<i32>, &Sender<i32>) -> bool = Sender::same_channel;
    let _: fn(&Receiver<i32>, &Receiver<i32>) -> bool = Receiver::same_channel;
    bound!(Sender<i32>: Clone + Send + Sync);
    type Ours = (Sender<std::rc::Rc<u8>>, Receiver<std::rc::Rc<u8>>);
    const { assert!(!has!(Ours: Send) && !has!(Ours: Sync)) };
    bound!(Receiver<i32>: Clone + Send + Sync + IntoIterator<Item = i32>);
}

fn selects() {
    let (sender, receiver) = channel::bounded::<i32>(1);
    sender.send(7).unwrap();
    let got = sward::select! {
        recv(receiver) -> message => message,
        recv(channel::after(Duration::MAX)) -> _ => unreachable!("it is far away"),
        default => unreachable!("there is one"),
    };
    assert_eq!(got, Ok(7));
    let _: fn() -> Select<'static> = Select::new;
    let _: fn(&mut Select<'static>, &'static Sender<i32>) -> usize = Select::send::<i32>;
    let _: fn(&mut Select<'static>, &'static Receiver<i32>) -> usize = Select::recv::<i32>;
    let _: fn(&mut Select<'static>) -> SelectedOperation<'static> = Select::select;
    let _: fn(&mut Select<'static>) -> Result<SelectedOperation<'static>, TrySelectError> =
        Select::try_select;
    let _: fn(&mut Select<'static>, Duration) -> Result<SelectedOperation<'static>, SelectTimeoutError> =
        Select::select_timeout;
    let _: fn(&SelectedOperation<'static>) -> usize = SelectedOperation::index;
    let _: fn(SelectedOperation<'static>, &Sender<i32>, i32) -> Result<(), SendError<i32>> =
        SelectedOperation::send;
    let _: fn(SelectedOperation<'static>, &Receiver<i32>) -> Result<i32, RecvError> = SelectedOperation::recv;
}

macro_rules! queue {
    ($Queue:ident) => {
        let _: fn(Option<usize>) -> $Queue<i32> = $Queue::new;
        let _: fn(&$Queue<i32>, i32) -> Result<(), PutError<i32>> = $Queue::put;
        let _: fn(&$Queue<i32>, i32, Duration) -> Result<(), PutTimeoutError<i32>> = $Queue::put_timeout;
        let _: fn(&$Queue<i32>, i32) -> Result<(), TryPutError<i32>> = $Queue::try_put;
        let _: fn(&$Queue<i32>) -> Result<i32, GetError> = $Queue::get;
        let _: fn(&$Queue<i32>, Duration) -> Result<i32, GetTimeoutError> = $Queue::get_timeout;
        let _: fn(&$Queue<i32>) -> Result<i32, TryGetError> = $Queue::try_get;
        let _: [fn(&$Queue<i32>); 3] = [$Queue::task_done, $Queue::join, $Queue::close];
        let _: [fn(&$Queue<i32>) -> bool; 2] = [$Queue::is_empty, $Queue::is_full];
        let _: fn(&$Queue<i32>) -> usize = $Queue::len;
        bound!($Queue<i32>: Send + Sync);
    };
}

fn queues() {
    queue!(Queue);
    queue!(LifoQueue);
    queue!(PriorityQueue);
}
