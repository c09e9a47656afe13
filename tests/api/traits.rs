//! Which traits a type has.

/// A type's name, and each trait with whether it has it.
pub(crate) struct Has {
    pub(crate) type_name: &'static str,
    pub(crate) traits: Vec<(&'static str, bool)>,
}

/// Whether a type has a trait: if the inherent constant's bound holds it goes before the trait's.
macro_rules! has {
    ($type:ty: $($trait:tt)+) => {{
        #[allow(dead_code)]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        trait No {
            const ANSWER: bool = false;
        }
        impl<T: ?Sized> No for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $($trait)+> Probe<T> {
            const ANSWER: bool = true;
        }
        <Probe<$type>>::ANSWER
    }};
}

/// [`Has`] of each type.
macro_rules! traits_of {
    ($($type:ty),+ $(,)?) => {
        vec![$($crate::traits::Has {
            type_name: stringify!($type),
            traits: vec![
                ("Send", has!($type: Send)),
                ("Sync", has!($type: Sync)),
                ("Unpin", has!($type: Unpin)),
                ("UnwindSafe", has!($type: std::panic::UnwindSafe)),
                ("RefUnwindSafe", has!($type: std::panic::RefUnwindSafe)),
                ("Clone", has!($type: Clone)),
                ("Copy", has!($type: Copy)),
                ("Default", has!($type: Default)),
                ("Debug", has!($type: std::fmt::Debug)),
                ("Display", has!($type: std::fmt::Display)),
                ("Error", has!($type: std::error::Error)),
                ("PartialEq", has!($type: PartialEq)),
                ("Eq", has!($type: Eq)),
                ("PartialOrd", has!($type: PartialOrd)),
                ("Ord", has!($type: Ord)),
                ("Hash", has!($type: std::hash::Hash)),
                ("Deref", has!($type: std::ops::Deref)),
                ("DerefMut", has!($type: std::ops::DerefMut)),
                ("Iterator", has!($type: Iterator)),
                ("FusedIterator", has!($type: std::iter::FusedIterator)),
                ("IntoIterator", has!($type: IntoIterator)),
                ("Read", has!($type: std::io::Read)),
                ("Write", has!($type: std::io::Write)),
                ("AsFd", has!($type: std::os::fd::AsFd)),
                ("AsRawFd", has!($type: std::os::fd::AsRawFd)),
                ("IntoRawFd", has!($type: std::os::fd::IntoRawFd)),
                ("FromRawFd", has!($type: std::os::fd::FromRawFd)),
            ],
        }),+]
    };
}

/// Does not compile if a type has not a trait.
macro_rules! bound {
    ($type:ty: $($trait:tt)+) => {
        const { assert!(has!($type: $($trait)+)) }
    };
}
