//! Calls that need a big stack: `stack_size` and `on_big_stack`.

mod support;

use std::{cell::RefCell, hint::black_box, panic, rc::Rc, time::Duration};

use support::{in_run, message_of_panic, watched};
use sward::{thread, thread::Builder};

/// A kilobyte a level, three of them unoptimised.
fn depth(n: u32) -> u32 {
    let frame = black_box([n; 256]);
    if n == 0 { 0 } else { 1 + depth(frame[0] - 1) }
}

#[test]
fn half_a_megabyte_of_recursion_fits_the_big_stack_and_not_the_small_one() {
    assert_eq!(in_run(|| sward::spawn(|| sward::on_big_stack(|| depth(400))).join().unwrap()), 400);
    assert_eq!(watched(|| support::runtime(2).run(|| sward::on_big_stack(|| depth(400)))), 400);
}

#[test]
fn a_stack_size_on_request_holds_what_it_says() {
    in_run(|| {
        let handle = Builder::new().stack_size(4 << 20).spawn(|| depth(1000)).unwrap();
        assert_eq!(handle.join().unwrap(), 1000);
    });
}

#[test]
fn the_big_stack_borrows_returns_and_nests() {
    in_run(|| {
        let mut text = String::from("a");
        let length = sward::on_big_stack(|| {
            text.push('b');
            sward::on_big_stack(|| text.push('c'));
            text.len()
        });
        assert_eq!((length, text.as_str()), (3, "abc"));
    });
}

#[test]
fn a_panic_on_the_big_stack_comes_out_of_it() {
    in_run(|| {
        assert_eq!(message_of_panic(|| sward::on_big_stack(|| panic!("deep down"))), "deep down");
        assert_eq!(
            message_of_panic(|| sward::on_big_stack(|| sward::on_big_stack(|| panic!("deeper")))),
            "deeper"
        );
        let handle = sward::spawn(|| sward::on_big_stack(|| panic!("unjoined")));
        assert_eq!(handle.join().unwrap_err().downcast_ref::<&str>(), Some(&"unjoined"));
        // And it switches again.
        sward::spawn(thread::yield_now).join().unwrap();
    });
}

#[test]
fn a_caught_panic_on_the_big_stack_leaves_all_well() {
    in_run(|| {
        let value =
            sward::on_big_stack(|| panic::catch_unwind(|| panic::resume_unwind(Box::new(5))).is_err());
        assert!(value && !thread::panicking());
        thread::yield_now();
    });
}

#[test]
fn parks_on_the_big_stack_block_in_place_and_return() {
    in_run(|| {
        let others = Rc::new(RefCell::new(0));
        let theirs = Rc::clone(&others);
        sward::spawn_local(move || *theirs.borrow_mut() += 1);
        sward::on_big_stack(|| {
            thread::sleep(Duration::from_millis(1));
            thread::yield_now();
            thread::park_timeout(Duration::from_millis(1));
            thread::current().unpark();
            thread::park();
            assert_eq!(sward::blocking(|| 3), 3);
            assert_eq!(*others.borrow(), 0, "nobody else ran");
        });
        thread::yield_now();
        assert_eq!(*others.borrow(), 1);
    });
}

#[test]
fn a_park_on_the_big_stack_is_woken_from_another_thread() {
    in_run(|| {
        sward::on_big_stack(|| {
            let me = thread::current();
            let waker = std::thread::spawn(move || me.unpark());
            thread::park();
            waker.join().unwrap();
        });
    });
}

#[test]
fn the_big_stack_of_an_os_thread_is_its_own() {
    assert_eq!(sward::on_big_stack(|| depth(100)), 100);
}
