//! How locks and guards are shown: as `std`'s.

use std::{
    fmt::{self, Debug},
    ops::Deref,
};

use super::{TryLockError, TryLockResult};

/// `Debug` of a lock that was tried: its value if it was free.
pub(super) fn lock<G>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    tried: TryLockResult<G>,
    poisoned: bool,
) -> fmt::Result
where
    G: Deref<Target: Debug>,
{
    let mut debug = f.debug_struct(name);
    match tried {
        Ok(guard) => debug.field("data", &&*guard),
        Err(TryLockError::Poisoned(poisoned)) => debug.field("data", &&**poisoned.get_ref()),
        Err(TryLockError::WouldBlock) => debug.field("data", &format_args!("<locked>")),
    };
    debug.field("poisoned", &poisoned).finish_non_exhaustive()
}

/// Guards are shown as the value that they guard.
macro_rules! guards_as_their_values {
    ($($guard:ident)+) => { $(
        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )+ };
}
pub(super) use guards_as_their_values;
