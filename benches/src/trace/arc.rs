//! The block traces published with ARC (`.lis`).
//!
//! Each line has four whole numbers: the first block, how many blocks, one that is ignored, and the
//! number of the request. Source: N. Megiddo and D. Modha, "ARC: a self-tuning, low overhead
//! replacement cache", FAST 2003, and the traces' own notes.

use core::ops::Range;
use std::io::BufRead;

use super::error::excerpt;
use super::lines::Lines;
use super::{Fault, Reason, Request, Source};

const FIELDS: [&str; 4] = [
    "first block",
    "number of blocks",
    "third number",
    "request number",
];

/// Expands each line to one request a block.
pub(super) struct Arc<R> {
    lines: Lines<R>,
    blocks: Range<u64>,
}

impl<R: BufRead> Arc<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            lines: Lines::new(reader),
            blocks: 0..0,
        }
    }
}

impl<R: BufRead> Source for Arc<R> {
    fn next_request(&mut self) -> Result<Option<Request>, Fault> {
        loop {
            if let Some(key) = self.blocks.next() {
                return Ok(Some(Request { key, size: None }));
            }
            let Some((number, line)) = self.lines.next_line()? else {
                return Ok(None);
            };
            self.blocks = run(line).map_err(|reason| reason.at_line(number))?;
        }
    }
}

fn run(line: &[u8]) -> Result<Range<u64>, Reason> {
    let fields: Vec<&[u8]> = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
        .take(FIELDS.len())
        .collect();
    let mut numbers = [0; FIELDS.len()];
    for (index, number) in numbers.iter_mut().enumerate() {
        let missing = Reason::MissingField {
            found: fields.len(),
            wanted: FIELDS[index],
        };
        *number = parse(FIELDS[index], fields.get(index).ok_or(missing)?)?;
    }
    let [start, count, ..] = numbers;
    let end = start
        .checked_add(count)
        .ok_or(Reason::RunTooLong { start, count })?;
    Ok(start..end)
}

fn parse(field: &'static str, found: &[u8]) -> Result<u64, Reason> {
    let number = core::str::from_utf8(found)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| Reason::NotANumber {
        field,
        found: excerpt(found),
    })
}
