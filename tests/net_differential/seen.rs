//! What a scenario has seen, to be compared.

use std::{fmt::Debug, io};

/// What was seen, line by line.
#[derive(Default)]
pub(crate) struct Seen(pub(crate) Vec<String>);

impl Seen {
    pub(crate) fn note(&mut self, what: &str, value: impl Debug) {
        self.0.push(format!("{what}: {value:?}"));
    }

    /// A result, with all that can be told of its error.
    pub(crate) fn result<T: Debug>(&mut self, what: &str, result: io::Result<T>) {
        match result {
            Ok(value) => self.note(what, value),
            Err(e) => self.note(what, (e.kind(), e.raw_os_error(), e.to_string())),
        }
    }
}
