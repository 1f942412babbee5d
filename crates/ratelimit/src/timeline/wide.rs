//! Instants as 128-bit units: exact for every rate, until instants end.

use super::{Even, Mark, Shift, Timeline};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use crate::quota::Quota;
use purlin_core::time::Instant;

/// `(now - origin) * multiplier`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WideScale {
    multiplier: u64,
    origin: Instant,
}

impl Even for WideScale {
    /// # Errors
    ///
    /// When the burst takes longer to come than 292 years.
    fn even(quota: &Quota, origin: Instant) -> Result<(Self, u128, u128), ConfigError> {
        let (multiplier, p) = quota.reduced();
        let token = u128::from(p);
        let burst = token * u128::from(quota.burst());
        let room = u128::MAX - u128::from(u64::MAX) * u128::from(multiplier) - 1;
        if burst > room {
            return Err(ConfigError::TooLarge {
                field: "burst",
                value: u128::from(quota.burst()),
                max: room / token,
            });
        }
        Ok((Self { multiplier, origin }, token, burst))
    }
}

impl Timeline for WideScale {
    type Units = u128;

    #[inline]
    fn at(&self, now: Instant) -> (u128, u128) {
        let elapsed = now.as_nanos().saturating_sub(self.origin.as_nanos());
        let units = u128::from(elapsed) * u128::from(self.multiplier);
        (units, units)
    }

    fn mark(&self, units: u128) -> Mark {
        let elapsed = units.div_ceil(u128::from(self.multiplier));
        // What lies where instants have ended has none.
        let (units, shift) = u64::try_from(elapsed).map_or((u64::MAX, 127), |nanos| (nanos, 0));
        Mark {
            origin: self.origin,
            units,
            multiplier: 1,
            shift: Shift::by(shift),
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of("even, wide")
            .and(self.origin.as_nanos())
            .and(self.multiplier)
    }

    fn origin(&self) -> Instant {
        self.origin
    }

    fn horizon(&self) -> Instant {
        Instant::from_nanos(u64::MAX)
    }
}
