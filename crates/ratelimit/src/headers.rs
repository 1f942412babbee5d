//! Decisions as fields of an HTTP response.

use crate::decision::Decision;
use crate::error::ConfigError;
use core::fmt;
use core::time::Duration;

/// The greatest integer of a structured field (RFC 9651, section 3.3.1).
const GREATEST: u64 = 999_999_999_999_999;

/// The fields of a response that tell its receiver how the limiter stands.
///
/// An iterator over names, in lower case as HTTP/2 wants them, and values to be displayed. Nothing is
/// allocated.
///
/// | name | value |
/// |---|---|
/// | `ratelimit-policy` | `"name";q=limit;w=window` |
/// | `ratelimit` | `"name";r=remaining;t=wait` |
/// | `retry-after` | seconds; where the request was refused and waiting helps |
///
/// The first two are those of [draft-ietf-httpapi-ratelimit-headers-10]: lists, so that a response to
/// which several limiters contributed may carry the fields of each. `t` says when more tokens will be
/// there: for a refused request when to come back, the same as `retry-after`; for others when all will
/// be. It is left out when no time is known. Seconds are rounded up, so that nobody comes too early,
/// and integers end at the fifteen digits that structured fields have. A window of less than a second
/// is said to be one: that promises less than there is, never more.
///
/// [draft-ietf-httpapi-ratelimit-headers-10]: https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};
///
/// let limiter = Shared::new(Gcra::new(Quota::per_minute(2)?)?);
/// limiter.check_at(Instant::from_secs(0), 2);
/// let decision = limiter.check_at(Instant::from_millis(100), 1);
///
/// let mut response = String::from("HTTP/1.1 429 Too Many Requests\r\n");
/// for (name, value) in decision.headers("reads")? {
///     response += &format!("{name}: {value}\r\n");
/// }
/// assert_eq!(
///     response,
///     "HTTP/1.1 429 Too Many Requests\r\n\
///      ratelimit-policy: \"reads\";q=2;w=60\r\n\
///      ratelimit: \"reads\";r=0;t=30\r\n\
///      retry-after: 30\r\n",
/// );
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    fields: [Option<(&'static str, HeaderValue<'a>)>; 4],
    next: usize,
}

/// What stands in a field of a response: ASCII, by [`Display`](fmt::Display).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderValue<'a>(Value<'a>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    /// A name, and its parameters as far as they are known.
    Item(&'a str, [(char, Option<u64>); 2]),
}

impl Decision {
    /// This decision as fields of a response, under the name of a policy: "burst", "daily".
    ///
    /// Takes time in proportion to the length of the name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a name with other than printable ASCII characters: it could not
    /// stand in a field, or would end it.
    pub fn headers<'a>(&self, policy: &'a str) -> Result<Headers<'a>, ConfigError> {
        if !policy.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(ConfigError::OutOfRange {
                field: "policy",
                expected: "of printable ASCII characters",
            });
        }
        let window = seconds(self.window).map(|window| window.max(1));
        let quota = [('q', Some(self.limit)), ('w', window)];
        let service = [('r', Some(self.remaining)), ('t', self.wait())];
        Ok(Headers::new([
            Some(("ratelimit-policy", Value::Item(policy, quota))),
            Some(("ratelimit", Value::Item(policy, service))),
            self.retry()
                .map(|wait| ("retry-after", Value::Number(wait))),
            None,
        ]))
    }

    /// This decision as the fields `x-ratelimit-limit`, `-remaining` and `-reset` that many services
    /// send, and `retry-after`. The reset is in seconds from now, rounded up; services differ there.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};
    ///
    /// let limiter = Shared::new(Gcra::new(Quota::per_minute(4)?)?);
    /// let decision = limiter.check_at(Instant::from_secs(0), 1);
    /// let fields: Vec<_> = decision
    ///     .legacy_headers()
    ///     .map(|(name, value)| format!("{name}: {value}"))
    ///     .collect();
    /// assert_eq!(
    ///     fields,
    ///     ["x-ratelimit-limit: 4", "x-ratelimit-remaining: 3", "x-ratelimit-reset: 15"],
    /// );
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    #[must_use]
    pub fn legacy_headers(&self) -> Headers<'static> {
        let number = |name, value| Some((name, Value::Number(value)));
        Headers::new([
            number("x-ratelimit-limit", self.limit),
            number("x-ratelimit-remaining", self.remaining),
            self.wait()
                .and_then(|wait| number("x-ratelimit-reset", wait)),
            self.retry().and_then(|wait| number("retry-after", wait)),
        ])
    }

    /// Seconds until more will be there.
    fn wait(&self) -> Option<u64> {
        self.retry().or_else(|| seconds(self.reset_after))
    }

    /// Seconds until a refused request may come back.
    fn retry(&self) -> Option<u64> {
        seconds(self.outcome.err()?.retry_after()?)
    }
}

/// Whole seconds, rounded up. `None` for what means "never" and has no number.
fn seconds(duration: Duration) -> Option<u64> {
    let whole = duration.as_secs();
    let seconds = whole.checked_add(u64::from(duration.subsec_nanos() > 0))?;
    (duration != Duration::MAX).then_some(seconds)
}

impl<'a> Headers<'a> {
    fn new(fields: [Option<(&'static str, Value<'a>)>; 4]) -> Self {
        let fields = fields.map(|field| field.map(|(name, value)| (name, HeaderValue(value))));
        Self { fields, next: 0 }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'static str, HeaderValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(field) = self.fields.get(self.next) {
            self.next += 1;
            if field.is_some() {
                return *field;
            }
        }
        None
    }
}

impl fmt::Display for HeaderValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Number(number) => number.fmt(f),
            Value::Item(name, parameters) => {
                f.write_str("\"")?;
                for character in name.chars() {
                    if matches!(character, '"' | '\\') {
                        f.write_str("\\")?;
                    }
                    fmt::Write::write_char(f, character)?;
                }
                f.write_str("\"")?;
                for (parameter, number) in parameters {
                    if let Some(number) = number {
                        write!(f, ";{parameter}={}", number.min(GREATEST))?;
                    }
                }
                Ok(())
            }
        }
    }
}
