//! Our limiters, as the lab builds them: so many requests a window, and the defaults otherwise.

use core::time::Duration;

use purlin_ratelimit::{
    Algorithm, ConfigError, FixedWindow, Gcra, Hierarchy, LeakyBucket, Limiter, Locked,
    MultiBandwidth, Quota, Shaper, Shared, SlidingWindowCounter, SlidingWindowLog, Striped,
    TokenBucket,
};

/// A limiter by its name in the crate's registry, with `-` for `_`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    build: fn(u64, Duration) -> Result<Box<dyn Limiter>, ConfigError>,
}

impl Variant {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        VARIANTS.into_iter()
    }

    /// One that admits so many a window.
    pub(super) fn limiter(
        &self,
        limit: u64,
        window: Duration,
    ) -> Result<Box<dyn Limiter>, ConfigError> {
        (self.build)(limit, window)
    }
}

const VARIANTS: [Variant; 14] = [
    Variant {
        name: "gcra",
        build: |limit, window| shared(Gcra::new(Quota::new(limit, window)?)?),
    },
    Variant {
        name: "wide-gcra",
        build: |limit, window| locked(Gcra::wide(Quota::new(limit, window)?)?),
    },
    Variant {
        name: "token-bucket",
        build: |limit, window| shared(TokenBucket::new(Quota::new(limit, window)?)?),
    },
    Variant {
        name: "token-bucket-interval",
        build: |limit, window| {
            shared(TokenBucket::filled_at_intervals(Quota::new(
                limit, window,
            )?)?)
        },
    },
    Variant {
        name: "leaky-bucket",
        build: |limit, window| shared(LeakyBucket::new(Quota::new(limit, window)?)?),
    },
    Variant {
        name: "shaper",
        build: |limit, window| shared(Shaper::new(Quota::new(limit, window)?)?),
    },
    Variant {
        name: "striped",
        build: |limit, window| Ok(Box::new(Striped::new(Quota::new(limit, window)?)?)),
    },
    Variant {
        name: "fixed-window",
        build: |limit, window| shared(FixedWindow::new(limit, window)?),
    },
    Variant {
        name: "sliding-window-log",
        build: |limit, window| locked(SlidingWindowLog::new(limit, window)?),
    },
    Variant {
        name: "sliding-window-counter",
        build: |limit, window| locked(SlidingWindowCounter::wide(limit, window)?),
    },
    Variant {
        name: "sliding-window-counter-4",
        build: |limit, window| {
            locked(SlidingWindowCounter::wide(limit, window)?.with_sub_windows(4)?)
        },
    },
    Variant {
        name: "sliding-window-counter-4-strict",
        build: |limit, window| {
            let rule = SlidingWindowCounter::wide(limit, window)?.with_sub_windows(4)?;
            locked(rule.strict())
        },
    },
    Variant {
        name: "multi-bandwidth",
        // And no more than a tenth of it at once.
        build: |limit, window| {
            let whole = Gcra::new(Quota::new(limit, window)?)?;
            let part = Gcra::new(Quota::new(limit, window)?.with_burst(limit.div_ceil(10))?)?;
            locked(MultiBandwidth::new(if limit == 1 {
                vec![whole]
            } else {
                vec![whole, part]
            })?)
        },
    },
    Variant {
        name: "hierarchy",
        // All of a tenant, and half as much of a user.
        build: |limit, window| {
            let tenant = Shared::new(Gcra::new(Quota::new(limit, window)?)?);
            let user = Shared::new(Gcra::new(Quota::new(limit.div_ceil(2), window)?)?);
            Ok(Box::new(Hierarchy::new(tenant, user)))
        },
    },
];

fn locked<A>(rule: A) -> Result<Box<dyn Limiter>, ConfigError>
where
    A: Algorithm + 'static,
{
    Ok(Box::new(Locked::new(rule)))
}

fn shared<A: Algorithm<State = u64> + 'static>(rule: A) -> Result<Box<dyn Limiter>, ConfigError> {
    Ok(Box::new(Shared::new(rule)))
}

/// Their names.
pub(super) const NAMES: [&str; VARIANTS.len()] = {
    let mut names = [""; VARIANTS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = VARIANTS[at].name;
        at += 1;
    }
    names
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_the_registry_is_here() {
        for variant in purlin_ratelimit::registry::VARIANTS {
            let name = variant.name.replace('_', "-");
            assert!(NAMES.contains(&name.as_str()), "{name}");
        }
    }
}
