//! A fence that reaches into other threads: `membarrier(2)`.

use std::sync::OnceLock;

/// Whether there is such a fence. The first call asks the system for it, once a process.
pub(crate) fn is_there() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(imp::register)
}

/// A full fence in this thread, and in each other thread of the process that runs now. If [`is_there`].
pub(crate) fn everywhere() {
    debug_assert!(is_there());
    imp::fence();
}

#[cfg(linux_like)]
mod imp {
    pub(super) fn register() -> bool {
        call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
    }

    pub(super) fn fence() {
        // It cannot fail once it is registered, and who goes on without it is not alone.
        assert!(call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED), "membarrier worked before, and does not now");
    }

    fn call(command: libc::c_int) -> bool {
        // SAFETY: the call takes two numbers more, and no memory.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}

#[cfg(not(linux_like))]
mod imp {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn fence() {
        unreachable!("there is no such fence here");
    }
}
