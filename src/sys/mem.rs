//! Anonymous memory: mapping, guarding and giving back.
//!
//! Addresses are numbers here: nothing is read or written through them, the kernel is told what to do with a
//! range. What may lie in that range is the callers' matter, hence the `unsafe fn`s.

#![allow(unsafe_code)]

use std::{io, num::NonZeroUsize, ops::Range, ptr, sync::OnceLock};

/// A run of equal guard regions at equal distances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guards {
    /// The lowest address of the first region, page-aligned.
    pub(crate) start: usize,
    /// From one region's start to the next one's, a multiple of the page.
    pub(crate) stride: usize,
    /// The size of a region, a multiple of the page.
    pub(crate) len: usize,
    pub(crate) count: usize,
}

impl Guards {
    pub(crate) fn iter(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.count).map(move |i| {
            let start = self.start + i * self.stride;
            start..start + self.len
        })
    }
}

/// The size of a page of memory, a power of two.
#[inline]
pub(crate) fn page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        // SAFETY: a query by value; it touches no memory of ours.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let size = usize::try_from(size).expect("the system knows its page size");
        assert!(size.is_power_of_two(), "a page of {size} bytes");
        size
    })
}

/// Maps `len` bytes (a multiple of the page) of private zeroed memory, readable and writable, page-aligned. No
/// swap space is reserved for it where the system can do that, and no huge pages back it: with them a single
/// touched byte would cost 2 MiB.
pub(crate) fn map(len: usize) -> io::Result<NonZeroUsize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | EXTRA_FLAGS;
    // SAFETY: a new mapping at an address of the kernel's choice replaces nothing; no descriptor is involved.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    #[cfg(linux_like)]
    // SAFETY: the range is the mapping just made. It fails only in kernels that have no huge pages to refuse.
    unsafe {
        libc::madvise(start, len, libc::MADV_NOHUGEPAGE);
    }
    Ok(NonZeroUsize::new(start.addr()).expect("the kernel maps nothing at address zero unasked"))
}

#[cfg(any(linux_like, target_os = "netbsd", target_os = "macos"))]
const EXTRA_FLAGS: libc::c_int = libc::MAP_NORESERVE;
/// OpenBSD kills a process whose stack pointer leaves the memory that was mapped as a stack.
#[cfg(target_os = "openbsd")]
const EXTRA_FLAGS: libc::c_int = libc::MAP_STACK;
#[cfg(not(any(linux_like, target_os = "netbsd", target_os = "macos", target_os = "openbsd")))]
const EXTRA_FLAGS: libc::c_int = 0;

/// Unmaps a range.
///
/// # Safety
/// The range is whole pages of a mapping that the caller got from [`map`], and nothing uses it any more.
pub(crate) unsafe fn unmap(range: Range<usize>) {
    // SAFETY: by this function's contract nobody misses the memory. It cannot fail for such a range, save for
    // want of a mapping when a middle is cut out; the memory then stays, which harms nobody.
    unsafe { libc::munmap(pointer(range.start), range.len()) };
}

/// Gives the memory under a range back to the kernel; the range stays mapped and reads as zeroes or as before.
/// Guard regions inside it remain guards.
///
/// # Safety
/// The range is whole pages from [`map`], and nobody relies on what they hold.
pub(crate) unsafe fn discard(range: Range<usize>) -> io::Result<()> {
    // The BSDs and Apple take `DONTNEED` for a hint about caching; `FREE` is what gives back there.
    let advice = if cfg!(linux_like) { libc::MADV_DONTNEED } else { libc::MADV_FREE };
    // SAFETY: by this function's contract the contents may go, and that is all this changes.
    check(unsafe { libc::madvise(pointer(range.start), range.len(), advice) })
}

/// Makes every access to a range fault, at the cost of a mapping: the one that it lay in is split.
///
/// # Safety
/// The range is whole pages from [`map`], and nothing but a stack overflow will ever access it.
pub(crate) unsafe fn guard_by_protection(range: Range<usize>) -> io::Result<()> {
    // SAFETY: by this function's contract no correct access is lost.
    check(unsafe { libc::mprotect(pointer(range.start), range.len(), libc::PROT_NONE) })
}

/// Makes every access to a range fault by marks in the page table, which split no mapping. `InvalidInput`
/// (EINVAL) where the kernel cannot: before Linux 6.13, in memory that is locked, and outside Linux.
///
/// # Safety
/// As for [`guard_by_protection`].
pub(crate) unsafe fn guard_by_marker(range: Range<usize>) -> io::Result<()> {
    #[cfg(linux_like)]
    // SAFETY: by this function's contract no correct access is lost. A kernel that does not know the advice
    // does nothing but say so.
    return check(unsafe { libc::madvise(pointer(range.start), range.len(), MADV_GUARD_INSTALL) });
    #[cfg(not(linux_like))]
    {
        let _ = range;
        Err(io::Error::from(io::ErrorKind::InvalidInput))
    }
}

/// [`guard_by_marker`] for many regions in one system call; tells how many it did, from the first on. Fails where
/// the kernel cannot (before Linux 6.15, and under filters of system calls).
///
/// # Safety
/// As for [`guard_by_protection`], for every region.
pub(crate) unsafe fn guard_by_markers(guards: Guards) -> io::Result<usize> {
    // Not on Android, whose filter of system calls kills for one that it does not know.
    #[cfg(target_os = "linux")]
    {
        let mut regions = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; GUARDS_AT_ONCE];
        let mut used = 0;
        for (region, range) in regions.iter_mut().zip(guards.iter()) {
            *region = libc::iovec { iov_base: pointer(range.start), iov_len: range.len() };
            used += 1;
        }
        // SAFETY: the array is a live local of at least `used` elements, and the kernel only reads it; by this
        // function's contract no correct access to the regions that it names is lost.
        let bytes = unsafe {
            libc::syscall(
                libc::SYS_process_madvise,
                PIDFD_SELF_THREAD_GROUP,
                regions.as_ptr(),
                used,
                MADV_GUARD_INSTALL,
                0,
            )
        };
        // What is done is counted in bytes; a region that is done by half is done again by the caller.
        usize::try_from(bytes).map(|bytes| bytes / guards.len).map_err(|_| io::Error::last_os_error())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = guards;
        Err(io::Error::from(io::ErrorKind::InvalidInput))
    }
}

/// The most regions that [`guard_by_markers`] does in one call.
pub(crate) const GUARDS_AT_ONCE: usize = 32;

/// Of `asm-generic/mman-common.h`, Linux 6.13; libc does not name it for every target.
#[cfg(linux_like)]
const MADV_GUARD_INSTALL: libc::c_int = 102;

/// Of `linux/pidfd.h`: in place of a descriptor of a process, the calling one.
#[cfg(target_os = "linux")]
const PIDFD_SELF_THREAD_GROUP: libc::c_int = -10001;

/// The error of a system that has no memory (or no mapping, or no address) to give: ENOMEM.
pub(crate) fn out_of_memory() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOMEM)
}

/// How many pages of a range are in memory.
#[cfg(all(test, linux_like))]
pub(crate) fn resident_pages(range: Range<usize>) -> usize {
    let mut pages = vec![0_u8; range.len() / page_size()];
    // SAFETY: the vector has a byte for each page of the range, which is all that is written; the range itself
    // is only asked about.
    let result = unsafe { libc::mincore(pointer(range.start), range.len(), pages.as_mut_ptr()) };
    check(result).expect("the range is mapped");
    pages.iter().filter(|&page| page & 1 != 0).count()
}

/// Limits the address space of this process (`ulimit -v`).
#[cfg(all(test, linux_like))]
pub(crate) fn limit_address_space(bytes: usize) {
    let limit = libc::rlimit { rlim_cur: bytes as _, rlim_max: bytes as _ };
    // SAFETY: the limit is a live local that is only read.
    check(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }).expect("lowering a limit is always allowed");
}

/// An address for the kernel: nothing is accessed through it.
fn pointer(address: usize) -> *mut libc::c_void {
    ptr::without_provenance_mut(address)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
