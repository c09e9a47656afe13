//! What compiles because of how the types stand to lifetimes.

use super::sync::{RwLock, RwLockReadGuard};
use crate::seen::Seen;

pub(crate) fn a_read_guard_is_covariant() -> Vec<String> {
    // It gives no more than `&T`, and so what it gives may be said to live shorter.
    fn shorter<'a>(
        guard: RwLockReadGuard<'static, &'static str>,
        _: &'a str,
    ) -> RwLockReadGuard<'a, &'a str> {
        guard
    }
    static WORD: RwLock<&str> = RwLock::new("static");
    let mut seen = Seen::new();
    seen.note("shorter", shorter(WORD.read().unwrap(), &format!("not {}", "static")).len());
    seen.note("free", WORD.try_write().is_ok());
    seen.end()
}
