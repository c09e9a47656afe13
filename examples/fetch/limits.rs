//! Open files: the first limit that many connections meet.

/// For the runtime, the standard streams, files being saved and whatever libraries open.
const RESERVE: u64 = 100;

/// Raises this process's limit of open files as far as it may, and returns it.
pub(crate) fn raise() -> u64 {
    // Where the limit cannot be raised or read, the fetches will tell: each names its own failure.
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX)
}

/// How many fetches so many files have room for, when each takes `files_each` of them.
pub(crate) fn room_for_fetches(files: u64, files_each: u64) -> usize {
    let room = files.saturating_sub(RESERVE) / files_each;
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}
