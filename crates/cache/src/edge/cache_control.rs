//! RFC 9111, section 5.2.2, as far as it is about time.

use super::Freshness;
use core::time::Duration;

/// What one `Cache-Control` says.
#[derive(Default)]
struct Directives {
    max_age: Option<Duration>,
    s_maxage: Option<Duration>,
    stale_while_revalidate: Option<Duration>,
    stale_if_error: Option<Duration>,
    /// Not to be kept, or not to be used unasked.
    is_forbidden: bool,
    /// Not to be used when stale.
    must_revalidate: bool,
}

impl Freshness {
    /// What a `Cache-Control` field says to a shared cache (RFC 9111, section 5.2.2; RFC 5861).
    ///
    /// * `s-maxage` counts before `max-age` (5.2.2.10). Without both, nothing is fresh: this does not guess (4.2.2).
    /// * `no-store`, `private` and `no-cache`, with or without field names, leave nothing to be used unasked.
    /// * `must-revalidate` and `proxy-revalidate` forbid stale use. `s-maxage` alone does not, where the field itself names a window for
    ///   it: the letter of 4.2.4 says otherwise, but this is what those mean who write both.
    /// * Where a directive comes twice, the shorter time counts; what is not a number is zero (4.2.1). Seconds past 2^31
    ///   count as that (1.2.2).
    ///
    /// Unknown directives are passed over. O(length).
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_cache::edge::Freshness;
    ///
    /// let freshness = Freshness::from_cache_control("public, max-age=60, S-MaxAge=\"600\"");
    /// assert_eq!(freshness.ttl, Duration::from_secs(600));
    /// assert_eq!(Freshness::from_cache_control("max-age=60, no-store").ttl, Duration::ZERO);
    /// ```
    #[must_use]
    pub fn from_cache_control(field: &str) -> Self {
        let mut said = Directives::default();
        let mut rest = field;
        while !rest.is_empty() {
            let (directive, after) = split(rest);
            rest = after;
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            said.take(name.trim(), argument.trim());
        }
        if said.is_forbidden {
            return Self::default();
        }
        let stale = |window: Option<Duration>| {
            window
                .filter(|_| !said.must_revalidate)
                .unwrap_or(Duration::ZERO)
        };
        Self {
            ttl: said.s_maxage.or(said.max_age).unwrap_or_default(),
            stale_while_revalidate: stale(said.stale_while_revalidate),
            stale_if_error: stale(said.stale_if_error),
            ..Self::default()
        }
    }
}

impl Directives {
    fn take(&mut self, name: &str, argument: &str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let time = if is("max-age") {
            &mut self.max_age
        } else if is("s-maxage") {
            &mut self.s_maxage
        } else if is("stale-while-revalidate") {
            &mut self.stale_while_revalidate
        } else if is("stale-if-error") {
            &mut self.stale_if_error
        } else {
            self.is_forbidden |= is("no-store") || is("no-cache") || is("private");
            self.must_revalidate |= is("must-revalidate") || is("proxy-revalidate");
            return;
        };
        let new = seconds(argument);
        *time = Some(time.map_or(new, |old| old.min(new)));
    }
}

/// Up to the next comma that is not in quotes, and what comes after it.
fn split(field: &str) -> (&str, &str) {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, byte) in field.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => return (&field[..at], &field[at + 1..]),
            _ => {}
        }
    }
    (field, "")
}

/// A token or a quoted string, as recipients are to accept both (5.2).
fn seconds(argument: &str) -> Duration {
    const MOST: u64 = 1 << 31;
    let unquoted = argument
        .strip_prefix('"')
        .and_then(|argument| argument.strip_suffix('"'));
    let digits = unquoted.unwrap_or(argument);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Duration::ZERO;
    }
    Duration::from_secs(digits.parse().unwrap_or(MOST).min(MOST))
}
