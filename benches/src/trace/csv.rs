//! Keys in a column of a CSV file.

use std::io::{self, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::error::excerpt;
use super::ids::Ids;
use super::{Fault, KeyColumn, LINE_MAX, Reason, Request, Source};

/// Takes one column as the key, as RFC 4180 quotes it. Rows may differ in length as long as they have that column.
pub(super) struct Csv<R> {
    reader: Reader<Metered<R>>,
    record: ByteRecord,
    column: usize,
    ids: Ids,
}

impl<R: Read> Csv<R> {
    pub(super) fn new(reader: R, delimiter: u8, key: &KeyColumn) -> Result<Self, Fault> {
        let named = matches!(key, KeyColumn::Name(_));
        let metered = Metered {
            reader,
            left: RECORD_BYTES,
        };
        let mut reader = ReaderBuilder::new()
            .has_headers(named)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(metered);
        let column = match key {
            KeyColumn::Number(number) => number.saturating_sub(1),
            KeyColumn::Name(name) => find_column(&mut reader, name)?,
        };
        Ok(Self {
            reader,
            record: ByteRecord::new(),
            column,
            ids: Ids::new(),
        })
    }
}

fn find_column<R: Read>(reader: &mut Reader<Metered<R>>, name: &str) -> Result<usize, Fault> {
    let header = reader
        .byte_headers()
        .map_err(|error| reason(error).at_line(1))?;
    let missing = || Reason::NoColumn {
        wanted: name.to_owned(),
        found: header.iter().map(excerpt).collect::<Vec<_>>().join(", "),
    };
    header
        .iter()
        .position(|column| column == name.as_bytes())
        .ok_or_else(|| missing().at_line(1))
}

impl<R: Read> Source for Csv<R> {
    fn next_request(&mut self) -> Result<Option<Request>, Fault> {
        self.reader.get_mut().left = RECORD_BYTES;
        let line = self.reader.position().line();
        let more = self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|error| reason(error).at_line(line))?;
        if !more {
            return Ok(None);
        }
        // Where the row itself begins: blank lines before it are passed over.
        let line = self.record.position().map_or(line, csv::Position::line);
        let short = || Reason::ShortRow {
            found: self.record.len(),
            wanted: self.column + 1,
        };
        let key = self
            .record
            .get(self.column)
            .ok_or_else(|| short().at_line(line))?;
        let key = self.ids.id(key).map_err(|reason| reason.at_line(line))?;
        Ok(Some(Request { key, size: None }))
    }
}

/// How much may be read for one row: the row and what the parser reads ahead.
const RECORD_BYTES: usize = LINE_MAX + (64 << 10);

/// Stops a row without an end (a quote never closed) from filling the memory.
struct Metered<R> {
    reader: R,
    left: usize,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read)
            .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(read)
    }
}

fn reason(error: csv::Error) -> Reason {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Reason::TooLong,
        csv::ErrorKind::Io(error) => Reason::Io(error),
        // Rows of bytes, of any length, cannot be wrong in any other way.
        other => Reason::Io(io::Error::other(format!("{other:?}"))),
    }
}
