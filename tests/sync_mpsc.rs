//! `sward::sync::mpsc`: each behaviour by the same test on `std` and on sward: between OS threads, between green threads of
//! one worker, and of two. Then what only green threads have.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use support::{Drops, MS, OnDrop, in_run, in_virtual_time, runtime, until_parked, watched};
use sward::{shield, spawn, sync::mpsc, yield_now};

/// The tests that `std` and sward have in common, with the channels of `$mpsc` among threads of `$thread`; `$run` runs
/// a test.
macro_rules! behaviours {
    ($name:ident, $mpsc:path, $thread:path, $run:expr) => {
        mod $name {
            use std::sync::{
                Arc,
                atomic::{AtomicBool, Ordering::SeqCst},
            };

            use $mpsc::*;
            use $thread as thread;

            use super::*;

            macro_rules! test {
                ($what:ident, $body:block) => {
                    #[test]
                    fn $what() {
                        $run(|| $body);
                    }
                };
            }

            test!(messages_come_in_the_order_in_which_they_were_sent, {
                let (sender, receiver) = channel();
                let job = thread::spawn(move || (0..100).for_each(|i| sender.send(i).unwrap()));
                (0..100).for_each(|i| assert_eq!(receiver.recv(), Ok(i)));
                job.join().unwrap();
                assert_eq!(receiver.recv(), Err(RecvError));
            });

            /// Four send, each by a closure of `sender`'s making.
            fn four_send<F>(sender: impl Fn() -> F, receiver: Receiver<(usize, u32)>)
            where
                F: Fn((usize, u32)) + Send + 'static,
            {
                let jobs = [0, 1, 2, 3].map(|who| {
                    let send = sender();
                    thread::spawn(move || (0..200).for_each(|i| send((who, i))))
                });
                drop(sender);
                let mut next = [0; 4];
                for (who, i) in receiver {
                    assert_eq!(i, next[who]);
                    next[who] += 1;
                }
                assert_eq!(next, [200; 4]);
                jobs.into_iter().for_each(|job| job.join().unwrap());
            }

            test!(many_send_and_each_ones_messages_keep_their_order, {
                let (sender, receiver) = channel();
                let clone = move || {
                    let sender = sender.clone();
                    move |message| sender.send(message).unwrap()
                };
                four_send(clone, receiver);
                for bound in [0, 1, 3] {
                    let (sender, receiver) = sync_channel(bound);
                    let clone = move || {
                        let sender = sender.clone();
                        move |message| sender.send(message).unwrap()
                    };
                    four_send(clone, receiver);
                }
            });

            test!(what_was_sent_before_the_last_sender_went_is_received, {
                let (sender, receiver) = channel();
                let clone = sender.clone();
                sender.send(1).unwrap();
                drop(sender);
                assert_eq!(receiver.recv(), Ok(1));
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
                clone.send(2).unwrap();
                drop(clone);
                assert_eq!(receiver.recv(), Ok(2));
                assert_eq!(receiver.recv(), Err(RecvError));
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
            });

            test!(a_send_without_a_receiver_gives_the_message_back, {
                let (sender, receiver) = channel();
                drop(receiver);
                assert_eq!(sender.send("back"), Err(SendError("back")));
                let (sender, receiver) = sync_channel(1);
                drop(receiver);
                assert_eq!(sender.send("back"), Err(SendError("back")));
                assert_eq!(sender.try_send("back"), Err(TrySendError::Disconnected("back")));
            });

            test!(what_is_left_is_dropped_with_the_receiver, {
                let drops = Drops::new();
                let ((sender, receiver), (synchronous, bounded)) = (channel(), sync_channel(5));
                (0..3).for_each(|_| sender.send(drops.guard()).unwrap());
                (0..3).for_each(|_| synchronous.send(drops.guard()).unwrap());
                drop((receiver.recv(), bounded.recv()));
                assert_eq!(drops.count(), 2);
                drop((receiver, bounded));
                assert_eq!(drops.count(), 6);
                drop((sender, synchronous));
                assert_eq!(drops.count(), 6);
            });

            test!(a_receiver_that_waits_learns_that_the_last_sender_has_gone, {
                let (sender, receiver) = channel::<()>();
                let job = thread::spawn(move || receiver.recv());
                (0..3).for_each(|_| thread::yield_now());
                drop(sender);
                assert_eq!(job.join().unwrap(), Err(RecvError));
            });

            test!(a_sender_that_waits_learns_that_the_receiver_has_gone, {
                for bound in [0, 1] {
                    let (sender, receiver) = sync_channel(bound);
                    (0..bound).for_each(|_| sender.send(8).unwrap());
                    let job = thread::spawn(move || sender.send(9));
                    (0..3).for_each(|_| thread::yield_now());
                    drop(receiver);
                    assert_eq!(job.join().unwrap(), Err(SendError(9)));
                }
            });

            test!(try_send_never_waits, {
                let (sender, receiver) = sync_channel(1);
                assert_eq!(sender.try_send(1), Ok(()));
                assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
                assert_eq!(receiver.recv(), Ok(1));
                assert_eq!(sender.try_send(3), Ok(()));
                let (sender, receiver) = sync_channel(0);
                assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
                let job = thread::spawn(move || receiver.recv());
                while sender.try_send(2).is_err() {
                    thread::yield_now();
                }
                assert_eq!(job.join().unwrap(), Ok(2));
            });

            test!(without_room_a_send_ends_when_it_is_received, {
                let (sender, receiver) = sync_channel(0);
                let received = Arc::new(AtomicBool::new(false));
                let theirs = Arc::clone(&received);
                let job = thread::spawn(move || {
                    sender.send(1).unwrap();
                    assert!(theirs.load(SeqCst));
                });
                (0..5).for_each(|_| thread::yield_now());
                received.store(true, SeqCst);
                assert_eq!(receiver.recv(), Ok(1));
                job.join().unwrap();
            });

            test!(a_full_channel_holds_its_senders_back, {
                let (sender, receiver) = sync_channel(2);
                let job = thread::spawn(move || {
                    for i in 0..100 {
                        sender.send(i).unwrap();
                    }
                });
                (0..100).for_each(|i| assert_eq!(receiver.recv(), Ok(i)));
                job.join().unwrap();
            });

            test!(recv_timeout_waits_so_long, {
                let (sender, receiver) = channel();
                assert_eq!(receiver.recv_timeout(MS), Err(RecvTimeoutError::Timeout));
                assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
                sender.send(1).unwrap();
                assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(1));
                let job = thread::spawn(move || sender.send(2));
                assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(2));
                job.join().unwrap().unwrap();
                assert_eq!(receiver.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
                let (sender, receiver) = sync_channel(0);
                assert_eq!(receiver.recv_timeout(MS), Err(RecvTimeoutError::Timeout));
                let job = thread::spawn(move || sender.send(3));
                assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(3));
                job.join().unwrap().unwrap();
            });

            test!(try_recv_says_why_there_is_nothing, {
                let (sender, receiver) = sync_channel(0);
                assert_eq!(receiver.try_recv(), Err::<u8, _>(TryRecvError::Empty));
                let job = thread::spawn(move || sender.send(1));
                while receiver.try_recv() != Ok(1) {
                    thread::yield_now();
                }
                job.join().unwrap().unwrap();
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
            });

            test!(iterators_go_to_the_end_or_to_what_is_there, {
                let (sender, receiver) = channel();
                (0..3).for_each(|i| sender.send(i).unwrap());
                assert!(receiver.try_iter().eq(0..3));
                assert_eq!(receiver.try_iter().next(), None);
                (3..6).for_each(|i| sender.send(i).unwrap());
                assert!(receiver.iter().take(1).eq([3]));
                drop(sender);
                let mut rest = Vec::new();
                for i in &receiver {
                    rest.push(i);
                    break;
                }
                rest.extend(receiver);
                assert_eq!(rest, [4, 5]);
            });

            test!(messages_may_be_ends_closures_and_nothing, {
                let (sender, receiver) = channel::<(Sender<u8>, Box<dyn FnOnce() -> u8 + Send>)>();
                let job = thread::spawn(move || {
                    for (answer, question) in receiver {
                        answer.send(question()).unwrap();
                    }
                });
                let (answer, answers) = channel();
                sender.send((answer, Box::new(|| 6 * 7))).unwrap();
                drop(sender);
                assert!(answers.iter().eq([42]));
                job.join().unwrap();
                let (sender, receiver) = sync_channel(1000);
                (0..1000).for_each(|_| sender.send(()).unwrap());
                assert_eq!(receiver.try_iter().count(), 1000);
                let (sender, receiver) = channel();
                sender.send([7_u8; 4096]).unwrap();
                assert_eq!(receiver.recv().unwrap()[4095], 7);
            });

            test!(a_panic_drops_its_end_as_any_drop_does, {
                let (sender, receiver) = channel::<()>();
                let job = thread::spawn(move || {
                    let _sender = sender;
                    std::panic::resume_unwind(Box::new(()));
                });
                assert_eq!(receiver.recv(), Err(RecvError));
                assert!(job.join().is_err());
            });

            test!(a_drop_that_unwinds_may_send_and_receive, {
                let (sender, receiver) = channel();
                let (back, answers) = sync_channel(1);
                let job = thread::spawn(move || {
                    sender.send(1).unwrap();
                    let _last = OnDrop(|| {
                        sender.send(2).unwrap();
                        back.send(3).unwrap();
                    });
                    std::panic::resume_unwind(Box::new(()));
                });
                assert!(job.join().is_err());
                assert!(receiver.iter().eq([1, 2]) && answers.iter().eq([3]));
            });

            #[test]
            fn the_traits_are_there() {
                use std::panic::{RefUnwindSafe, UnwindSafe};
                fn send<T: Send>() {}
                fn sync<T: Sync>() {}
                fn safe<T: UnwindSafe + RefUnwindSafe>() {}
                send::<(Sender<u8>, SyncSender<u8>, Receiver<u8>, IntoIter<u8>)>();
                sync::<(Sender<std::cell::Cell<u8>>, SyncSender<std::cell::Cell<u8>>)>();
                safe::<(Sender<u8>, SyncSender<u8>, Receiver<u8>)>();
                let ((sender, receiver), (synchronous, _bounded)) = (channel::<u8>(), sync_channel::<u8>(0));
                assert_eq!(
                    format!("{sender:?} {synchronous:?} {receiver:?} {:?}", receiver.try_iter()),
                    "Sender { .. } SyncSender { .. } Receiver { .. } TryIter { rx: Receiver { .. } }"
                );
                let clones = (sender.clone(), synchronous.clone());
                drop(clones);
                assert_eq!(TrySendError::from(SendError(1)), TrySendError::Disconnected(1));
                assert_eq!(TryRecvError::from(RecvError), TryRecvError::Disconnected);
            }
        }
    };
}

behaviours!(of_std, std::sync::mpsc, std::thread, watched);
behaviours!(of_sward_between_os_threads, sward::sync::mpsc, std::thread, watched);
behaviours!(of_sward_on_one_worker, sward::sync::mpsc, sward::thread, in_run);
behaviours!(of_sward_on_two_workers, sward::sync::mpsc, sward::thread, on_two_workers);

fn on_two_workers(f: impl FnOnce() + Send + 'static) {
    watched(|| runtime(2).run(f));
}

#[test]
fn green_threads_and_os_threads_send_to_each_other() {
    in_run(|| {
        for bound in [0, 1, 7] {
            let (there, questions) = mpsc::sync_channel(bound);
            let (back, answers) = mpsc::channel();
            let echo = std::thread::spawn(move || questions.iter().for_each(|i: u32| back.send(i).unwrap()));
            let asks = spawn(move || (0..300).for_each(|i| there.send(i).unwrap()));
            assert!(answers.iter().eq(0..300));
            asks.join().unwrap();
            echo.join().unwrap();
        }
    });
}

#[test]
fn a_receive_that_waits_lets_the_worker_go_on() {
    in_run(|| {
        let (sender, receiver) = mpsc::channel();
        let waits = spawn(move || receiver.recv());
        until_parked(&waits);
        assert_eq!(spawn(|| 6 * 7).join().unwrap(), 42);
        sender.send(1).unwrap();
        assert_eq!(waits.join().unwrap(), Ok(1));
    });
}

#[test]
fn recv_timeout_goes_by_the_runtimes_clock() {
    in_virtual_time(|| {
        let (sender, receiver) = mpsc::channel();
        let start = sward::time::Instant::now();
        let hour = Duration::from_secs(3600);
        assert_eq!(receiver.recv_timeout(hour), Err(mpsc::RecvTimeoutError::Timeout));
        assert_eq!(start.elapsed(), hour);
        sward::spawn_after(hour, move || sender.send(1));
        assert_eq!(receiver.recv_timeout(2 * hour), Ok(1));
        assert_eq!(start.elapsed(), 2 * hour);
    });
}

#[test]
fn a_cancelled_receive_takes_nothing() {
    in_run(|| {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let theirs = Arc::clone(&receiver);
        let waits = spawn(move || theirs.lock().unwrap().recv());
        until_parked(&waits);
        waits.cancel();
        assert!(waits.join().unwrap_err().is_cancelled());
        sender.send(1).unwrap();
        let receiver = receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        assert_eq!(receiver.try_recv(), Ok(1));
    });
}

#[test]
fn a_cancel_that_meets_a_send_loses_nothing() {
    in_run(|| {
        let (sender, receiver) = mpsc::channel();
        let (told, tell) = std::sync::mpsc::channel();
        let waits = spawn(move || {
            let _rest = OnDrop(|| receiver.try_iter().for_each(|i| told.send(i).unwrap()));
            told.send(receiver.recv().unwrap()).unwrap();
            yield_now();
            sward::thread::park();
        });
        until_parked(&waits);
        sender.send(1).unwrap();
        waits.cancel();
        assert!(waits.join().unwrap_err().is_cancelled());
        assert_eq!(tell.try_iter().collect::<Vec<_>>(), [1]);
    });
}

#[test]
fn a_cancelled_send_drops_its_message_and_has_sent_none() {
    in_run(|| {
        for bound in [0, 1] {
            let drops = Drops::new();
            let (sender, receiver) = mpsc::sync_channel(bound);
            (0..bound).for_each(|_| sender.send(drops.guard()).unwrap());
            let guard = drops.guard();
            let waits = spawn(move || sender.send(guard));
            until_parked(&waits);
            waits.cancel();
            assert!(waits.join().unwrap_err().is_cancelled());
            assert_eq!(drops.count(), 1);
            assert_eq!(receiver.iter().count(), bound);
        }
    });
}

#[test]
fn a_shielded_receive_waits_on() {
    in_run(|| {
        let (sender, receiver) = mpsc::channel();
        let (told, tell) = std::sync::mpsc::channel();
        let waits = spawn(move || shield(|| told.send(receiver.recv())));
        until_parked(&waits);
        waits.cancel();
        yield_now();
        sender.send(1).unwrap();
        assert!(waits.join().unwrap_err().is_cancelled());
        assert_eq!(tell.try_recv(), Ok(Ok(1)));
    });
}

#[test]
fn a_sender_is_seen_gone_when_its_green_thread_is_cancelled() {
    in_run(|| {
        let (sender, receiver) = mpsc::channel::<()>();
        let owner = spawn(move || {
            let _sender = sender;
            sward::thread::park();
        });
        until_parked(&owner);
        owner.cancel();
        assert_eq!(receiver.recv(), Err(mpsc::RecvError));
    });
}
