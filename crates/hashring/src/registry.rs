//! All algorithms by name, to choose one at run time: from a configuration, a command line, a snapshot.
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

use crate::bucket::{Flip, Jump};
use crate::error::BuildError;
use crate::member::{Identity, IntoMember};
use crate::membership::Membership;
use crate::{Anchor, Buckets, Capabilities, Maglev, Memento, Rendezvous, Ring, SlotTable};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// A placement of an algorithm that was chosen at run time.
pub type AnyPlacement<T> = Box<dyn Membership<Node = T> + Send + Sync>;

/// One of the algorithms of this crate. Printed, parsed and serialized as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Algorithm {
    /// [`SlotTable`].
    SlotTable,
    /// [`Ring`].
    Ring,
    /// [`Rendezvous`].
    Rendezvous,
    /// [`Maglev`].
    Maglev,
    /// [`Buckets`] by [`bucket::flip`](crate::bucket::flip).
    Flip,
    /// [`Buckets`] by [`bucket::jump`](crate::bucket::jump).
    Jump,
    /// [`Memento`].
    Memento,
    /// [`Anchor`].
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
    ..Capabilities::NONE
};

/// The options of all algorithms. An algorithm takes its defaults for those that are not set, and
/// refuses those that it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Options {
    /// Another seed, another placement. All machines must use the same.
    pub seed: u64,
    /// How many slots there are, a power of two: `slot_table`.
    pub slots: Option<u32>,
    /// How many replicas of a slot are at hand: `slot_table`.
    pub replicas: Option<u32>,
    /// How many percent over its share a node may own: `slot_table`. With a limit, changes move more
    /// than they must.
    pub max_overload_percent: Option<u32>,
    /// Virtual nodes of a node of weight 1: `ring`.
    pub points_per_weight: Option<u32>,
    /// How many virtual nodes there can be: `ring`.
    pub max_points: Option<u32>,
    /// How many slots there are, a prime: `maglev`.
    pub table_size: Option<u64>,
    /// How many nodes there can be: `anchor`.
    pub capacity: Option<u32>,
}

impl Options {
    /// Those that are set, beside the seed.
    fn set(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("slots", self.slots.map(u64::from)),
            ("replicas", self.replicas.map(u64::from)),
            (
                "max_overload_percent",
                self.max_overload_percent.map(u64::from),
            ),
            ("points_per_weight", self.points_per_weight.map(u64::from)),
            ("max_points", self.max_points.map(u64::from)),
            ("table_size", self.table_size),
            ("capacity", self.capacity.map(u64::from)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

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

    /// What it promises with these options: a limit on what a node may own costs the minimal movement.
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
    /// What the algorithm's own builder refuses, and [`BuildError::Option`] for an option that it does
    /// not have.
    pub fn build<T: Identity + Send + Sync + 'static>(
        self,
        options: &Options,
        members: impl IntoIterator<Item: IntoMember<Node = T>>,
    ) -> Result<AnyPlacement<T>, BuildError> {
        self.check_options(options)?;
        let seed = options.seed;
        Ok(match self {
            Self::SlotTable => {
                let mut table = SlotTable::builder().seed(seed);
                if let Some(slots) = options.slots {
                    table = table.slots(slots as usize);
                }
                if let Some(replicas) = options.replicas {
                    table = table.replicas(replicas as usize);
                }
                if let Some(percent) = options.max_overload_percent {
                    table = table.max_overload_percent(percent);
                }
                Box::new(table.build(members)?)
            }
            Self::Ring => {
                let mut ring = Ring::builder().seed(seed);
                if let Some(points) = options.points_per_weight {
                    ring = ring.points_per_weight(points);
                }
                if let Some(points) = options.max_points {
                    ring = ring.max_points(points);
                }
                Box::new(ring.build(members)?)
            }
            Self::Rendezvous => Box::new(Rendezvous::builder().seed(seed).build(members)?),
            Self::Maglev => {
                let mut maglev = Maglev::builder().seed(seed);
                if let Some(size) = options.table_size {
                    maglev = maglev.table_size(size);
                }
                Box::new(maglev.build(members)?)
            }
            Self::Flip => Box::new(
                Buckets::builder()
                    .seed(seed)
                    .hash::<Flip>()
                    .build(members)?,
            ),
            Self::Jump => Box::new(
                Buckets::builder()
                    .seed(seed)
                    .hash::<Jump>()
                    .build(members)?,
            ),
            Self::Memento => Box::new(Memento::builder().seed(seed).build(members)?),
            Self::Anchor => {
                let mut anchor = Anchor::builder().seed(seed);
                if let Some(capacity) = options.capacity {
                    anchor = anchor.capacity(capacity);
                }
                Box::new(anchor.build(members)?)
            }
        })
    }

    fn check_options(self, options: &Options) -> Result<(), BuildError> {
        let known = self.variant().options;
        match options.set().find(|(name, _)| !known.contains(name)) {
            Some((option, value)) => Err(BuildError::Option {
                option,
                value,
                bound: "this algorithm has no such option",
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
        match VARIANTS.iter().find(|variant| variant.name == name) {
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
