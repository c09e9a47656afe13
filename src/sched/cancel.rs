//! How a cancel travels: as a panic payload of a private type, raised without the panic hook at a park point
//! and caught at the green thread's root.

use std::{any::Any, panic};

use super::task::Failure;

/// The payload. Private, so that nobody else can make one.
struct CancelPayload;

/// Unwinds the current green thread.
#[cold]
pub(crate) fn unwind() -> ! {
    panic::resume_unwind(Box::new(CancelPayload))
}

/// Whether a caught payload is a cancel's.
pub(crate) fn is_cancel(payload: &(dyn Any + Send)) -> bool {
    payload.is::<CancelPayload>()
}

/// What a payload that came out of a green thread means to its joiner.
pub(crate) fn failure_of(payload: Box<dyn Any + Send>) -> Failure {
    if is_cancel(&*payload) { Failure::Cancelled } else { Failure::Panicked(payload) }
}
