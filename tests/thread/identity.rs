//! Which green thread it is, and how it is shown.

use crate::support::{in_run, watched};
use sward::thread::{self, Builder};

#[test]
fn ids_are_unique_over_green_and_os_threads() {
    watched(|| {
        let mut ids: Vec<_> = sward::join_all((0..2000).map(|_| sward::spawn(|| thread::current().id())))
            .into_iter()
            .map(Result::unwrap)
            .collect();
        ids.push(thread::current().id());
        ids.push(std::thread::spawn(|| thread::current().id()).join().unwrap());
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 2002);
    });
}

#[test]
fn current_is_the_same_thread_each_time() {
    in_run(|| {
        let before = thread::current().id();
        thread::yield_now();
        assert_eq!(thread::current().id(), before);
        assert_ne!(sward::spawn(|| thread::current().id()).join().unwrap(), before);
    });
}

#[test]
fn is_green_tells_green_threads_from_os_threads() {
    watched(|| {
        assert!(!sward::is_green());
        assert!(sward::run(sward::is_green));
        assert!(sward::spawn(sward::is_green).join().unwrap());
        assert!(!sward::run(|| sward::blocking(sward::is_green)));
        assert!(sward::run(|| sward::on_big_stack(sward::is_green)));
    });
}

#[test]
fn debug_of_a_handle_tells_id_name_status_and_spawn_site() {
    in_run(|| {
        let handle = Builder::new().name("idler".into()).spawn(thread::park).unwrap();
        let id = handle.id().as_u64();
        let site = format!("at {}:{}", file!(), line!() - 2);
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" pending {site}>"));
        thread::yield_now();
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" parked {site}>"));
        handle.thread().unpark();
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" running {site}>"));
        thread::yield_now();
        assert_eq!(format!("{handle:?}"), format!("<green thread {id} \"idler\" done {site}>"));
    });
}
