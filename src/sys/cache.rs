//! The processor's cache: asking for memory ahead of its use, and where that is on a stack.

#![allow(unsafe_code)]

/// Its unit, in bytes, on what is common.
pub(crate) const LINE: usize = 64;

/// Asks for the line at `address`, which may be any, though to ask for what is mapped nowhere takes long.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads nothing and faults on no address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast::<i8>());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Where the caller's stack ends, or on processors other than x86-64 a place near that.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        let pointer;
        // SAFETY: it reads a register into another: no memory, no stack and no flag, as the options say.
        unsafe { std::arch::asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
        pointer
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let here = std::mem::MaybeUninit::<u8>::uninit();
        here.as_ptr().addr()
    }
}

/// Asks for all of a value.
#[inline]
pub(crate) fn prefetch_all<T: ?Sized>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    let line = start.wrapping_sub(start.addr() % LINE);
    for offset in (0..start.addr() % LINE + size_of_val(value)).step_by(LINE) {
        prefetch(line.wrapping_add(offset));
    }
}

#[cfg(test)]
mod tests {
    use super::stack_pointer;

    #[test]
    fn the_stack_ends_near_what_was_put_there_last() {
        let here = 0u8;
        let depth = (&raw const here).addr().abs_diff(stack_pointer());
        assert!(depth < 4096, "{depth} bytes away");
    }
}
