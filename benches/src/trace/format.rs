//! The formats, and how a file's name tells them apart.

use core::convert::Infallible;
use core::str::FromStr;
use std::path::{Path, PathBuf};

/// A trace format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// One key a line, any bytes (`.keys`, `.txt`, `.trace`).
    Keys,
    /// Little-endian 64-bit ids (`.u64`).
    U64,
    /// libCacheSim's oracleGeneral: 24-byte records of time, id, size and next access
    /// (`.oracleGeneral`, `.oracleGeneral.bin`).
    OracleGeneral,
    /// The ARC authors' block traces: first block, number of blocks, ignored, request number
    /// (`.lis`).
    Arc,
    /// Comma-separated columns, or tab-separated by the name (`.csv`, `.tsv`).
    Csv,
    /// nginx's and Apache's access logs, combined or common; the key is the request's path with its
    /// query (`.log`).
    AccessLog,
}

impl Format {
    /// The format that the name of a file (without `.zst`) tells, if any.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_benches::trace::Format;
    ///
    /// assert_eq!(Format::guess("OLTP.lis".as_ref()), Some(Format::Arc));
    /// assert_eq!(Format::guess("access.log".as_ref()), Some(Format::AccessLog));
    /// assert_eq!(Format::guess("README".as_ref()), None);
    /// ```
    #[must_use]
    pub fn guess(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let (stem, extension) = name.rsplit_once('.')?;
        match extension {
            "keys" | "txt" | "trace" => Some(Self::Keys),
            "u64" => Some(Self::U64),
            "oraclegeneral" => Some(Self::OracleGeneral),
            "bin" if stem.ends_with(".oraclegeneral") => Some(Self::OracleGeneral),
            "lis" => Some(Self::Arc),
            "csv" | "tsv" => Some(Self::Csv),
            "log" => Some(Self::AccessLog),
            // A rotated log: access.log.1
            number if number.parse::<u32>().is_ok() && stem.ends_with(".log") => {
                Some(Self::AccessLog)
            }
            _ => None,
        }
    }
}

/// Which column of a CSV file holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyColumn {
    /// The column of that number, counted from 1; the file has no header line.
    Number(usize),
    /// The column of that name; the first line is the header.
    Name(String),
}

impl Default for KeyColumn {
    /// The first column of a file without a header.
    fn default() -> Self {
        Self::Number(1)
    }
}

impl FromStr for KeyColumn {
    type Err = Infallible;

    /// A positive number is a column's number, anything else its name.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let number = text.parse().ok().filter(|number| *number > 0);
        Ok(number.map_or_else(|| Self::Name(text.to_owned()), Self::Number))
    }
}

/// The path without `.zst`, and whether it had it.
pub(super) fn strip_zst(path: &Path) -> (PathBuf, bool) {
    let compressed = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zst"));
    (
        if compressed {
            path.with_extension("")
        } else {
            path.to_owned()
        },
        compressed,
    )
}

/// What separates the columns of a CSV file of that name.
pub(super) fn delimiter(path: &Path) -> u8 {
    let tabs = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
    if tabs { b'\t' } else { b',' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_formats() {
        let cases = [
            ("a/oltp.u64", Some(Format::U64)),
            ("w01.oracleGeneral", Some(Format::OracleGeneral)),
            ("w01.oracleGeneral.bin", Some(Format::OracleGeneral)),
            ("w01.bin", None),
            ("P3.LIS", Some(Format::Arc)),
            ("access.log.12", Some(Format::AccessLog)),
            ("access.log.old", None),
            ("keys.txt", Some(Format::Keys)),
            ("t.tsv", Some(Format::Csv)),
            ("u64", None),
        ];
        for (name, format) in cases {
            assert_eq!(Format::guess(Path::new(name)), format, "{name}");
        }
        assert_eq!(
            strip_zst(Path::new("a.u64.zst")),
            (PathBuf::from("a.u64"), true)
        );
        assert_eq!(
            strip_zst(Path::new("a.u64")),
            (PathBuf::from("a.u64"), false)
        );
    }

    #[test]
    fn a_column_is_a_number_or_a_name() {
        let cases = [
            ("2", KeyColumn::Number(2)),
            ("0", KeyColumn::Name("0".into())),
            ("id", KeyColumn::Name("id".into())),
        ];
        for (text, column) in cases {
            assert_eq!(text.parse(), Ok(column));
        }
    }
}
