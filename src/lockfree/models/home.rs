use loom::{model, sync::Arc, thread};

use crate::lockfree::home::Home;

/// Catches: a place read before it was written.
#[test]
fn who_sees_the_worker_sees_the_place() {
    model(|| {
        let home = Arc::new(Home::unknown());
        let worker = std::sync::Arc::new(7);
        let theirs = Arc::clone(&home);
        let reader = thread::spawn(move || {
            if let Some((worker, place)) = theirs.get() {
                assert_eq!((*worker, place), (7, 3));
            }
        });
        // SAFETY: this thread alone settles it.
        unsafe {
            home.settle(&worker, 3);
            home.settle(&worker, 4);
        }
        reader.join().unwrap();
        assert_eq!(home.get(), Some((&7, 3)));
        assert_eq!(std::sync::Arc::strong_count(&worker), 2);
        drop(home);
        assert_eq!(std::sync::Arc::strong_count(&worker), 1);
    });
}
