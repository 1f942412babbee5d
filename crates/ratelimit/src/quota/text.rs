//! Quotas as text: `100/s`, `5/min burst 10`.

use super::Quota;
use crate::error::ConfigError;
use core::str::FromStr;
use core::time::Duration;

/// A text that is no quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseQuotaError {
    /// There is no slash between a count and a period, or something is left over.
    #[error("a quota is written as 100/s or 5/min burst 10")]
    Form,
    /// The count is no number below 2⁶⁴.
    #[error("the count of a quota must be a whole number, as 100 in 100/s")]
    Count,
    /// The period is no unit of time, nor a number of them down to nanoseconds.
    #[error(
        "the period of a quota must be ns, us, ms, s, min, h or d, or a number of them as 1.5s"
    )]
    Period,
    /// The burst is no number below 2⁶⁴.
    #[error("the burst of a quota must be a whole number, as 10 in 5/min burst 10")]
    Burst,
    /// All were understood, and make no quota.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

const SECOND: u64 = 1_000_000_000;

/// The names of the units, and their nanoseconds.
const UNITS: &[(&[&str], u64)] = &[
    (&["ns"], 1),
    (&["us", "µs"], 1_000),
    (&["ms"], 1_000_000),
    (&["s", "sec", "second"], SECOND),
    (&["m", "min", "minute"], 60 * SECOND),
    (&["h", "hour"], 3_600 * SECOND),
    (&["d", "day"], 86_400 * SECOND),
];

/// A count, a slash or `per`, a period, and perhaps `burst` and a number: `100/s`, `7 per 1.5s`,
/// `5/min burst 10`, and what [`Display`](core::fmt::Display) prints. Digits may be grouped by
/// underscores.
impl FromStr for Quota {
    type Err = ParseQuotaError;

    fn from_str(text: &str) -> Result<Self, ParseQuotaError> {
        let (rate, burst) = match text.split_once("burst") {
            Some((rate, burst)) => (rate.trim_end().trim_end_matches(','), Some(burst)),
            None => (text, None),
        };
        let parts = rate.split_once('/').or_else(|| rate.split_once(" per "));
        let (count, period) = parts.ok_or(ParseQuotaError::Form)?;
        let count = whole(count.trim()).ok_or(ParseQuotaError::Count)?;
        let period = duration(period.trim()).ok_or(ParseQuotaError::Period)?;
        let quota = Self::new(count, period)?;
        match burst {
            None => Ok(quota),
            Some(burst) => {
                let burst = whole(burst.trim()).ok_or(ParseQuotaError::Burst)?;
                Ok(quota.with_burst(burst)?)
            }
        }
    }
}

/// Digits, at least one, and underscores between.
fn whole(text: &str) -> Option<u64> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut number = 0_u64;
    for character in text.chars().filter(|&character| character != '_') {
        let digit = character.to_digit(10)?;
        number = number.checked_mul(10)?.checked_add(digit.into())?;
    }
    Some(number)
}

fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')?;
    let (number, name) = text.split_at(unit_at);
    let (_, unit) = UNITS
        .iter()
        .find(|(names, _)| names.contains(&name.trim_start()))?;
    if number.is_empty() {
        return Some(Duration::from_nanos(*unit));
    }
    let (number, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut nanos = whole(number)?.checked_mul(*unit)?;
    if fraction.is_empty() {
        return None;
    }
    let mut place = *unit;
    for digit in fraction.chars() {
        let digit = u64::from(digit.to_digit(10)?);
        // A digit that is worth no whole number of nanoseconds is refused, unless it is zero.
        if digit > 0 && !place.is_multiple_of(10) {
            return None;
        }
        place /= 10;
        nanos = nanos.checked_add(digit * place)?;
    }
    Some(Duration::from_nanos(nanos))
}

#[cfg(feature = "serde")]
impl serde::Serialize for Quota {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Quota {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = Quota;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a quota such as \"100/s\" or \"5/min burst 10\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quota, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}
