//! Lines of bounded length, with their numbers.

use std::io::{BufRead, Read};

use super::error::{Fault, Reason};

/// The longest line accepted, in bytes.
pub const LINE_MAX: usize = 1 << 20;

/// Reads lines without their ends (`\n` or `\r\n`). The last line may lack its end.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            line: Vec::new(),
            number: 0,
        }
    }

    /// The next line and its number, from 1.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &[u8])>, Fault> {
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.reader).take(LINE_MAX as u64 + 2);
        let read = bounded.read_until(b'\n', &mut self.line);
        read.map_err(|error| Reason::Io(error).at_line(self.number))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_MAX {
            return Err(Reason::TooLong.at_line(self.number));
        }
        Ok(Some((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_lines_are_stripped_and_counted() {
        let mut lines = Lines::new(&b"a\r\n\nb"[..]);
        let mut seen = Vec::new();
        while let Some((number, line)) = lines.next_line().expect("short lines") {
            seen.push((number, line.to_vec()));
        }
        assert_eq!(
            seen,
            [(1, b"a".to_vec()), (2, Vec::new()), (3, b"b".to_vec())]
        );
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        for (length, fits) in [
            (LINE_MAX, true),
            (LINE_MAX + 1, false),
            (3 * LINE_MAX, false),
        ] {
            let text = [vec![b'x'; length], b"\r\n".to_vec()].concat();
            let mut lines = Lines::new(&text[..]);
            let line = lines
                .next_line()
                .map(|line| line.map(|(_, line)| line.len()));
            match line {
                Ok(length_read) => assert!(fits && length_read == Some(length)),
                Err(fault) => assert!(!fits && matches!(fault.reason, Reason::TooLong)),
            }
        }
    }
}
