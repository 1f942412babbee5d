//! What the file store needs of a file system.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// One directory of append-only files, as [`FileStorage`](super::FileStorage) needs it.
///
/// Two things get lost apart from each other in a power failure: what a file contains, until
/// [`sync`](Self::sync), and what the directory contains (creations, renamings, removals), until
/// [`sync_names`](Self::sync_names). Until then any part of them may have reached the medium or not.
///
/// [`OsDisk`] is the file system. `conformance::SimDisk` (feature `conformance`) is one in memory
/// that fails and crashes on request.
pub trait Disk {
    /// The names of all files, in any order.
    ///
    /// # Errors
    ///
    /// The file system fails.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// How long a file is.
    ///
    /// # Errors
    ///
    /// The file system fails; or there is no such file.
    fn len(&mut self, name: &str) -> io::Result<u64>;

    /// Reads from `offset` until `into` is full or the file ends, and answers how many bytes.
    ///
    /// # Errors
    ///
    /// The file system fails; or there is no such file.
    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Makes an empty file, in place of one of that name.
    ///
    /// # Errors
    ///
    /// The file system fails.
    fn create(&mut self, name: &str) -> io::Result<()>;

    /// Writes at the end of a file.
    ///
    /// # Errors
    ///
    /// The file system fails; or there is no such file.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes a file's contents durable. A failure must be reported, and is not tried again.
    ///
    /// # Errors
    ///
    /// The file system fails; or there is no such file.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file another name, in one step, in place of one of that name.
    ///
    /// # Errors
    ///
    /// The file system fails; or there is no such file.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// The file system fails; or there is no such file.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Makes the names durable.
    ///
    /// # Errors
    ///
    /// The file system fails.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// How many files are kept open: the log's last segment, the snapshot, one that comes in and one
/// more that is read.
const OPEN_FILES: usize = 4;
/// The file that is locked.
const LOCK: &str = "lock";

/// A directory of the operating system's file system, locked against other processes for as long as
/// it lives.
#[derive(Debug)]
pub struct OsDisk {
    directory: PathBuf,
    /// The most recently used one last.
    open: Vec<(String, File)>,
    /// Holds the lock.
    _lock: File,
}

impl OsDisk {
    /// Opens a directory, and makes it if need be.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if another process (or this one) has it open; others
    /// as the file system says.
    pub fn open(directory: impl AsRef<Path>) -> io::Result<Self> {
        let directory = directory.as_ref().to_owned();
        let holders = holders(&directory, |path| path.is_dir());
        fs::create_dir_all(&directory)?;
        for holder in holders {
            sync_directory(holder)?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::WouldBlock,
                "another process has the store open",
            ),
        })?;
        Ok(Self {
            directory,
            open: Vec::new(),
            _lock: lock,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let file = match self.open.iter().position(|(open, _)| open == name) {
            Some(place) => self.open.remove(place).1,
            None => OpenOptions::new()
                .read(true)
                .append(true)
                .open(self.path(name))?,
        };
        self.keep(name, file);
        let (_, file) = self.open.last_mut().ok_or(io::ErrorKind::NotFound)?;
        Ok(file)
    }

    fn keep(&mut self, name: &str, file: File) {
        if self.open.len() >= OPEN_FILES {
            self.open.remove(0);
        }
        self.open.push((name.to_owned(), file));
    }

    fn close(&mut self, name: &str) {
        self.open.retain(|(open, _)| open != name);
    }
}

impl Disk for OsDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn len(&mut self, name: &str) -> io::Result<u64> {
        Ok(self.file(name)?.metadata()?.len())
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let file = self.file(name)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut filled = 0;
        while filled < into.len() {
            match file.read(&mut into[filled..]) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.close(name);
        let path = self.path(name);
        File::create(&path)?;
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        self.keep(name, file);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        // Of the metadata only the length matters, and that `sync_data` includes.
        self.file(name)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.close(from);
        self.close(to);
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.close(name);
        fs::remove_file(self.path(name))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        sync_directory(&self.directory)
    }
}

/// The directories whose names must be durable for `directory` to be there after a crash: the one
/// that holds it, and of those that hold that, the ones above what has to be made.
fn holders(directory: &Path, exists: impl Fn(&Path) -> bool) -> Vec<&Path> {
    let mut holders = Vec::new();
    for path in directory.ancestors() {
        let Some(holder) = path.parent() else { break };
        // The last name of a relative path is held by the working directory.
        let is_here = holder.as_os_str().is_empty();
        holders.push(if is_here { Path::new(".") } else { holder });
        if is_here || exists(holder) {
            break;
        }
    }
    holders
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Elsewhere directories cannot be opened as files; their journals keep the order of changes.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_made_is_made_durable() {
        let there = |paths: &'static [&'static str]| {
            move |path: &Path| paths.iter().any(|there| Path::new(there) == path)
        };
        for (directory, exists, expected) in [
            ("/a/b/c", &["/", "/a", "/a/b", "/a/b/c"][..], &["/a/b"][..]),
            ("/a/b/c", &["/"], &["/a/b", "/a", "/"]),
            ("/a/b/", &["/", "/a"], &["/a"]),
            ("a/b", &[], &["a", "."]),
            ("a", &["a"], &["."]),
            ("/", &["/"], &[]),
        ] {
            let expected: Vec<&Path> = expected.iter().map(Path::new).collect();
            assert_eq!(
                holders(Path::new(directory), there(exists)),
                expected,
                "{directory}"
            );
        }
    }
}
