//! Zone-aware routing: what stays in the zone, and where the rest goes.

/// What a zone sends and what it can take, each in a unit of its own: only proportions count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ZoneCounts {
    /// What comes from the zone: the number of its clients, say.
    pub origin: u64,
    /// What goes to the zone: the number of its endpoints that are available, or their weights.
    pub upstream: u64,
}

/// How the clients of one zone divide their requests over all zones, so that every endpoint
/// everywhere gets the same when the clients of all zones do, and as little as possible leaves its
/// zone.
///
/// Where a zone has at least as large a part of the endpoints as of the clients, all stays. Otherwise
/// the part of the endpoints divided by that of the clients stays, and the rest goes to the zones
/// that have more endpoints than clients, in proportion to how many more. Source: Envoy,
/// `zone_aware.rst`.
///
/// ```
/// use purlin_lb::group::{ZoneCounts, ZoneSplit};
///
/// // Half of the clients are here, but a quarter of the endpoints.
/// let zones = [(2, 1), (1, 1), (1, 2)].map(|(origin, upstream)| ZoneCounts { origin, upstream });
/// let split = ZoneSplit::new(zones, zones[0]).expect("there is somewhere to go");
/// assert_eq!(split.local(), 0.5);
/// assert_eq!(split.cross(zones[1]), 0.0);
/// assert_eq!(split.cross(zones[2]), 0.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZoneSplit {
    origin: u64,
    upstream: u64,
    residual: f64,
    local: f64,
}

impl ZoneSplit {
    /// Of the clients of zone `local`, which is one of all `zones`. `None` where nothing can be said:
    /// there are no clients or no endpoints, or something has to leave the zone and nobody has more
    /// endpoints than clients. Sums beyond `u64` are held at its end. O(zones).
    pub fn new(
        zones: impl IntoIterator<Item = ZoneCounts, IntoIter: Clone>,
        local: ZoneCounts,
    ) -> Option<Self> {
        let zones = zones.into_iter();
        let (mut origin, mut upstream) = (0_u64, 0_u64);
        for zone in zones.clone() {
            origin = origin.saturating_add(zone.origin);
            upstream = upstream.saturating_add(zone.upstream);
        }
        if origin == 0 || upstream == 0 {
            return None;
        }
        let mut split = Self {
            origin,
            upstream,
            residual: 0.0,
            local: 1.0,
        };
        if !split.is_ample(local) {
            split.local = split.endpoints(local) / split.clients(local);
            split.residual = zones.map(|zone| split.spare(zone)).sum();
            if split.residual <= 0.0 {
                return None;
            }
        }
        Some(split)
    }

    /// The part of the requests that stays in the zone.
    #[must_use]
    pub const fn local(&self) -> f64 {
        self.local
    }

    /// The part of the requests that goes to another zone; 0 for the local one.
    #[must_use]
    pub fn cross(&self, zone: ZoneCounts) -> f64 {
        if self.local >= 1.0 {
            return 0.0;
        }
        (1.0 - self.local) * self.spare(zone) / self.residual
    }

    /// Whether a zone has at least its part of the endpoints. In whole numbers: equal parts are equal.
    fn is_ample(&self, zone: ZoneCounts) -> bool {
        u128::from(zone.upstream) * u128::from(self.origin)
            >= u128::from(zone.origin) * u128::from(self.upstream)
    }

    /// The part of the endpoints that nobody in their own zone needs.
    fn spare(&self, zone: ZoneCounts) -> f64 {
        if self.is_ample(zone) {
            (self.endpoints(zone) - self.clients(zone)).max(0.0)
        } else {
            0.0
        }
    }

    fn clients(&self, zone: ZoneCounts) -> f64 {
        zone.origin as f64 / self.origin as f64
    }

    fn endpoints(&self, zone: ZoneCounts) -> f64 {
        zone.upstream as f64 / self.upstream as f64
    }
}
