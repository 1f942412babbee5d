//! What is wrong with a trace, and where.

use core::fmt;
use std::io;
use std::path::PathBuf;

/// A trace could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub struct TraceError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong, and where in the file.
    pub fault: Fault,
}

/// What is wrong in a file, and where.
#[derive(Debug, thiserror::Error)]
#[error("{place}{reason}")]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub reason: Reason,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Start,
    /// A line, counted from 1.
    Line(u64),
    /// A record of a binary format, counted from 1, and the byte it begins at.
    Record {
        /// The record.
        number: u64,
        /// The offset of its first byte in the (decompressed) file.
        offset: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => Ok(()),
            Self::Line(line) => write!(f, "line {line}: "),
            Self::Record { number, offset } => write!(f, "record {number} (byte {offset}): "),
        }
    }
}

/// What can be wrong with a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The system, or the decompressor, says no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The name tells no format.
    #[error("the format cannot be guessed from the name; say it with --format")]
    UnknownFormat,
    /// The file ends in the middle of a record.
    #[error("the file ends after {found} of {expected} bytes")]
    Truncated {
        /// The bytes that are there.
        found: usize,
        /// The bytes a record has.
        expected: usize,
    },
    /// A line that is longer than any key.
    #[error("longer than {} bytes", super::LINE_MAX)]
    TooLong,
    /// There are more distinct keys than memory should hold.
    #[error("the distinct keys take more than {} MiB", super::KEY_BYTES_MAX >> 20)]
    TooManyKeys,
    /// A line without a key.
    #[error("an empty key")]
    EmptyKey,
    /// A field is not there.
    #[error("{found} fields, but the {wanted} is wanted")]
    MissingField {
        /// How many there are.
        found: usize,
        /// The one that is wanted.
        wanted: &'static str,
    },
    /// A field is no number.
    #[error("the {field} is {found:?}, not a whole number")]
    NotANumber {
        /// The field.
        field: &'static str,
        /// What it holds (its beginning).
        found: String,
    },
    /// A run of blocks goes beyond the last one there can be.
    #[error("{count} blocks from {start} on go beyond the largest block number")]
    RunTooLong {
        /// The first block.
        start: u64,
        /// How many.
        count: u64,
    },
    /// The header of a CSV file has no such column.
    #[error("no column is called {wanted:?}; there are {found}")]
    NoColumn {
        /// The name that was given.
        wanted: String,
        /// The names there are.
        found: String,
    },
    /// A row has no such column.
    #[error("{found} columns, but the key is in column {wanted}")]
    ShortRow {
        /// How many there are.
        found: usize,
        /// The key's, counted from 1.
        wanted: usize,
    },
    /// A quoted field does not end where its line ends.
    #[error("a quote is not closed on its line")]
    OpenQuote,
    /// A line holds no length of time.
    #[error("{found:?} is no time; a time is a number of ms, or has a unit: 12.5, 300us, 2s")]
    NotATime {
        /// What it holds (its beginning).
        found: String,
    },
    /// There are more times than memory should hold.
    #[error("more than {most} times")]
    TooManyTimes {
        /// How many may be there.
        most: usize,
    },
    /// A line is no access log entry.
    #[error("not an access log entry: {0}")]
    NotAnEntry(&'static str),
}

impl Reason {
    /// This line holds no length of time.
    pub(crate) fn no_time(line: &[u8]) -> Self {
        Self::NotATime {
            found: excerpt(line),
        }
    }

    pub(super) fn at_start(self) -> Fault {
        Fault {
            place: Place::Start,
            reason: self,
        }
    }

    pub(super) fn at_line(self, line: u64) -> Fault {
        Fault {
            place: Place::Line(line),
            reason: self,
        }
    }
}

impl Fault {
    pub(super) fn at_start(error: io::Error) -> Self {
        Reason::Io(error).at_start()
    }
}

/// The beginning of what a field holds, fit for a message.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]);
    if bytes.len() > SHOWN {
        format!("{text}...")
    } else {
        text.into_owned()
    }
}
