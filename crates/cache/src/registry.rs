//! All policies by name, to choose one at run time: from a configuration or a command line.
//!
//! ```
//! use purlin_cache::policy::{Policy, Slot};
//! use purlin_cache::registry::{Algorithm, VARIANTS};
//!
//! let algorithm: Algorithm = "lru".parse()?;
//! let mut policy = algorithm.build(1_000, 42);
//! policy.miss(7);
//! policy.insert(Slot(0), 7);
//! assert_eq!(policy.evict(), Some(Slot(0)));
//!
//! for variant in VARIANTS {
//!     println!("{:12} {}", variant.name, variant.about);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::Capabilities;
use crate::policy::{Lru, Policy};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// A policy that was chosen at run time.
pub type AnyPolicy = Box<dyn Policy + Send + Sync>;

/// One of the policies of this crate. Printed, parsed and serialized as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Algorithm {
    /// [`Lru`].
    Lru,
}

/// A row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variant {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Its name, which is that of its file.
    pub name: &'static str,
    /// What it is and when to take it, in a line.
    pub about: &'static str,
    /// What it promises.
    pub capabilities: Capabilities,
}

/// All policies, in the order of [`Algorithm`].
pub static VARIANTS: &[Variant] = &[Variant {
    algorithm: Algorithm::Lru,
    name: "lru",
    about: "the entry whose last use is the longest ago leaves; simple and predictable, and lost in scans and loops",
    capabilities: Capabilities {
        exact_order: true,
        ignores_slots: true,
        hot_key_stays: true,
        ..Capabilities::NONE
    },
}];

impl Algorithm {
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

    /// What it promises.
    #[must_use]
    pub fn capabilities(self) -> Capabilities {
        self.variant().capabilities
    }

    /// Builds the policy for so many entries, with the parameters of its literature. Equal seeds make equal choices; most
    /// policies make no use of theirs.
    #[must_use]
    pub fn build(self, capacity: usize, seed: u64) -> AnyPolicy {
        let _ = seed;
        match self {
            Self::Lru => Box::new(Lru::new(capacity)),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let same = |known: &str| {
            known
                .chars()
                .eq(name.chars().map(|c| if c == '-' { '_' } else { c }))
        };
        match VARIANTS.iter().find(|variant| same(variant.name)) {
            Some(variant) => Ok(variant.algorithm),
            None => Err(UnknownAlgorithm { name: name.into() }),
        }
    }
}

/// No policy has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownAlgorithm {
    /// What was asked for.
    pub name: String,
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no algorithm {:?}; there are ", self.name)?;
        for (at, variant) in VARIANTS.iter().enumerate() {
            let separator = if at > 0 { ", " } else { "" };
            write!(f, "{separator}{}", variant.name)?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownAlgorithm {}
