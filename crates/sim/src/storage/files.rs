use super::Store;
use alloc::collections::BTreeMap;
use purlin_core::random::{Random, RandomExt};

/// A store of raw byte files, named by number: for nodes that write real formats.
///
/// A file holds at most [`MAX_LEN`](Self::MAX_LEN) bytes; a write beyond that, which is a bug of
/// the node, panics and so is a violation.
///
/// A torn write keeps a prefix of its bytes. Bytes between the end of a file and a write beyond it
/// are zero, as on a real file system.
///
/// ```
/// use purlin_sim::{FileWrite, Files, Store};
///
/// let mut files = Files::default();
/// files.apply(&FileWrite::Bytes { file: 1, offset: 2, bytes: b"log".to_vec() });
/// assert_eq!(files.read(1), b"\0\0log");
/// files.apply(&FileWrite::Truncate { file: 1, len: 3 });
/// assert_eq!(files.read(1), b"\0\0l");
/// assert_eq!(files.read(2), b"");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<u64, Vec<u8>>);

/// A write to [`Files`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileWrite {
    /// Bytes at an offset.
    Bytes {
        /// The file.
        file: u64,
        /// Where the bytes begin.
        offset: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Cuts the file, or fills it up with zeros, to this length. Atomic.
    Truncate {
        /// The file.
        file: u64,
        /// Its new length in bytes.
        len: usize,
    },
    /// Removes the file. Atomic.
    Remove {
        /// The file.
        file: u64,
    },
}

impl Files {
    /// The most bytes a file can hold: 1 GiB.
    pub const MAX_LEN: usize = 1 << 30;

    /// The file, of at least this length.
    fn file(&mut self, file: u64, len: usize) -> &mut Vec<u8> {
        assert!(
            len <= Self::MAX_LEN,
            "a write makes file {file} {len} bytes long; {} is the most",
            Self::MAX_LEN
        );
        let content = self.0.entry(file).or_default();
        if content.len() < len {
            content.resize(len, 0);
        }
        content
    }

    /// A file's bytes; none where there is no such file.
    #[must_use]
    pub fn read(&self, file: u64) -> &[u8] {
        self.0.get(&file).map_or(&[], Vec::as_slice)
    }

    /// The files there are, in ascending order.
    pub fn list(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
    }
}

impl Store for Files {
    type Write = FileWrite;

    fn apply(&mut self, write: &FileWrite) {
        match write {
            FileWrite::Bytes {
                file,
                offset,
                bytes,
            } => {
                let end = offset.saturating_add(bytes.len());
                self.file(*file, end)[*offset..end].copy_from_slice(bytes);
            }
            FileWrite::Truncate { file, len } => self.file(*file, *len).truncate(*len),
            FileWrite::Remove { file } => {
                self.0.remove(file);
            }
        }
    }

    fn torn(write: &FileWrite, random: &mut dyn Random) -> Option<FileWrite> {
        let FileWrite::Bytes {
            file,
            offset,
            bytes,
        } = write
        else {
            return None;
        };
        let kept = usize::try_from(random.below(bytes.len() as u64)).unwrap_or(0);
        Some(FileWrite::Bytes {
            file: *file,
            offset: *offset,
            bytes: bytes[..kept].to_vec(),
        })
    }
}
