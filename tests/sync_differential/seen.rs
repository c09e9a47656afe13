//! What a program has seen, to be compared.

use std::{
    any::Any,
    fmt::{Debug, Display},
    panic::{self, AssertUnwindSafe},
};

/// Observations, line by line.
#[derive(Default)]
pub(crate) struct Seen(Vec<String>);

impl Seen {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[track_caller]
    pub(crate) fn note(&mut self, what: &str, value: impl Debug) {
        self.0.push(format!("{what}: {value:?}"));
    }

    /// Both of its texts, the long one too. `std` puts `<locked>` in quotes in some types and not in others.
    pub(crate) fn texts(&mut self, what: &str, value: &(impl Debug + ?Sized)) {
        let text = format!("{what}: {value:?}, long: {value:#?}");
        self.0.push(text.replace("\"<locked>\"", "<locked>"));
    }

    /// All the texts of an error, and its source.
    pub(crate) fn error<E: std::error::Error + Debug + Display>(&mut self, what: &str, error: &E) {
        self.0.push(format!("{what}: {error}, {error:?}, {error:#?}, source {:?}", error.source().is_some()));
    }

    /// A result, with the texts of its error.
    pub(crate) fn result<T: Debug, E: std::error::Error>(&mut self, what: &str, result: Result<T, E>) {
        match result {
            Ok(value) => self.note(what, value),
            Err(error) => self.error(what, &error),
        }
    }

    pub(crate) fn end(self) -> Vec<String> {
        self.0
    }
}

/// How `f` ended: its value, or the message of its panic.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(message)
}

/// The message of a payload that stands for a panic.
pub(crate) fn message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().map_or("no message".into(), ToString::to_string),
    }
}

/// Which of these traits each of these types has.
macro_rules! traits {
    ($seen:ident, $($type:ty),+ $(,)?) => { $({
        let name = stringify!($type);
        $seen.note(name, (
            [has!($type: Send), has!($type: Sync), has!($type: Unpin)],
            [
                has!($type: std::panic::UnwindSafe),
                has!($type: std::panic::RefUnwindSafe),
                has!($type: Clone),
                has!($type: Copy),
            ],
            [
                has!($type: std::fmt::Debug),
                has!($type: std::fmt::Display),
                has!($type: Default),
                has!($type: PartialEq),
                has!($type: Eq),
                has!($type: std::hash::Hash),
                has!($type: std::error::Error),
            ],
        ));
    })+ };
}

/// Whether a type has a trait.
macro_rules! has {
    ($type:ty: $trait:path) => {{
        #[allow(dead_code)]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        trait No {
            const ANSWER: bool = false;
        }
        impl<T: ?Sized> No for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $trait> Probe<T> {
            const ANSWER: bool = true;
        }
        <Probe<$type>>::ANSWER
    }};
}
