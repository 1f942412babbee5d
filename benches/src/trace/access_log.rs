//! Access logs of nginx and Apache, in the combined or the common format.
//!
//! `host ident user [time] "METHOD target PROTOCOL" status bytes ...`. The key is the request
//! target as it was sent, with its query: what nginx and most caches in front of it take for the
//! key by default. Sources: Apache's `mod_log_config` and nginx's `ngx_http_log_module`
//! documentation.

use std::io::BufRead;

use super::ids::Ids;
use super::lines::Lines;
use super::{Fault, Reason, Request, Source};

/// One request a line. A connection that sent no request line (`"-"`, `""`, or bytes that are no
/// HTTP) is skipped and counted.
pub(super) struct AccessLog<R> {
    lines: Lines<R>,
    ids: Ids,
    skipped: u64,
}

impl<R: BufRead> AccessLog<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            lines: Lines::new(reader),
            ids: Ids::new(),
            skipped: 0,
        }
    }
}

impl<R: BufRead> Source for AccessLog<R> {
    fn next_request(&mut self) -> Result<Option<Request>, Fault> {
        loop {
            let Some((number, line)) = self.lines.next_line()? else {
                return Ok(None);
            };
            let entry = parse(line).map_err(|reason| reason.at_line(number))?;
            let Some(target) = entry.target else {
                self.skipped += 1;
                continue;
            };
            let key = self
                .ids
                .id(target)
                .map_err(|reason| reason.at_line(number))?;
            return Ok(Some(Request {
                key,
                size: entry.size,
            }));
        }
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[derive(Debug, PartialEq)]
struct Entry<'a> {
    target: Option<&'a [u8]>,
    size: Option<u64>,
}

fn parse(line: &[u8]) -> Result<Entry<'_>, Reason> {
    // The time in brackets comes before the request; a user name may hold quotes and blanks, a time
    // holds neither.
    let bracket =
        find(line, b"] \"").ok_or(Reason::NotAnEntry("no [time] followed by a quoted request"))?;
    let rest = &line[bracket + 3..];
    let quote =
        closing_quote(rest).ok_or(Reason::NotAnEntry("the request's quote is not closed"))?;
    let (request, rest) = (&rest[..quote], &rest[quote + 1..]);
    let mut fields = words(rest);
    let status = fields
        .next()
        .ok_or(Reason::NotAnEntry("no status after the request"))?;
    if status.len() != 3 || !status.iter().all(u8::is_ascii_digit) {
        return Err(Reason::NotAnEntry("the status is not three digits"));
    }
    // Apache writes `-` for no body.
    let size = fields
        .next()
        .and_then(|size| core::str::from_utf8(size).ok()?.parse().ok());
    Ok(Entry {
        target: target(request),
        size,
    })
}

/// The second word of `METHOD target PROTOCOL`; HTTP/0.9 has no protocol.
fn target(request: &[u8]) -> Option<&[u8]> {
    let mut fields = words(request);
    let method = fields.next()?;
    let target = fields.next()?;
    method
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'-' || *byte == b'_')
        .then_some(target)
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty())
}

/// The first quote that no backslash escapes.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })
}

fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len())
        .position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_sizes_are_found() {
        let cases: [(&str, Option<&str>, Option<u64>); 6] = [
            (
                r#"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /a.gif?x=1 HTTP/1.0" 200 2326 "-" "Mozilla [en]""#,
                Some("/a.gif?x=1"),
                Some(2326),
            ),
            (
                r#"h - "bob smith" [t] "POST /p HTTP/1.1" 304 -"#,
                Some("/p"),
                None,
            ),
            (
                r#"h - - [t] "GET /with\"quote HTTP/1.1" 404 0 "-" "-""#,
                Some(r#"/with\"quote"#),
                Some(0),
            ),
            (r#"h - - [t] "GET /old" 200 5"#, Some("/old"), Some(5)),
            (r#"h - - [t] "-" 408 0"#, None, Some(0)),
            (r#"h - - [t] "\x16\x03\x01 \x00" 400 150"#, None, Some(150)),
        ];
        for (line, target, size) in cases {
            let entry = parse(line.as_bytes()).unwrap_or_else(|reason| panic!("{line}: {reason}"));
            assert_eq!(
                entry,
                Entry {
                    target: target.map(str::as_bytes),
                    size
                },
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for line in [
            "",
            "GET / HTTP/1.1",
            r#"h - - [t] "GET /"#,
            r#"h - - [t] "GET / HTTP/1.1""#,
            r#"h - - [t] "GET /" ok 5"#,
        ] {
            assert!(
                matches!(parse(line.as_bytes()), Err(Reason::NotAnEntry(_))),
                "{line}"
            );
        }
    }
}
