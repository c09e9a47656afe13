//! Memory faults: who is told of them, on which stack, and what a handler of signals may do.
//!
//! [`watch`] puts a handler before the one that was there. A fault goes to the watcher first; one that it lets
//! pass goes on to that older handler, as if this one did not exist.

#![allow(unsafe_code)]

use std::{cell::RefCell, io, mem::MaybeUninit, ops::Range, ptr, sync::OnceLock};

use super::mem;

/// The signals by which systems report an access to a guard.
const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// All that the handler needs, complete before it is installed.
struct Watch {
    watcher: fn(usize),
    /// What was there before, in the order of [`SIGNALS`].
    older: [libc::sigaction; 2],
}

static WATCH: OnceLock<Watch> = OnceLock::new();

/// From now on every memory fault of the process calls `watcher` with the address, on the faulting thread and in
/// the middle of whatever it was doing. Only the first call has an effect.
///
/// The watcher must be async-signal-safe: no allocation, no lock, no thread-local that has a destructor or is
/// made at its first use; and it must not unwind. If it returns, the fault goes to the handler that was there.
pub(crate) fn watch(watcher: fn(usize)) -> io::Result<()> {
    let mut older = [current_action(SIGNALS[0])?, current_action(SIGNALS[1])?];
    let mut first = false;
    WATCH.get_or_init(|| {
        first = true;
        Watch { watcher, older }
    });
    if !first {
        return Ok(());
    }
    for (signal, older) in SIGNALS.into_iter().zip(&mut older) {
        // The older handler's mask is kept, so that what it wanted to be held back still is while it runs; so is
        // the wish to be interruptible by its own signal, and to restart what it interrupts.
        let kept = older.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART);
        older.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | kept;
        older.sa_sigaction = on_fault as *const () as libc::sighandler_t;
        set_action(signal, older)?;
    }
    Ok(())
}

/// The handler. Runs on the alternate stack of a thread that may be anywhere.
unsafe extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // An acquire load: the handler is installed after the cell is full.
    let Some(watch) = WATCH.get() else { return };
    // SAFETY: the kernel passes a valid description to a handler with `SA_SIGINFO`.
    let (address, code) = unsafe { ((*info).si_addr().addr(), (*info).si_code) };
    // A code above zero says that the kernel found the fault; others were sent by a process, and mean no address.
    let real = code > 0;
    if real {
        (watch.watcher)(address);
    }
    let older = &watch.older[usize::from(signal != SIGNALS[0])];
    if older.sa_flags & libc::SA_RESETHAND != 0 {
        reset(signal);
    }
    match older.sa_sigaction {
        libc::SIG_IGN if !real => {}
        // By default a fault kills. So it does when it is ignored: the kernel would not have ignored it either,
        // since the instruction cannot go on.
        libc::SIG_DFL | libc::SIG_IGN => {
            reset(signal);
            if !real {
                // Nothing will fault again, so the signal is sent again; it is delivered when this one returns.
                // SAFETY: a call by value, async-signal-safe.
                unsafe { libc::raise(signal) };
            }
        }
        handler if older.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with this flag the number is the address of a function of this type, as whoever installed it
            // promised the kernel; it gets the arguments that the kernel would have given it.
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: as above; without the flag it is a function of the signal's number alone.
            let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// Back to the default action, which for a fault that happens again is death.
fn reset(signal: libc::c_int) {
    // SAFETY: all zeroes are a valid `sigaction`: an empty mask, no flags, and `SIG_DFL`, which is zero.
    let default: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // A known signal and a valid action: it cannot fail.
    let _ = set_action(signal, &default);
}

fn current_action(signal: libc::c_int) -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null pointer asks for no change; the other one is to a live local of the right type.
    match unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } {
        // SAFETY: zeroes are valid (see `reset`), and the call filled it in.
        0 => Ok(unsafe { action.assume_init() }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Async-signal-safe.
fn set_action(signal: libc::c_int, action: &libc::sigaction) -> io::Result<()> {
    // SAFETY: the action is borrowed for the call. Its handler is `on_fault`, of the type that `SA_SIGINFO` asks
    // for, which keeps to what a handler may do; or the default. These are all the callers there are.
    match unsafe { libc::sigaction(signal, action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Writes to the standard error output, as far as that is possible. Async-signal-safe; leaves `errno` behind.
pub(crate) fn write_to_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are borrowed for the call. The descriptor may be closed or anything else: an error.
        let written = unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = &bytes[written..],
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

/// Ends the process by `SIGABRT`. Async-signal-safe.
pub(crate) fn abort() -> ! {
    // SAFETY: POSIX allows it anywhere; it does not return.
    unsafe { libc::abort() }
}

thread_local! {
    /// The alternate stack that this thread got from [`ensure_alt_stack`]. The handler does not read it.
    static OWN: RefCell<Option<AltStack>> = const { RefCell::new(None) };
}

/// A mapping that serves its thread as the alternate stack, below it a guard.
struct AltStack {
    range: Range<usize>,
}

/// What an alternate stack has to hold beyond what the kernel puts there: this handler, and the older ones.
const ALT_STACK_ROOM: usize = 32 << 10;

/// Makes sure that the calling thread has a stack to handle faults on, until it ends. `std` gives one to the threads
/// that it starts; threads of other origin have none.
pub(crate) fn ensure_alt_stack() -> io::Result<()> {
    let has_one = alt_stack()?.ss_flags & libc::SS_DISABLE == 0;
    if !has_one {
        let own = AltStack::install()?;
        // During the thread's end it is not kept, and so uninstalled again: nothing of ours runs that late.
        let _ = OWN.try_with(|slot| slot.replace(Some(own)));
    }
    Ok(())
}

impl AltStack {
    fn install() -> io::Result<AltStack> {
        let page = mem::page_size();
        let size = (smallest_alt_stack() + ALT_STACK_ROOM).next_multiple_of(page);
        let start = mem::map(page + size)?.get();
        let own = AltStack { range: start..start + page + size };
        // SAFETY: the page was mapped just now, and lies below what is handed out as the stack.
        unsafe { mem::guard_by_protection(start..start + page)? };
        set_alt_stack(libc::stack_t {
            ss_sp: ptr::without_provenance_mut(start + page),
            ss_flags: 0,
            ss_size: size,
        })?;
        Ok(own)
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        // Someone may have put another one in its place since; then that one stays.
        if alt_stack().is_ok_and(|now| self.range.contains(&now.ss_sp.addr())) {
            let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            if set_alt_stack(none).is_err() {
                // It is in use (a handler ends the thread): it stays mapped.
                return;
            }
        }
        // SAFETY: the mapping was made by `install` for this value, and the kernel does not know of it any more.
        unsafe { mem::unmap(self.range.clone()) };
    }
}

fn alt_stack() -> io::Result<libc::stack_t> {
    let mut now = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: a null pointer asks for no change; the other one is to a live local of the right type.
    match unsafe { libc::sigaltstack(ptr::null(), now.as_mut_ptr()) } {
        // SAFETY: plain data, zeroed and then filled in by the call.
        0 => Ok(unsafe { now.assume_init() }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn set_alt_stack(stack: libc::stack_t) -> io::Result<()> {
    // SAFETY: the description is a live local; the range that it names is a mapping of an `AltStack`, which takes it
    // back before it unmaps it, or none.
    match unsafe { libc::sigaltstack(&stack, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What the kernel itself needs on an alternate stack: with wide vector registers more than the constant says.
fn smallest_alt_stack() -> usize {
    #[cfg(linux_like)]
    // SAFETY: a query by value; zero if the kernel does not tell.
    let told = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    #[cfg(not(linux_like))]
    let told = 0;
    told.max(libc::MINSIGSTKSZ)
}

/// Whether the calling thread's alternate stack is one from [`ensure_alt_stack`].
#[cfg(test)]
pub(crate) fn has_own_alt_stack() -> bool {
    OWN.with_borrow(|own| {
        own.as_ref().is_some_and(|own| own.range.contains(&alt_stack().unwrap().ss_sp.addr()))
    })
}

/// Takes the calling thread's alternate stack away, so that it looks like a thread of a C library.
#[cfg(test)]
pub(crate) fn forget_alt_stack() {
    set_alt_stack(libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 }).unwrap();
}
