//! Our limiters, as the lab builds them: so many requests a window, and the defaults otherwise.

use core::time::Duration;

use purlin_ratelimit::{
    Algorithm, ConfigError, Gcra, Hierarchy, LeakyBucket, Limiter, Locked, MultiBandwidth, Quota,
    Shaper, Shared, TokenBucket,
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

const VARIANTS: [Variant; 7] = [
    Variant {
        name: "gcra",
        build: |limit, window| shared(Gcra::new(Quota::new(limit, window)?)?),
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
        name: "multi-bandwidth",
        // And no more than a tenth of it at once.
        build: |limit, window| {
            let whole = Gcra::new(Quota::new(limit, window)?)?;
            let part = Gcra::new(Quota::new(limit, window)?.with_burst(limit.div_ceil(10))?)?;
            let rule = MultiBandwidth::new(if limit == 1 {
                vec![whole]
            } else {
                vec![whole, part]
            })?;
            Ok(Box::new(Locked::new(rule)))
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
