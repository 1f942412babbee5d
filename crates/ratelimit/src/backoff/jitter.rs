use purlin_core::random::{Random, RandomExt};

/// How a delay is spread, so that clients that failed together do not retry together.
///
/// `d` is the delay of the exponential schedule, cap included. All draws are uniform over whole
/// nanoseconds, both ends included, and none is above the cap.
///
/// | jitter | delay | mean, below the cap |
/// |---|---|---|
/// | [`None`](Self::None) | `d` | `d` |
/// | [`Full`](Self::Full) | in `[0, d]` | `d / 2` |
/// | [`Equal`](Self::Equal) | in `[d / 2, d]` | `3 d / 4` |
/// | [`Decorrelated`](Self::Decorrelated) | `min(cap, [base, 3 * previous])` | 3/2 of the previous delay, and `base / 2` |
/// | [`Spread`](Self::Spread) | `min(cap, [d - p %, d + p %])` | `d` |
///
/// `Full`, `Equal` and `Decorrelated` are from "Exponential Backoff And Jitter", AWS Architecture
/// Blog, 2015; `Spread` is the randomisation factor of Google's HTTP client and of resilience4j.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Jitter {
    /// The schedule as it is. For one client, or where something else spreads the load.
    None,
    /// Anything from no delay at all up to the schedule's.
    #[default]
    Full,
    /// The upper half: never less than half of the schedule's delay.
    Equal,
    /// A walk of its own: each delay lies between the base and three times the one before it.
    Decorrelated,
    /// Around the schedule's delay by so many percent of it, at most 100.
    Spread {
        /// The half width of the range, in percent of the delay.
        percent: u8,
    },
}

impl Jitter {
    /// The delay to wait, in nanoseconds, at most `cap`.
    pub(super) fn apply<R>(self, delay: u64, walk: Walk, cap: u64, random: &mut R) -> u64
    where
        R: Random + ?Sized,
    {
        match self {
            Self::None => delay,
            Self::Full => between(0, delay, random),
            // Rounded up: half of a nanosecond is not less than half.
            Self::Equal => between(delay.div_ceil(2), delay, random),
            Self::Decorrelated => between(walk.base, walk.previous.saturating_mul(3), random),
            Self::Spread { percent } => {
                let width = percent_of(delay, percent);
                let (low, high) = (delay.saturating_sub(width), delay.saturating_add(width));
                between(low, high, random)
            }
        }
        .min(cap)
    }
}

/// What the decorrelated walk steps from, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) base: u64,
    /// At least the base.
    pub(super) previous: u64,
}

/// Uniform in `low..=high`.
fn between<R: Random + ?Sized>(low: u64, high: u64, random: &mut R) -> u64 {
    match (high - low).checked_add(1) {
        Some(values) => low + random.below(values),
        None => random.next_u64(),
    }
}

fn percent_of(delay: u64, percent: u8) -> u64 {
    let part = u128::from(delay) * u128::from(percent) / 100;
    u64::try_from(part).unwrap_or(u64::MAX)
}
