//! All algorithms by name, to choose one at run time: from a configuration, a command line, a
//! snapshot.
//!
//! ```
//! use purlin_hashring::registry::{Algorithm, Options, VARIANTS};
//! use purlin_hashring::{BuildError, Membership, PlacementExt};
//!
//! let algorithm: Algorithm = "rendezvous".parse()?;
//! let mut options = Options::default();
//! options.seed = 7;
//!
//! let nodes = algorithm.build(&options, ["a", "b", "c"])?;
//! assert!(nodes.node_of("user:42").is_some());
//!
//! // All that know weights, whichever there are.
//! for variant in VARIANTS.iter().filter(|variant| variant.capabilities.weighted) {
//!     println!("{:12} {}", variant.name, variant.about);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod options;
mod registered;
mod snapshot;

pub use options::Options;
pub use registered::Registered;
pub use snapshot::{RestoreError, Snapshot};

use crate::bucket::{Flip, Jump};
use crate::error::BuildError;
use crate::member::{Identity, IntoMember};
use crate::roster::Roster;
use crate::{
    AnchorBuilder, BucketsBuilder, Capabilities, MaglevBuilder, MementoBuilder, RendezvousBuilder,
    RingBuilder, SlotTableBuilder,
};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use purlin_core::node::Epoch;

/// A placement of an algorithm that was chosen at run time.
pub type AnyPlacement<T> = Box<dyn Registered<Node = T> + Send + Sync>;

/// One of the algorithms of this crate. Printed, parsed and serialized as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Algorithm {
    /// [`SlotTable`](crate::SlotTable).
    SlotTable,
    /// [`Ring`](crate::Ring).
    Ring,
    /// [`Rendezvous`](crate::Rendezvous).
    Rendezvous,
    /// [`Maglev`](crate::Maglev).
    Maglev,
    /// [`Buckets`](crate::Buckets) by [`bucket::flip`](crate::bucket::flip).
    Flip,
    /// [`Buckets`](crate::Buckets) by [`bucket::jump`](crate::bucket::jump).
    Jump,
    /// [`Memento`](crate::Memento).
    Memento,
    /// [`Anchor`](crate::Anchor).
    Anchor,
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
    /// What it promises with its default options; see [`Algorithm::capabilities`].
    pub capabilities: Capabilities,
    /// The [`Options`] that it has besides the seed, by the names of their fields.
    pub options: &'static [&'static str],
}

/// All algorithms, in the order of [`Algorithm`].
pub static VARIANTS: &[Variant] = &[
    Variant {
        algorithm: Algorithm::SlotTable,
        name: "slot_table",
        about: "a table of slots filled by rendezvous: a lookup is one access; take it unless you know better",
        capabilities: Capabilities::ALL,
        options: &["slots", "replicas", "max_overload_percent"],
    },
    Variant {
        algorithm: Algorithm::Ring,
        name: "ring",
        about: "virtual nodes on a circle: weighted, minimal, and what moves is a list of ranges",
        capabilities: Capabilities::ALL,
        options: &["points_per_weight", "max_points"],
    },
    Variant {
        algorithm: Algorithm::Rendezvous,
        name: "rendezvous",
        about: "every node competes for every key: even and without tables, for some dozens of nodes",
        capabilities: Capabilities {
            ranged: false,
            ..Capabilities::ALL
        },
        options: &[],
    },
    Variant {
        algorithm: Algorithm::Maglev,
        name: "maglev",
        about: "the table of Google's balancer: very even; moves more than it must",
        capabilities: Capabilities {
            weighted: true,
            drain: true,
            arbitrary_removal: true,
            history_independent: true,
            ranged: true,
            spread: true,
            ..Capabilities::NONE
        },
        options: &["table_size"],
    },
    Variant {
        algorithm: Algorithm::Flip,
        name: "flip",
        about: "arithmetic without state, for numbered buckets; the last node added leaves first",
        capabilities: BUCKETS,
        options: &[],
    },
    Variant {
        algorithm: Algorithm::Jump,
        name: "jump",
        about: "the same by jump consistent hashing, slower: where other systems place by it",
        capabilities: BUCKETS,
        options: &[],
    },
    Variant {
        algorithm: Algorithm::Memento,
        name: "memento",
        about: "flip, with a memory of the nodes that left: any node may, and their number is open",
        capabilities: Capabilities {
            arbitrary_removal: true,
            ..BUCKETS
        },
        options: &[],
    },
    Variant {
        algorithm: Algorithm::Anchor,
        name: "anchor",
        about: "a fixed capacity of which many nodes may be gone without a loss of speed",
        capabilities: Capabilities {
            arbitrary_removal: true,
            ..BUCKETS
        },
        options: &["capacity"],
    },
];

/// Nodes are numbered in the order in which they come, and that decides.
const BUCKETS: Capabilities = Capabilities {
    minimal_add: true,
    minimal_remove: true,
    spread: true,
    ..Capabilities::NONE
};

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

    /// What it promises with these options: a limit on what a node may own costs the minimal
    /// movement.
    #[must_use]
    pub fn capabilities(self, options: &Options) -> Capabilities {
        let capabilities = self.variant().capabilities;
        if options.max_overload_percent.is_none() {
            return capabilities;
        }
        Capabilities {
            minimal_add: false,
            minimal_remove: false,
            minimal_replicas: false,
            ..capabilities
        }
    }

    /// Builds a placement by this algorithm.
    ///
    /// # Errors
    ///
    /// What the algorithm's own builder refuses, and [`BuildError::Option`] for an option that it
    /// does not have.
    pub fn build<T: Identity + Send + Sync + 'static>(
        self,
        options: &Options,
        members: impl IntoIterator<Item: IntoMember<Node = T>>,
    ) -> Result<AnyPlacement<T>, BuildError> {
        self.over(options, Roster::of(members)?, Epoch::default())
    }

    /// Over members that have their indices and an epoch already.
    pub(crate) fn over<T: Identity + Send + Sync + 'static>(
        self,
        options: &Options,
        roster: Roster<T>,
        epoch: Epoch,
    ) -> Result<AnyPlacement<T>, BuildError> {
        self.check_options(options)?;
        Ok(match self {
            Self::SlotTable => Box::new(SlotTableBuilder::from(options).over(roster, epoch)?),
            Self::Ring => Box::new(RingBuilder::from(options).over(roster, epoch)?),
            Self::Rendezvous => Box::new(RendezvousBuilder::from(options).over(roster, epoch)?),
            Self::Maglev => Box::new(MaglevBuilder::from(options).over(roster, epoch)?),
            Self::Flip => Box::new(BucketsBuilder::<Flip>::from(options).over(roster, epoch)?),
            Self::Jump => Box::new(BucketsBuilder::<Jump>::from(options).over(roster, epoch)?),
            Self::Memento => Box::new(MementoBuilder::from(options).over(roster, epoch)?),
            Self::Anchor => Box::new(AnchorBuilder::from(options).over(roster, epoch)?),
        })
    }

    pub(crate) fn check_options(self, options: &Options) -> Result<(), BuildError> {
        let known = self.variant().options;
        match options.set().find(|name| !known.contains(name)) {
            Some(option) => Err(BuildError::NoSuchOption {
                option,
                algorithm: self.name(),
            }),
            None => Ok(()),
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

/// No algorithm has this name.
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
