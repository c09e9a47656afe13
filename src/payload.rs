//! What a panic's payload says, and where it goes if nobody wants it.

use std::{
    any::Any,
    mem,
    panic::{self, AssertUnwindSafe},
};

/// Runs foreign code, a panic of which has nobody to go to: the panic hook has told of it. To drop the payload may panic
/// again, and what that leaves is not dropped.
pub(crate) fn contain(f: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(f))
        && let Err(another) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(another);
    }
}

/// The message of a payload, as `std`'s panic hook prints it.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(message) = payload.downcast_ref::<&'static str>() {
        message
    } else if let Some(message) = payload.downcast_ref::<String>() {
        message
    } else {
        "Box<dyn Any>"
    }
}
