use loom::{
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::{
    call_line::{CallLine, Called, let_go},
    wait_list::Waiter,
};

/// A queue of things that are all alike.
struct Shop {
    stock: Mutex<Stock>,
    line: CallLine<InLine>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Stock {
    items: usize,
    promised: usize,
    is_closed: bool,
}

impl Shop {
    fn new() -> Arc<Self> {
        Arc::new(Self { stock: Mutex::new(Stock::default()), line: CallLine::new() })
    }

    fn put(&self) {
        let mut stock = self.stock.lock().unwrap();
        stock.items += 1;
        let call = self.line.call();
        stock.promised += usize::from(call.is_some());
        drop(stock);
        call.into_iter().for_each(InLine::deliver);
    }

    fn close(&self) {
        let mut stock = self.stock.lock().unwrap();
        stock.is_closed = true;
        let closing = self.line.close();
        drop(stock);
        let_go([closing]);
    }

    /// False: cancelled or closed.
    fn get(&self, me: &Thread) -> bool {
        let mut stock = self.look();
        if stock.items == stock.promised {
            if stock.is_closed {
                return false;
            }
            match me.block_on(self.line.stand(|| drop(stock))) {
                None | Some(Called::Closed) => return false,
                Some(Called::Turn) => {}
            }
            stock = self.stock.lock().unwrap();
            stock.promised -= 1;
        }
        stock.items -= 1;
        true
    }

    /// As [`get`](Self::get), by a future, which is dropped when it is cancelled.
    fn get_async(&self, me: &Thread) -> bool {
        let enter = || {
            let mut stock = self.look();
            if stock.items > stock.promised {
                stock.items -= 1;
                return Ok(true);
            }
            if stock.is_closed { Ok(false) } else { Err(|| drop(stock)) }
        };
        match me.block_on_or_drop(self.line.enter(enter)) {
            Some(Ok(got)) => got,
            None | Some(Err(Called::Closed)) => false,
            Some(Err(Called::Turn)) => {
                let mut stock = self.stock.lock().unwrap();
                stock.promised -= 1;
                stock.items -= 1;
                true
            }
        }
    }

    /// Counts out what was promised and given back.
    fn look(&self) -> MutexGuard<'_, Stock> {
        let mut stock = self.stock.lock().unwrap();
        stock.promised -= self.line.take_returned();
        stock
    }

    #[track_caller]
    fn has(&self, items: usize) {
        let stock = self.look();
        assert_eq!((stock.items, stock.promised), (items, 0));
    }
}

/// Catches: a call that goes lost between the look at the stock and the line, an item that two take.
#[test]
fn two_get_and_one_puts() {
    check_bounded(3, || {
        let shop = Shop::new();
        let getters = [(); 2].map(|()| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || assert!(shop.get(&Thread::new())))
        });
        shop.put();
        shop.put();
        getters.into_iter().for_each(|getter| getter.join().unwrap());
        shop.has(0);
    });
}

/// Catches: a cancelled one that takes its call with it, or that is promised a thing after it has left.
#[test]
fn a_cancel_meets_a_call() {
    check_bounded(3, || {
        let shop = Shop::new();
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&shop));
        let first = thread::spawn(move || theirs.get(&me));
        let theirs = Arc::clone(&shop);
        let second = thread::spawn(move || assert!(theirs.get(&Thread::new())));
        shop.put();
        cancelled.cancel();
        shop.put();
        let got = first.join().unwrap();
        second.join().unwrap();
        shop.has(1 - usize::from(got));
    });
}

/// Catches: one that was called and is let go with the others.
#[test]
fn a_close_meets_a_put_and_those_in_line() {
    check_bounded(3, || {
        let shop = Shop::new();
        let getters = [(); 2].map(|()| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || shop.get(&Thread::new()))
        });
        shop.put();
        shop.close();
        let got = getters.map(|getter| getter.join().unwrap());
        assert!(got.iter().any(|got| *got), "what was put before the close is got");
        shop.has(0);
    });
}

/// Catches: one that stays in line, or gets in, when it is closed.
#[test]
fn a_close_meets_two_that_get() {
    check_bounded(3, || {
        let shop = Shop::new();
        let getters = [(); 2].map(|()| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || assert!(!shop.get(&Thread::new())))
        });
        shop.close();
        getters.into_iter().for_each(|getter| getter.join().unwrap());
        shop.has(0);
    });
}

/// Catches: a turn that goes with a future that is dropped, though one waits or comes just then.
#[test]
fn a_future_is_dropped_when_it_is_called_and_another_comes() {
    check_bounded(3, || {
        let shop = Shop::new();
        let dropped = Thread::new();
        let (me, theirs) = (Arc::clone(&dropped), Arc::clone(&shop));
        let first = thread::spawn(move || theirs.get_async(&me));
        let theirs = Arc::clone(&shop);
        let second = thread::spawn(move || assert!(theirs.get(&Thread::new())));
        shop.put();
        dropped.cancel();
        if first.join().unwrap() {
            shop.put();
        }
        second.join().unwrap();
        shop.has(0);
    });
}

/// Catches: a turn that was given back and is still counted for one who looks after that.
#[test]
fn a_future_is_dropped_when_it_is_called_and_nobody_comes() {
    check_bounded(3, || {
        let shop = Shop::new();
        let dropped = Thread::new();
        let (me, theirs) = (Arc::clone(&dropped), Arc::clone(&shop));
        let first = thread::spawn(move || theirs.get_async(&me));
        let theirs = Arc::clone(&shop);
        let putting = thread::spawn(move || theirs.put());
        dropped.cancel();
        let got = first.join().unwrap();
        putting.join().unwrap();
        shop.has(1 - usize::from(got));
    });
}

/// Catches: one in line that neither the close nor the turn of a dropped one comes to, or both do.
#[test]
fn a_future_is_dropped_when_it_is_called_and_the_line_is_closed() {
    check_bounded(3, || {
        let shop = Shop::new();
        let dropped = Thread::new();
        let (me, theirs) = (Arc::clone(&dropped), Arc::clone(&shop));
        let first = thread::spawn(move || theirs.get_async(&me));
        let theirs = Arc::clone(&shop);
        let second = thread::spawn(move || theirs.get_async(&Thread::new()));
        shop.put();
        dropped.cancel();
        shop.close();
        let got = [first, second].map(|getter| usize::from(getter.join().unwrap()));
        shop.has(1 - got.iter().sum::<usize>());
    });
}

/// Catches: one that comes to the line after a close and is let go by it, as those who wait for all tasks of a queue.
#[test]
fn a_close_is_for_those_in_line_alone() {
    check_bounded(3, || {
        let shop = Shop::new();
        let getters = [(); 2].map(|()| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || {
                let mut stock = shop.stock.lock().unwrap();
                let was_closed = stock.is_closed;
                if stock.items > stock.promised {
                    stock.items -= 1;
                    return (was_closed, Some(Called::Turn));
                }
                // Also after the close.
                (was_closed, Thread::new().block_on(shop.line.stand(|| drop(stock))))
            })
        });
        shop.close();
        shop.put();
        shop.put();
        for getter in getters {
            let (was_closed, called) = getter.join().unwrap();
            let expected = if was_closed { Called::Turn } else { Called::Closed };
            assert_eq!(called, Some(expected));
        }
    });
}
