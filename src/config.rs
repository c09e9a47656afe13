//! The default runtime's settings, from the environment.

use std::{env, fmt::Display, num::NonZeroUsize, str::FromStr, thread};

use crate::{lockfree::counter::MOST_WORKERS, sched::runtime::Config, stack::StackClass};

/// A worker a core and 64 KiB a stack, unless `SWARD_WORKERS` and `SWARD_STACK_SIZE` say otherwise.
///
/// # Panics
/// If one of them cannot be used, with a message that names it.
pub(crate) fn from_environment() -> Config {
    let mut config = defaults();
    if let Some(workers) = read::<NonZeroUsize>("SWARD_WORKERS", "the number of workers, 1 or more") {
        config.workers = workers.get();
        let most = MOST_WORKERS - 1;
        assert!(config.workers <= most, "SWARD_WORKERS={workers}: a runtime has at most {most} workers");
    }
    if let Some(bytes) = read::<usize>("SWARD_STACK_SIZE", "the size of a stack in bytes") {
        config.stack =
            StackClass::for_size(bytes).unwrap_or_else(|error| panic!("SWARD_STACK_SIZE={bytes}: {error}"));
    }
    config
}

/// What a runtime is when nothing is said.
pub(crate) fn defaults() -> Config {
    Config {
        workers: thread::available_parallelism().map_or(1, NonZeroUsize::get),
        stack: StackClass::DEFAULT,
        max_green_threads: usize::MAX,
        thread_name: "sward".into(),
        virtual_clock: false,
        seed: None,
        busy_poll: None,
    }
}

fn read<T: FromStr<Err: Display>>(name: &str, meaning: &str) -> Option<T> {
    let value = env::var_os(name)?;
    let text = value.to_str().unwrap_or_default();
    match text.trim().parse() {
        Ok(value) => Some(value),
        Err(error) => panic!("{name}={} is not {meaning}: {error}", value.display()),
    }
}
