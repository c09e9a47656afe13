//! Waiting for one file descriptor on the calling OS thread.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    time::Duration,
};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Readable,
    Writable,
}

/// Waits until `fd` is ready (or closed, or broken), at most for `timeout`, to the nanosecond where the
/// system can. `Ok(false)`: the time ran out. May also return early with `Interrupted`.
pub(crate) fn wait(fd: BorrowedFd<'_>, interest: Interest, timeout: Option<Duration>) -> io::Result<bool> {
    let events = match interest {
        Interest::Readable => libc::POLLIN,
        Interest::Writable => libc::POLLOUT,
    };
    let mut slot = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    match poll(&mut slot, timeout) {
        -1 => Err(io::Error::last_os_error()),
        ready => Ok(ready > 0),
    }
}

/// Looks whether `fd` is ready, without waiting. Not even this look is safe from signals: a call that finds nothing fails
/// with `Interrupted` if one is pending.
pub(crate) fn is_ready(fd: BorrowedFd<'_>, interest: Interest) -> io::Result<bool> {
    loop {
        match wait(fd, interest, Some(Duration::ZERO)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(linux_like)]
fn poll(slot: &mut libc::pollfd, timeout: Option<Duration>) -> libc::c_int {
    let limit = timeout.map(|d| libc::timespec {
        tv_sec: d.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: d.subsec_nanos() as _,
    });
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: one element, borrowed for the call; the time is null or a local; no signal mask.
    unsafe { libc::ppoll(slot, 1, limit, std::ptr::null()) }
}

#[cfg(not(linux_like))]
fn poll(slot: &mut libc::pollfd, timeout: Option<Duration>) -> libc::c_int {
    let millis = timeout.map_or(-1, |d| d.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(i32::MAX));
    // SAFETY: one element, borrowed for the call.
    unsafe { libc::poll(slot, 1, millis) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::fd::AsFd, sync::mpsc, thread};

    #[test]
    fn a_signal_does_not_end_a_look() {
        extern "C" fn nothing(_: libc::c_int) {}
        // SAFETY: the handler does nothing, and no other test uses this signal.
        unsafe { libc::signal(libc::SIGUSR2, nothing as *const () as libc::sighandler_t) };
        // SAFETY: no more than a number.
        let me = unsafe { libc::pthread_self() } as usize;
        let (reader, _writer) = io::pipe().unwrap();
        let (over, not_over) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while not_over.try_recv() == Err(mpsc::TryRecvError::Empty) {
                    // SAFETY: that thread lives: it waits for this one.
                    unsafe { libc::pthread_kill(me as libc::pthread_t, libc::SIGUSR2) };
                }
            });
            let looks = (0..100_000).map(|_| is_ready(reader.as_fd(), Interest::Readable));
            let found: Vec<_> = looks.filter(|look| !matches!(look, Ok(false))).collect();
            drop(over);
            assert!(found.is_empty(), "{} times {:?}", found.len(), found[0]);
        });
    }
}
