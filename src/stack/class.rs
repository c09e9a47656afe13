//! What kinds of stack there are.

use std::{fmt, io};

use crate::sys::mem::page_size;

/// A kind of stack: how much it holds, and how wide the guard under it is.
///
/// Sizes are powers of two from 8 KiB to [`StackClass::MAX_SIZE`], so that there are few kinds, and a stack that
/// one green thread gave back serves the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StackClass {
    /// The binary logarithm of the size.
    log_size: u8,
    /// At least one.
    guard_pages: u8,
}

impl StackClass {
    /// 64 KiB above a guard of one page.
    pub(crate) const DEFAULT: StackClass = StackClass { log_size: 16, guard_pages: 1 };

    /// The smallest size on request; pages that are larger make it larger.
    pub(crate) const MIN_SIZE: usize = 8 << 10;

    /// The largest size on request: 1 GiB, or 64 MiB where addresses have 32 bits.
    pub(crate) const MAX_SIZE: usize = if usize::BITS >= 64 { 1 << 30 } else { 64 << 20 };

    /// The smallest class of at least `bytes`, with a guard of one page. More than [`MAX_SIZE`](Self::MAX_SIZE)
    /// is [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub(crate) fn for_size(bytes: usize) -> io::Result<StackClass> {
        if bytes > Self::MAX_SIZE {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, TooLarge(bytes)));
        }
        let size = bytes.max(Self::MIN_SIZE).max(page_size()).next_power_of_two();
        Ok(StackClass { log_size: size.ilog2() as u8, guard_pages: 1 })
    }

    /// The same size above a guard of `pages` pages (at least one), for C code that was compiled without stack
    /// probes: a frame of it that is larger than the guard can step over it.
    pub(crate) const fn with_guard(self, pages: u8) -> StackClass {
        StackClass { guard_pages: if pages == 0 { 1 } else { pages }, ..self }
    }

    /// The same guard below another size.
    ///
    /// # Errors
    /// As [`for_size`](Self::for_size).
    pub(crate) fn resized(self, bytes: usize) -> io::Result<StackClass> {
        Ok(Self::for_size(bytes)?.with_guard(self.guard_pages))
    }

    /// The nominal size: what lies between the guard and the top, [colour](super::COLOURS) included.
    #[inline]
    pub(crate) const fn size(self) -> usize {
        1 << self.log_size
    }

    /// The size of the guard in bytes.
    #[inline]
    pub(crate) fn guard_size(self) -> usize {
        usize::from(self.guard_pages) * page_size()
    }

    /// The distance of two neighbours in a slab.
    #[inline]
    pub(crate) fn stride(self) -> usize {
        self.size() + self.guard_size()
    }
}

/// A request for a stack of more than [`StackClass::MAX_SIZE`].
#[derive(Debug)]
struct TooLarge(usize);

impl std::error::Error for TooLarge {}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(asked) = self;
        let most = StackClass::MAX_SIZE;
        write!(f, "a stack of {asked} bytes was asked for, and the largest has {most} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_up_to_powers_of_two() {
        for (asked, got) in
            [(0, 8192), (1, 8192), (8192, 8192), (8193, 16384), (65_536, 65_536), (65_537, 131_072)]
        {
            assert_eq!(StackClass::for_size(asked).unwrap().size(), got.max(page_size()), "{asked} bytes");
        }
        assert_eq!(StackClass::for_size(64 << 10).unwrap(), StackClass::DEFAULT);
        assert_eq!(StackClass::for_size(StackClass::MAX_SIZE).unwrap().size(), StackClass::MAX_SIZE);
    }

    #[test]
    fn a_size_beyond_the_maximum_is_refused_by_name() {
        for asked in [StackClass::MAX_SIZE + 1, usize::MAX] {
            let error = StackClass::for_size(asked).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let text = error.to_string();
            assert!(text.contains(&asked.to_string()), "{text}");
            assert!(text.contains(&StackClass::MAX_SIZE.to_string()), "{text}");
        }
    }

    #[test]
    fn a_wider_guard_makes_another_class() {
        let wide = StackClass::DEFAULT.with_guard(4);
        assert_ne!(wide, StackClass::DEFAULT);
        assert_eq!(wide.size(), StackClass::DEFAULT.size());
        assert_eq!(wide.guard_size(), 4 * page_size());
        assert_eq!(StackClass::DEFAULT.with_guard(0), StackClass::DEFAULT);
    }
}
