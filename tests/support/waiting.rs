//! Letting others come to where they wait.

/// Lets others run until this one waits.
pub(crate) fn until_parked<T>(waiting: &sward::JoinHandle<T>) {
    while waiting.status() != sward::Status::Parked {
        assert!(!waiting.is_finished(), "it has ended instead of waiting");
        sward::yield_now();
    }
}

/// Lets everything that is ready run until it parks.
pub(crate) fn settle() {
    (0..10).for_each(|_| sward::yield_now());
}
