//! Plain keys, one a line.

use std::io::BufRead;

use super::ids::Ids;
use super::lines::Lines;
use super::{Fault, Request, Source};

/// Every line is a key, whatever bytes it holds; an empty line is an error.
pub(super) struct PlainKeys<R> {
    lines: Lines<R>,
    ids: Ids,
}

impl<R: BufRead> PlainKeys<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            lines: Lines::new(reader),
            ids: Ids::new(),
        }
    }
}

impl<R: BufRead> Source for PlainKeys<R> {
    fn next_request(&mut self) -> Result<Option<Request>, Fault> {
        let Some((number, line)) = self.lines.next_line()? else {
            return Ok(None);
        };
        let key = self.ids.id(line).map_err(|reason| reason.at_line(number))?;
        Ok(Some(Request { key, size: None }))
    }
}
