//! Bodies to files, under names that stay in their directory and never meet.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A body is handed to the pool for blocking work in pieces of at least this size.
const PIECE: usize = 256 * 1024;

/// What is left of a URL in a file's name.
const NAME: usize = 120;

/// Where bodies go.
pub(crate) struct Folder {
    path: PathBuf,
    /// Of the numbers in front of the names, so that they sort.
    digits: usize,
}

/// The file system's no, as opposed to the network's.
pub(crate) struct SaveError(pub(crate) io::Error);

impl Folder {
    /// Makes the directory, if need be. There will be `count` files at most.
    pub(crate) fn create(path: &Path, count: usize) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Folder { path: path.to_owned(), digits: count.to_string().len() })
    }

    /// The number alone makes the name unique, also where upper and lower case are the same; and a name that begins
    /// with a digit and has no separator in it is a plain file in this directory, whatever the URL was.
    pub(crate) fn file_for(&self, index: usize, url: &str) -> BodyFile {
        let name = format!("{:0digits$}-{}", index + 1, tame(url), digits = self.digits);
        BodyFile {
            part: self.path.join(format!(".{name}.part")),
            path: self.path.join(name),
            pending: Vec::new(),
            file: None,
        }
    }
}

/// The URL without its scheme, in characters that every file system and shell takes as they are.
fn tame(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let keep = |c: char| if c.is_ascii_alphanumeric() || ".-_=".contains(c) { c } else { '_' };
    rest.trim_end_matches('/').chars().take(NAME).map(keep).collect()
}

/// A body on its way to disk: under another name until it is whole.
pub(crate) struct BodyFile {
    path: PathBuf,
    part: PathBuf,
    pending: Vec<u8>,
    file: Option<File>,
}

impl BodyFile {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() < PIECE { Ok(()) } else { sward::blocking(|| self.flush()).map_err(SaveError) }
    }

    /// Puts the whole body in its place.
    pub(crate) fn finish(mut self) -> Result<PathBuf, SaveError> {
        sward::blocking(|| {
            self.flush()?;
            fs::rename(&self.part, &self.path)
        })
        .map_err(SaveError)?;
        self.file = None;
        Ok(std::mem::take(&mut self.path))
    }

    /// A disk has no readiness to wait for: this belongs on the pool.
    fn flush(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            unopened => unopened.insert(create(&self.part)?),
        };
        file.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}

/// A new file, never one behind a link that was there before.
fn create(path: &Path) -> io::Result<File> {
    match File::create_new(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            File::create_new(path)
        }
        made => made,
    }
}

impl Drop for BodyFile {
    /// What was not finished is not kept. (One quick unlink: no pool for that, and none in a drop.)
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.part);
        }
    }
}
