//! What a limiter promises.

/// What a limiter does, as far as the conformance suite can test it.
///
/// ```
/// use purlin_ratelimit::{Bound, Capabilities, Rule};
///
/// // Of a limiter that keeps to a rate, and sometimes refuses without need.
/// let mut mine = Capabilities::BUCKET;
/// mine.rule = None;
/// assert_eq!(mine.bound, Bound::Even);
/// assert_eq!(Capabilities::BUCKET.rule, Some(Rule::Even));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Capabilities {
    /// The most that it admits in any span of time.
    pub bound: Bound,
    /// The rule that its answers follow, one by one: decisions, waits, what remains. `None` of one
    /// that may refuse what its bound would allow.
    pub rule: Option<Rule>,
    /// Nothing is ever rounded. Otherwise an admission, a wait and a reset may be up to one
    /// nanosecond late, and what remains too low by what comes in one, rounded up. Where the clock went
    /// back to before the last instant at which nothing lacked, as much early, or too high.
    pub exact: bool,
    /// A burst can be another than the count.
    pub bursts: bool,
    /// Tokens can be taken from the future, and given back before that.
    pub reserves: bool,
}

/// The most that is admitted in any span of time, by a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// `burst + count * t / period` in any time `t`.
    Even,
    /// `burst`, and `count` for every multiple of the period in that time.
    Stepped,
    /// `count` in any period.
    Window,
    /// Less than twice the `count` in any period, of which there are `k` parts, and `count` in any
    /// time that is shorter by such a part.
    SubWindows(u32),
}

/// What decides, by a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A bucket of `burst` tokens that fills evenly.
    Even,
    /// A bucket of `burst` tokens into which `count` come at every multiple of the period.
    Stepped,
    /// At most `count` among those admitted in the period that ends now, which is open at its
    /// beginning.
    Log,
    /// The same as far as counts of `sub_windows` parts of a period tell, the oldest of which
    /// counts by how much of it is within the period or, if `strict`, whole.
    Counter {
        /// Into how many parts a period is divided.
        sub_windows: u32,
        /// Whether the oldest part counts whole.
        strict: bool,
    },
}

impl Capabilities {
    /// Of the bucket family: buckets that fill evenly, reservations, all exact.
    pub const BUCKET: Self = Self {
        bound: Bound::Even,
        rule: Some(Rule::Even),
        exact: true,
        bursts: true,
        reserves: true,
    };
}
