//! Keys in a column of a CSV file.

use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::error::excerpt;
use super::ids::Ids;
use super::lines::Lines;
use super::{Fault, KeyColumn, Reason, Request, Source};

/// Takes one column as the key. Fields are quoted as RFC 4180 says, except that a row is a line:
/// what bounds a line's length bounds a row's, and an error names the very line. Rows may differ in
/// length as long as they have the column; blank lines are passed over.
pub(super) struct Csv<R> {
    lines: Lines<R>,
    row: Row,
    column: usize,
    ids: Ids,
}

impl<R: BufRead> Csv<R> {
    pub(super) fn new(reader: R, delimiter: u8, key: &KeyColumn) -> Result<Self, Fault> {
        let mut csv = Self {
            lines: Lines::new(reader),
            row: Row::new(delimiter),
            column: 0,
            ids: Ids::new(),
        };
        csv.column = match key {
            KeyColumn::Number(number) => number.saturating_sub(1),
            KeyColumn::Name(name) => csv.find_column(name)?,
        };
        Ok(csv)
    }

    fn find_column(&mut self, name: &str) -> Result<usize, Fault> {
        let missing = |found| Reason::NoColumn {
            wanted: name.to_owned(),
            found,
        };
        let Some(line) = self.next_row()? else {
            return Err(missing(String::new()).at_start());
        };
        let header = || (0..self.row.len()).filter_map(|column| self.row.field(column));
        let found = header().position(|column| column == name.as_bytes());
        found.ok_or_else(|| {
            missing(header().map(excerpt).collect::<Vec<_>>().join(", ")).at_line(line)
        })
    }

    /// Parses the next line that is not blank and returns its number.
    fn next_row(&mut self) -> Result<Option<u64>, Fault> {
        while let Some((number, line)) = self.lines.next_line()? {
            if !line.is_empty() {
                self.row
                    .parse(line)
                    .map_err(|reason| reason.at_line(number))?;
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Source for Csv<R> {
    fn next_request(&mut self) -> Result<Option<Request>, Fault> {
        let Some(line) = self.next_row()? else {
            return Ok(None);
        };
        let short = || Reason::ShortRow {
            found: self.row.len(),
            wanted: self.column + 1,
        };
        let key = self
            .row
            .field(self.column)
            .ok_or_else(|| short().at_line(line))?;
        let key = self.ids.id(key).map_err(|reason| reason.at_line(line))?;
        Ok(Some(Request { key, size: None }))
    }
}

/// One parsed row: its fields unquoted, end to end.
struct Row {
    parser: Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    len: usize,
}

impl Row {
    fn new(delimiter: u8) -> Self {
        let parser = ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(Terminator::Any(b'\n'))
            .build();
        Self {
            parser,
            fields: Vec::new(),
            ends: Vec::new(),
            len: 0,
        }
    }

    fn parse(&mut self, line: &[u8]) -> Result<(), Reason> {
        // Unquoting only shortens, and there is at most one field more than bytes: neither buffer
        // can be too small.
        self.fields.resize(self.fields.len().max(line.len() + 1), 0);
        self.ends.resize(self.ends.len().max(line.len() + 2), 0);
        self.parser.reset();
        let (_, _, written, ended) =
            self.parser
                .read_record(line, &mut self.fields, &mut self.ends);
        // Inside a quote the end of the line does not end the row.
        let (result, _, _, more) =
            self.parser
                .read_record(b"\n", &mut self.fields[written..], &mut self.ends[ended..]);
        self.len = ended + more;
        if result == ReadRecordResult::Record {
            Ok(())
        } else {
            Err(Reason::OpenQuote)
        }
    }

    fn len(&self) -> usize {
        self.len
    }

    fn field(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends[..self.len].get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.fields.get(start..end)
    }
}
