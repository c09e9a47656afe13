//! What one system has and others have not, by the names of [`std::os`].
//!
//! The traits of [`std::os::fd`] are implemented for sward's types as they are. Those that `std` seals for its own types are
//! here once more.

#[cfg(target_os = "linux")]
pub mod linux;
