//! Our limiters, as the lab builds them: so many requests a window, and the defaults otherwise.

use core::time::Duration;

use purlin_ratelimit::{ConfigError, Gcra, Limiter, Quota, Shared};

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

const VARIANTS: [Variant; 1] = [Variant {
    name: "gcra",
    build: |limit, window| {
        Ok(Box::new(Shared::new(Gcra::new(Quota::new(
            limit, window,
        )?)?)))
    },
}];

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
