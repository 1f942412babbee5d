//! Recorded input: readers for the common trace formats.
//!
//! A [`Trace`] is an iterator over [`Request`]s that reads as it goes: memory is bounded by a
//! buffer, the longest line ([`LINE_MAX`]) and, where keys are words, by the distinct keys
//! ([`KEY_BYTES_MAX`]). An error says which file, where in it, and what is wrong there; after an
//! error the iterator ends.

mod access_log;
mod arc;
mod csv;
mod each_key;
mod error;
mod format;
mod ids;
mod keys;
mod lines;
mod oracle_general;
mod summary;
mod u64_ids;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

pub(crate) use self::each_key::{each_key, each_line};
pub use self::error::{Fault, Place, Reason, TraceError};
pub use self::format::{Format, KeyColumn};
pub use self::ids::KEY_BYTES_MAX;
pub use self::lines::LINE_MAX;
pub use self::summary::Summary;

/// One request of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// The object: the trace's own id where it has numbers, otherwise 0, 1, 2, ... in the order
    /// keys are first seen.
    pub key: u64,
    /// The object's size in bytes, where the format has it.
    pub size: Option<u64>,
}

/// How to read a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceOptions {
    /// The format; guessed from the file's name where it is `None`.
    pub format: Option<Format>,
    /// Which column of a CSV file holds the key.
    pub key_column: KeyColumn,
}

/// A source of requests: one per format.
pub(crate) trait Source {
    /// The next request, `None` at the end.
    fn next_request(&mut self) -> Result<Option<Request>, Fault>;

    /// How many entries of the file were no requests.
    fn skipped(&self) -> u64 {
        0
    }
}

/// A trace being read.
///
/// # Examples
///
/// ```
/// use purlin_benches::trace::{Format, Trace, TraceOptions};
///
/// let options = TraceOptions { format: Some(Format::Keys), ..TraceOptions::default() };
/// let trace = Trace::from_reader("example", &b"apple\npear\napple\n"[..], &options)?;
/// let keys = trace.map(|request| Ok(request?.key)).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(keys, [0, 1, 0]);
/// # Ok::<(), purlin_benches::trace::TraceError>(())
/// ```
pub struct Trace {
    file: PathBuf,
    source: Box<dyn Source>,
    ended: bool,
}

impl Trace {
    /// Opens a file. A name that ends in `.zst` is decompressed on the way, and its format guessed
    /// from what stands before.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or its format cannot be guessed. An empty file is no error.
    pub fn open(path: &Path, options: &TraceOptions) -> Result<Self, TraceError> {
        let fail = |fault| TraceError {
            file: path.to_owned(),
            fault,
        };
        let (inner, _) = format::strip_zst(path);
        let reader = open(path).map_err(fail)?;
        let format = options
            .format
            .or_else(|| Format::guess(&inner))
            .ok_or_else(|| fail(Reason::UnknownFormat.at_start()))?;
        Self::start(path, format, format::delimiter(&inner), reader, options)
    }

    /// Reads from anything; `name` stands in for the file's, in errors and to guess the format
    /// from.
    ///
    /// # Errors
    ///
    /// As [`Trace::open`]. The bytes are taken as they are, even where the name ends in `.zst`.
    pub fn from_reader(
        name: &str,
        reader: impl BufRead + 'static,
        options: &TraceOptions,
    ) -> Result<Self, TraceError> {
        let path = Path::new(name);
        let unknown = || TraceError {
            file: path.to_owned(),
            fault: Reason::UnknownFormat.at_start(),
        };
        let format = options
            .format
            .or_else(|| Format::guess(path))
            .ok_or_else(unknown)?;
        Self::start(
            path,
            format,
            format::delimiter(path),
            Box::new(reader),
            options,
        )
    }

    fn start(
        path: &Path,
        format: Format,
        delimiter: u8,
        reader: Box<dyn BufRead>,
        options: &TraceOptions,
    ) -> Result<Self, TraceError> {
        let source: Box<dyn Source> = match format {
            Format::Keys => Box::new(keys::PlainKeys::new(reader)),
            Format::U64 => Box::new(u64_ids::U64Ids::new(reader)),
            Format::OracleGeneral => Box::new(oracle_general::OracleGeneral::new(reader)),
            Format::Arc => Box::new(arc::Arc::new(reader)),
            Format::AccessLog => Box::new(access_log::AccessLog::new(reader)),
            Format::Csv => {
                let source = csv::Csv::new(reader, delimiter, &options.key_column);
                Box::new(source.map_err(|fault| TraceError {
                    file: path.to_owned(),
                    fault,
                })?)
            }
        };
        Ok(Self {
            file: path.to_owned(),
            source,
            ended: false,
        })
    }

    /// The error of this trace that has no place in the file.
    fn fail(&self, reason: Reason) -> TraceError {
        TraceError {
            file: self.file.clone(),
            fault: reason.at_start(),
        }
    }

    /// How many entries so far were well-formed but no requests; only access logs have them (a
    /// connection that sent no request line).
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.source.skipped()
    }
}

/// Opens a file, decompressed on the way where its name ends in `.zst`.
fn open(path: &Path) -> Result<Box<dyn BufRead>, Fault> {
    let file = File::open(path).map_err(Fault::at_start)?;
    // A folder opens like a file on some systems, and only fails when its first line is read.
    if file.metadata().map_err(Fault::at_start)?.is_dir() {
        return Err(Fault::at_start(io::ErrorKind::IsADirectory.into()));
    }
    let (_, compressed) = format::strip_zst(path);
    Ok(if compressed {
        let decoder = zstd::Decoder::new(file).map_err(Fault::at_start)?;
        Box::new(BufReader::new(decoder))
    } else {
        Box::new(BufReader::new(file))
    })
}

impl Iterator for Trace {
    type Item = Result<Request, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.source.next_request();
        self.ended = !matches!(next, Ok(Some(_)));
        next.map_err(|fault| TraceError {
            file: self.file.clone(),
            fault,
        })
        .transpose()
    }
}

impl core::fmt::Debug for Trace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Trace")
            .field("file", &self.file)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
