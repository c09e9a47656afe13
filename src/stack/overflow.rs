//! The report of a green thread that ran into the guard of its stack.
//!
//! A fault whose address lies in the guard of the running green thread's stack ends the process with
//!
//! ```text
//! sward: stack overflow in green thread 7 "fetch", spawned at src/main.rs:12:5
//! its stack has 65536 bytes; give it more with thread::Builder::stack_size, RuntimeBuilder::stack_size
//! or, in the default runtime, SWARD_STACK_SIZE
//! ```
//!
//! Every other fault goes to the handler that was there before, the one of `std` included.
//!
//! Which green thread is running the layers above know: they pass [`install`] a function that tells. All of this
//! runs in a signal handler, so it neither allocates nor locks; the text is made in a buffer on the handler's stack.

use std::{
    fmt::{self, Write},
    io,
    ops::Range,
    panic::Location,
    sync::OnceLock,
};

use crate::sys::fault;

pub(crate) use crate::sys::fault::ensure_alt_stack;

/// The green thread that runs on the calling OS thread, as the report describes it.
pub(crate) struct Overflowing {
    /// [`Stack::guard`](super::Stack::guard) of its stack.
    pub(crate) guard: Range<usize>,
    pub(crate) id: u64,
    pub(crate) name: Option<ShortName>,
    pub(crate) site: &'static Location<'static>,
    /// [The size of the class](super::StackClass::size) of its stack.
    pub(crate) size: usize,
}

/// A copy of a name that borrows and allocates nothing: a longer one is cut.
pub(crate) type ShortName = Text<64>;

/// Who knows the running green thread.
static CURRENT: OnceLock<fn() -> Option<Overflowing>> = OnceLock::new();

/// Reports overflows from now on; only the first call has an effect. Threads need an
/// [alternate stack](ensure_alt_stack) for it.
///
/// `current` tells what green thread runs on the calling OS thread, `None` if none does. It is called in a signal
/// handler, at any moment: it must be async-signal-safe. Reading a thread-local is, if that is initialised by a
/// constant, has no destructor, and was read by the thread before (or lives in the executable, not in a library
/// that is loaded later).
pub(crate) fn install(current: fn() -> Option<Overflowing>) -> io::Result<()> {
    CURRENT.get_or_init(|| current);
    fault::watch(report)
}

/// Ends the process if `address` is in the running green thread's guard.
fn report(address: usize) {
    let Some(overflowing) = CURRENT.get().and_then(|current| current()) else { return };
    if overflowing.guard.contains(&address) {
        let mut text = Text::<1024>::new("");
        // It cannot fail: what does not fit is cut.
        let _ = write!(text, "{overflowing}");
        fault::write_to_stderr(text.as_bytes());
        fault::abort();
    }
}

impl fmt::Display for Overflowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { guard: _, id, name, site, size } = self;
        // Plain arguments without width or precision: the formatting of strings and integers uses the stack only.
        write!(f, "sward: stack overflow in green thread {id}")?;
        if let Some(name) = name {
            write!(f, " \"{}\"", name.as_str())?;
        }
        writeln!(f, ", spawned at {}:{}:{}", site.file(), site.line(), site.column())?;
        write!(f, "its stack has {size} bytes; give it more with thread::Builder::stack_size, ")?;
        writeln!(f, "RuntimeBuilder::stack_size\nor, in the default runtime, SWARD_STACK_SIZE")
    }
}

/// Up to `N` bytes of text in place. What does not fit is cut off, at a character's boundary.
#[derive(Clone, Copy)]
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    /// At most `N`; the bytes before it are UTF-8.
    len: usize,
}

impl<const N: usize> Text<N> {
    pub(crate) fn new(text: &str) -> Self {
        let mut new = Text { bytes: [0; N], len: 0 };
        new.push(text);
        new
    }

    fn push(&mut self, text: &str) {
        let fits = text.floor_char_boundary(N - self.len);
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{StackClass, StackPool, tests::child};

    thread_local! {
        static GUARD: std::cell::Cell<(usize, usize)> = const { std::cell::Cell::new((0, 0)) };
    }

    #[track_caller]
    fn here() -> &'static Location<'static> {
        Location::caller()
    }

    /// As the scheduler will do it, with the stack that the test holds.
    fn current() -> Option<Overflowing> {
        let (start, end) = GUARD.get();
        (start != end).then(|| Overflowing {
            guard: start..end,
            id: 7,
            name: Some(ShortName::new("fetch")),
            site: SITE.get().expect("set before"),
            size: 65_536,
        })
    }

    static SITE: OnceLock<&'static Location<'static>> = OnceLock::new();

    fn watch_a_stack() -> crate::stack::Stack {
        SITE.get_or_init(|| here());
        install(current).unwrap();
        let stack = StackPool::new().take(StackClass::DEFAULT).unwrap();
        GUARD.set((stack.guard().start, stack.guard().end));
        stack
    }

    fn is_reported(by: &child::Ended) {
        let expected = "sward: stack overflow in green thread 7 \"fetch\", spawned at ";
        assert!(by.stderr.contains(expected), "{by:?}");
        assert!(by.stderr.contains("overflow.rs:"), "{by:?}");
        assert!(by.stderr.contains("its stack has 65536 bytes; give it more with "), "{by:?}");
        assert_eq!(by.signal, Some(child::SIGABRT), "{by:?}");
    }

    #[test]
    fn touching_the_guard_is_reported_and_aborts() {
        let ended =
            child::run("stack::overflow::tests::touching_the_guard_is_reported_and_aborts", &[], || {
                let stack = watch_a_stack();
                child::touch(stack.guard().end - 1);
            });
        is_reported(&ended);
    }

    #[test]
    fn touching_the_guard_is_reported_with_mprotect_too() {
        let name = "stack::overflow::tests::touching_the_guard_is_reported_with_mprotect_too";
        let ended = child::run(name, &[("SWARD_GUARD", "mprotect")], || {
            let stack = watch_a_stack();
            child::touch(stack.guard().start);
        });
        is_reported(&ended);
    }

    #[test]
    fn a_thread_without_an_alternate_stack_gets_one() {
        let name = "stack::overflow::tests::a_thread_without_an_alternate_stack_gets_one";
        let ended = child::run(name, &[], || {
            ensure_alt_stack().unwrap();
            assert!(!fault::has_own_alt_stack(), "std's is good enough");
            fault::forget_alt_stack();
            ensure_alt_stack().unwrap();
            assert!(fault::has_own_alt_stack());
            let stack = watch_a_stack();
            child::touch(stack.guard().start);
        });
        is_reported(&ended);
    }

    #[test]
    fn an_alternate_stack_of_ours_goes_with_its_thread() {
        std::thread::spawn(|| {
            fault::forget_alt_stack();
            ensure_alt_stack().unwrap();
            ensure_alt_stack().unwrap();
            assert!(fault::has_own_alt_stack());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn any_other_fault_dies_as_it_did_before() {
        let ended = child::run("stack::overflow::tests::any_other_fault_dies_as_it_did_before", &[], || {
            let stack = watch_a_stack();
            drop(stack);
            child::touch(8);
        });
        assert_eq!(ended.signal, Some(child::SIGSEGV), "{ended:?}");
        assert!(!ended.stderr.contains("sward"), "{ended:?}");
    }

    #[test]
    fn the_overflow_of_an_os_thread_is_still_reported_by_std() {
        #[allow(unconditional_recursion)]
        fn deeper(n: u64) -> u64 {
            let room = std::hint::black_box([n; 64]);
            deeper(n + 1) + room[7]
        }
        let name = "stack::overflow::tests::the_overflow_of_an_os_thread_is_still_reported_by_std";
        let ended = child::run(name, &[], || {
            let _stack = watch_a_stack();
            std::hint::black_box(deeper(0));
        });
        assert!(ended.stderr.contains("has overflowed its stack"), "{ended:?}");
        assert!(!ended.stderr.contains("sward"), "{ended:?}");
        assert_eq!(ended.signal, Some(child::SIGABRT), "{ended:?}");
    }

    #[test]
    fn text_is_cut_at_a_character() {
        assert_eq!(Text::<4>::new("abcdef").as_str(), "abcd");
        assert_eq!(Text::<4>::new("abcäö").as_str(), "abc");
        let mut text = Text::<4>::new("abc");
        write!(text, "{}", 12).unwrap();
        assert_eq!(text.as_str(), "abc1");
    }
}
