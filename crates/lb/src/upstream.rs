//! An endpoint as discovery tells of it.

use crate::status::Health;
use alloc::string::String;
use core::num::NonZeroU64;
use purlin_core::node::Weight;
use purlin_hashring::Identity;

/// An endpoint, as configuration or discovery tells of it: the node itself, its weight, zone, priority
/// and health.
///
/// The node is what a caller needs to send a request: an address, a client, an `Arc` of either. Its
/// [`Identity`] makes it the same endpoint from one update to the next.
///
/// ```
/// use purlin_lb::Upstream;
///
/// let upstream = Upstream::new("10.0.0.1:80").weight(3).zone("eu-1a").priority(1);
/// assert_eq!(upstream.weight.get(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Upstream<T> {
    /// The node itself.
    pub node: T,
    /// Its share of requests relative to the others; 1 unless said otherwise, 0 drains it.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub weight: Weight,
    /// Where it stands, for zone-aware routing and failover between sites.
    #[cfg_attr(feature = "serde", serde(default))]
    pub zone: Option<Zone>,
    /// Its level, for [priorities](crate::policy::Priority): 0 is the first to be used.
    #[cfg_attr(feature = "serde", serde(default))]
    pub priority: u8,
    /// What is known of its health as it comes; healthy unless said otherwise. A cluster asks this of
    /// an endpoint that is new to it only.
    #[cfg_attr(feature = "serde", serde(default))]
    pub health: Health,
}

#[cfg(feature = "serde")]
const fn one() -> Weight {
    Weight::ONE
}

impl<T> Upstream<T> {
    /// This node: healthy, with weight 1, in no zone, of the first priority.
    pub const fn new(node: T) -> Self {
        Self {
            node,
            weight: Weight::ONE,
            zone: None,
            priority: 0,
            health: Health::Healthy,
        }
    }

    /// The same with another weight.
    #[must_use]
    pub fn weight(self, weight: impl Into<Weight>) -> Self {
        Self {
            weight: weight.into(),
            ..self
        }
    }

    /// The same in this zone, region or site.
    #[must_use]
    pub fn zone(self, zone: impl Into<Zone>) -> Self {
        Self {
            zone: Some(zone.into()),
            ..self
        }
    }

    /// The same, to begin with this health: unhealthy, say, until a check says otherwise.
    #[must_use]
    pub fn health(self, health: Health) -> Self {
        Self { health, ..self }
    }

    /// The same at another level of priority.
    #[must_use]
    pub fn priority(self, priority: u8) -> Self {
        Self { priority, ..self }
    }
}

impl<T> From<T> for Upstream<T> {
    fn from(node: T) -> Self {
        Self::new(node)
    }
}

/// A zone, region or site: the hash of its name, which is all that routing asks of it. 8 bytes.
///
/// ```
/// use purlin_lb::Zone;
///
/// assert_eq!(Zone::from("eu-1a"), Zone::new("eu-1a"));
/// assert_ne!(Zone::new("eu-1a"), Zone::new("eu-1b"));
/// ```
///
/// With feature `serde` it is read from its name or from the hash that is written for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(NonZeroU64);

impl Zone {
    /// The zone of this name. Stable: XXH3 of the name.
    #[must_use]
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        Self::of_hash(name.as_ref().id().0)
    }

    fn of_hash(hash: u64) -> Self {
        Self(NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN))
    }
}

impl From<&str> for Zone {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Zone {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

#[cfg(feature = "serde")]
mod names {
    use super::Zone;
    use alloc::string::String;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl Serialize for Zone {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }

    /// A name as people write it, or the hash that is written for it.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Name {
        Hash(u64),
        Text(String),
    }

    impl<'de> Deserialize<'de> for Zone {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            if !from.is_human_readable() {
                return u64::deserialize(from).map(Self::of_hash);
            }
            Ok(match Name::deserialize(from)? {
                Name::Hash(hash) => Self::of_hash(hash),
                Name::Text(name) => Self::new(name),
            })
        }
    }
}
