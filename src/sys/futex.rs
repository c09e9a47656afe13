//! Sleeping on a word. A plain OS thread parks here, and a green thread that must not switch.
//!
//! Linux has futexes; elsewhere a table of mutexes and condition variables, hashed by address, does the same
//! (the parking-lot construction). That fallback is untested but for compiling.

use std::{sync::atomic::AtomicU32, time::Duration};

/// Sleeps while `word` is `expected`, at most for `timeout`. May return without a reason.
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    imp::wait(word, expected, timeout);
}

/// Wakes one that sleeps on the word at this address, which need not exist any more.
pub(crate) fn wake_one(word: *const AtomicU32) {
    imp::wake_one(word);
}

#[cfg(linux_like)]
mod imp {
    use super::{AtomicU32, Duration};
    use std::ptr;

    pub(super) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        let limit = timeout.map(|d| libc::timespec {
            tv_sec: d.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: d.subsec_nanos() as _,
        });
        let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the word is borrowed for the whole call, the time is null or a local; the kernel only reads
        // both. Every error (a changed word, a signal, the time) is an ordinary return for the caller's loop.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                expected,
                limit,
            )
        };
    }

    pub(super) fn wake_one(word: *const AtomicU32) {
        // SAFETY: the kernel uses the address as a key and does not read it: for one that is gone it finds
        // nobody, or wakes a stranger for no reason, which every waiter must bear.
        unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
    }
}

#[cfg(not(linux_like))]
mod imp {
    use super::{AtomicU32, Duration};
    use std::sync::{Condvar, Mutex, atomic::Ordering};

    const EMPTY: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    static TABLE: [(Mutex<()>, Condvar); 64] = [const { EMPTY }; 64];

    fn place(word: *const AtomicU32) -> &'static (Mutex<()>, Condvar) {
        &TABLE[(word.addr() >> 6) % TABLE.len()]
    }

    pub(super) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        let (lock, condvar) = place(word);
        let guard = lock.lock().unwrap_or_else(|e| e.into_inner());
        if word.load(Ordering::Acquire) != expected {
            return;
        }
        match timeout {
            Some(timeout) => drop(condvar.wait_timeout(guard, timeout)),
            None => drop(condvar.wait(guard)),
        }
    }

    pub(super) fn wake_one(word: *const AtomicU32) {
        let (lock, condvar) = place(word);
        drop(lock.lock());
        condvar.notify_all();
    }
}
