//! All policies by name, to choose one at run time: from a configuration or a command line.
//!
//! ```
//! use purlin_lb::registry::{Policy, VARIANTS};
//! use purlin_lb::{Cluster, Instant, Request, Upstream};
//!
//! let policy: Policy = "round_robin".parse()?;
//! let cluster = Cluster::new(policy.build(None), ["a", "b"].map(Upstream::new))?;
//! assert!(cluster.pick_at(Instant::ORIGIN, &Request::new()).is_ok());
//!
//! for variant in VARIANTS {
//!     println!("{:24} {}", variant.name, variant.about);
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use crate::any::AnyBalancer;
use crate::capabilities::Capabilities;
use crate::policy::{Random, RoundRobin};
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
];

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

    /// The policy with its defaults; with a seed, the same picks each time.
    #[must_use]
    pub fn build(self, seed: Option<u64>) -> AnyBalancer {
        let seed = seed.unwrap_or_else(crate::policy::entropy);
        match self {
            Self::RoundRobin => AnyBalancer::new(RoundRobin::from(seed >> 8)),
            Self::Random => AnyBalancer::new(Random::seeded(seed)),
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
