//! All policies by name, to choose one at run time: from a configuration or a command line.
//!
//! ```
//! use purlin_lb::registry::{Options, Policy, VARIANTS};
//! use purlin_lb::{Cluster, Instant, Request, Upstream};
//!
//! let policy: Policy = "round_robin".parse()?;
//! let cluster = Cluster::new(policy.build(&Options::default()), ["a", "b"].map(Upstream::new))?;
//! assert!(cluster.pick_at(Instant::ORIGIN, &Request::new()).is_ok());
//!
//! for variant in VARIANTS {
//!     println!("{:24} {}", variant.name, variant.about);
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use crate::any::AnyBalancer;
use crate::capabilities::{Capabilities, Shares};
use crate::policy::{
    BoundedLoad, EarliestDeadlineFirst, Ewma, Failover, Hashed, LeastRequest, Prequal, Priority,
    Random, RoundRobin, SmoothWeightedRoundRobin, StaticStride, Sticky, WeightedRandom,
    WeightedRoundRobin, ZoneAware, ZoneMap,
};
use crate::upstream::Zone;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// One of the policies of this crate, with its defaults. Printed, parsed and serialized as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Policy {
    /// [`RoundRobin`].
    RoundRobin,
    /// [`Random`].
    Random,
    /// [`WeightedRoundRobin`].
    WeightedRoundRobin,
    /// [`SmoothWeightedRoundRobin`].
    SmoothWeightedRoundRobin,
    /// [`EarliestDeadlineFirst`].
    EarliestDeadlineFirst,
    /// [`StaticStride`].
    StaticStride,
    /// [`WeightedRandom`].
    WeightedRandom,
    /// [`LeastRequest`].
    LeastRequest,
    /// [`Ewma`].
    Ewma,
    /// [`Prequal`]. Its probes cannot be reached through the registry: without answers it is
    /// [`Random`].
    Prequal,
    /// [`Hashed::slot_table`].
    SlotTable,
    /// [`Hashed::ring`].
    Ring,
    /// [`Hashed::maglev`].
    Maglev,
    /// [`Hashed::rendezvous`].
    Rendezvous,
    /// [`BoundedLoad`] over [`Hashed::slot_table`].
    BoundedLoad,
    /// [`Sticky`] over [`WeightedRoundRobin`].
    Sticky,
    /// [`Priority`] over [`WeightedRoundRobin`].
    Priority,
    /// [`ZoneAware`] over [`WeightedRoundRobin`].
    ZoneAware,
    /// [`Failover`] over [`WeightedRoundRobin`], by no latencies.
    Failover,
}

/// A row of the registry.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Variant {
    /// The policy.
    pub policy: Policy,
    /// Its name, which is that of its file where it has one.
    pub name: &'static str,
    /// What it is and when to take it, in a line.
    pub about: &'static str,
    /// What it promises.
    pub capabilities: Capabilities,
}

/// All policies, in the order of [`Policy`].
pub static VARIANTS: &[Variant] = &[
    Variant {
        policy: Policy::RoundRobin,
        name: "round_robin",
        about: "one after the other, whatever their weights",
        capabilities: Capabilities::EQUAL,
    },
    Variant {
        policy: Policy::Random,
        name: "random",
        about: "any, whatever their weights",
        capabilities: Capabilities::EQUAL,
    },
    Variant {
        policy: Policy::WeightedRoundRobin,
        name: "weighted_round_robin",
        about: "as often as weights ask, evenly spread, in constant time",
        capabilities: Capabilities::WEIGHTED,
    },
    Variant {
        policy: Policy::SmoothWeightedRoundRobin,
        name: "smooth_weighted_round_robin",
        about: "nginx's sequence: less than one request off, for some dozens",
        capabilities: Capabilities::WEIGHTED,
    },
    Variant {
        policy: Policy::EarliestDeadlineFirst,
        name: "earliest_deadline_first",
        about: "Envoy's sequence, from a queue of deadlines",
        capabilities: Capabilities::WEIGHTED,
    },
    Variant {
        policy: Policy::StaticStride,
        name: "static_stride",
        about: "gRPC's sequence, by skipping turns",
        capabilities: STRIDE,
    },
    Variant {
        policy: Policy::WeightedRandom,
        name: "weighted_random",
        about: "any, by weight",
        capabilities: Capabilities::WEIGHTED,
    },
    Variant {
        policy: Policy::LeastRequest,
        name: "least_request",
        about: "of a few, the one with the fewest requests in flight",
        capabilities: Capabilities::WEIGHTED,
    },
    Variant {
        policy: Policy::Ewma,
        name: "ewma",
        about: "of a few, the one that is likely to answer first; take it unless you know better",
        capabilities: Capabilities::ANY,
    },
    Variant {
        policy: Policy::Prequal,
        name: "prequal",
        about: "by what servers say of themselves when they are probed",
        capabilities: Capabilities::ANY,
    },
    Variant {
        policy: Policy::SlotTable,
        name: "slot_table",
        about: "by key, by a table: one memory access",
        capabilities: SLOTS,
    },
    Variant {
        policy: Policy::Ring,
        name: "ring",
        about: "by key, by points on a ring",
        capabilities: RING,
    },
    Variant {
        policy: Policy::Maglev,
        name: "maglev",
        about: "by key, by a table with even shares, of which more moves",
        capabilities: SLOTS,
    },
    Variant {
        policy: Policy::Rendezvous,
        name: "rendezvous",
        about: "by key, by the highest of as many hashes as endpoints",
        capabilities: SLOTS,
    },
    Variant {
        policy: Policy::BoundedLoad,
        name: "bounded_load",
        about: "by key, but no endpoint far above its share",
        capabilities: SLOTS,
    },
    Variant {
        policy: Policy::Sticky,
        name: "sticky",
        about: "sessions stay where they are, others by `weighted_round_robin`",
        capabilities: Capabilities::WEIGHTED,
    },
    Variant {
        policy: Policy::Priority,
        name: "priority",
        about: "the first level of endpoints, and the next as far as that cannot",
        capabilities: GROUPS,
    },
    Variant {
        policy: Policy::ZoneAware,
        name: "zone_aware",
        about: "the endpoints of its own zone, as far as that has room",
        capabilities: Capabilities::WEIGHTED,
    },
    Variant {
        policy: Policy::Failover,
        name: "failover",
        about: "the nearest site that works, and back again when it has for a while",
        capabilities: Capabilities::ANY,
    },
];

/// Weights are rounded to a part in 65,535 of the largest.
const STRIDE: Capabilities = Capabilities {
    shares: Shares::Weighted(0.01),
    ..Capabilities::ANY
};

/// Of policies that are hashed: shares of keys, of which some get more than others.
const SLOTS: Capabilities = Capabilities {
    shares: Shares::Weighted(0.1),
    keyed: true,
    ..Capabilities::ANY
};

const RING: Capabilities = Capabilities {
    shares: Shares::Weighted(0.4),
    ..SLOTS
};

/// Its levels panic on their own. With one level, requests spread by weight, but in a panic.
const GROUPS: Capabilities = Capabilities {
    own_panic: true,
    ..Capabilities::ANY
};

/// What a policy of the registry can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Options {
    /// The same picks each time; of this process unless said otherwise.
    pub seed: Option<u64>,
    /// The zone this process is in, for [`Policy::ZoneAware`]. Of none, it is as far from all.
    pub zone: Option<Zone>,
}

impl Options {
    /// With this seed, and nothing else.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self {
            seed: Some(seed),
            zone: None,
        }
    }
}

impl Policy {
    /// Its row in the registry.
    #[must_use]
    pub fn variant(self) -> &'static Variant {
        // The rows are in the order of the enum: tested.
        &VARIANTS[self as usize]
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.variant().name
    }

    /// The policy with its defaults.
    #[must_use]
    pub fn build(self, options: &Options) -> AnyBalancer {
        let seed = options.seed.unwrap_or_else(crate::sampling::entropy);
        let inner = || WeightedRoundRobin::seeded(seed);
        match self {
            Self::RoundRobin => AnyBalancer::new(RoundRobin::from(seed >> 8)),
            Self::Random => AnyBalancer::new(Random::seeded(seed)),
            Self::WeightedRoundRobin => AnyBalancer::new(WeightedRoundRobin::seeded(seed)),
            Self::SmoothWeightedRoundRobin => AnyBalancer::new(SmoothWeightedRoundRobin::new()),
            Self::EarliestDeadlineFirst => AnyBalancer::new(EarliestDeadlineFirst::seeded(seed)),
            Self::StaticStride => AnyBalancer::new(StaticStride::seeded(seed)),
            Self::WeightedRandom => AnyBalancer::new(WeightedRandom::seeded(seed)),
            Self::LeastRequest => AnyBalancer::new(LeastRequest::seeded(seed)),
            Self::Ewma => AnyBalancer::new(Ewma::seeded(seed)),
            Self::Prequal => AnyBalancer::new(Prequal::seeded(seed)),
            Self::SlotTable => AnyBalancer::new(Hashed::slot_table().seeded(seed)),
            Self::Ring => AnyBalancer::new(Hashed::ring().seeded(seed)),
            Self::Maglev => AnyBalancer::new(Hashed::maglev().seeded(seed)),
            Self::Rendezvous => AnyBalancer::new(Hashed::rendezvous().seeded(seed)),
            Self::BoundedLoad => {
                AnyBalancer::new(BoundedLoad::new(Hashed::slot_table().seeded(seed)))
            }
            Self::Sticky => AnyBalancer::new(Sticky::new(inner())),
            Self::Priority => AnyBalancer::new(Priority::seeded(inner(), seed)),
            Self::ZoneAware => {
                let zone = options.zone.unwrap_or_else(|| Zone::new(""));
                AnyBalancer::new(ZoneAware::seeded(zone, inner(), seed))
            }
            Self::Failover => AnyBalancer::new(Failover::seeded(ZoneMap::new(), inner(), seed)),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        let same = |known: &str| {
            known
                .chars()
                .eq(name.chars().map(|c| if c == '-' { '_' } else { c }))
        };
        match VARIANTS.iter().find(|variant| same(variant.name)) {
            Some(variant) => Ok(variant.policy),
            None => Err(UnknownPolicy { name: name.into() }),
        }
    }
}

/// No policy has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownPolicy {
    /// What was asked for.
    pub name: String,
}

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no policy {:?}; there are ", self.name)?;
        for (at, variant) in VARIANTS.iter().enumerate() {
            let separator = if at > 0 { ", " } else { "" };
            write!(f, "{separator}{}", variant.name)?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownPolicy {}
