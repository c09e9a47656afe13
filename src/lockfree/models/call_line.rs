use loom::{
    sync::{Arc, Mutex},
    thread,
};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::{
    call_line::{CallLine, Called},
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
        self.line.close();
    }

    /// False: cancelled or closed.
    fn get(&self, me: &Thread) -> bool {
        let mut stock = self.stock.lock().unwrap();
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

    #[track_caller]
    fn has(&self, items: usize) {
        let stock = self.stock.lock().unwrap();
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
