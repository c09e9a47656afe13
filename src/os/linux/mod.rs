//! Linux, by the names of [`std::os::linux`].

pub mod net;
