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
use crate::policy::{
    Adaptive, Arc, Clock, Fifo, Lfu, Lirs, Lru, Policy, Random, S3Fifo, Sieve, Slru, TinyLfu, TwoQ,
    WTinyLfu,
};
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
    /// [`Adaptive`].
    Adaptive,
    /// [`Fifo`].
    Fifo,
    /// [`Lru`].
    Lru,
    /// [`Slru`].
    Slru,
    /// [`Clock`] of one bit.
    Clock,
    /// [`Sieve`].
    Sieve,
    /// [`Lfu`] without aging.
    Lfu,
    /// [`TwoQ`].
    TwoQ,
    /// [`S3Fifo`].
    S3Fifo,
    /// [`Arc`].
    Arc,
    /// [`Lirs`].
    Lirs,
    /// [`TinyLfu`].
    TinyLfu,
    /// [`WTinyLfu`] whose window finds its size.
    WTinyLfu,
    /// [`Random`].
    Random,
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
pub static VARIANTS: &[Variant] = &[
    Variant {
        algorithm: Algorithm::Adaptive,
        name: "adaptive",
        about: "the default: newcomers fight for their place by frequency, and how much room they have before is learned",
        capabilities: ADAPTIVE,
    },
    Variant {
        algorithm: Algorithm::Fifo,
        name: "fifo",
        about: "what came first leaves first, used or not; the cheapest, where all entries grow stale alike",
        capabilities: Capabilities {
            shares_hits: true,
            hot_key_stays: false,
            ..ORDERED
        },
    },
    Variant {
        algorithm: Algorithm::Lru,
        name: "lru",
        about: "what was not used for the longest leaves; simple and predictable, and lost in scans and loops",
        capabilities: ORDERED,
    },
    Variant {
        algorithm: Algorithm::Slru,
        name: "slru",
        about: "LRU in two segments: a scan passes, and what was used twice stays",
        capabilities: ORDERED,
    },
    Variant {
        algorithm: Algorithm::Clock,
        name: "clock",
        about: "FIFO with a second chance: near LRU, and hits are cheap",
        capabilities: SECOND_CHANCE,
    },
    Variant {
        algorithm: Algorithm::Sieve,
        name: "sieve",
        about: "FIFO with a hand that spares what was used; for skewed and steady popularity, as of web pages",
        capabilities: SECOND_CHANCE,
    },
    Variant {
        algorithm: Algorithm::Lfu,
        name: "lfu",
        about: "what was used the fewest times leaves; for popularity that never changes",
        capabilities: ORDERED,
    },
    Variant {
        algorithm: Algorithm::TwoQ,
        name: "two_q",
        about: "FIFO for newcomers, LRU for those that come back soon after they left; scans pass",
        capabilities: TWO_Q,
    },
    Variant {
        algorithm: Algorithm::S3Fifo,
        name: "s3_fifo",
        about: "a small FIFO for newcomers before CLOCK: what was not used in it leaves early; for web pages",
        capabilities: S3_FIFO,
    },
    Variant {
        algorithm: Algorithm::Arc,
        name: "arc",
        about: "LRU for what was used once and for what was used twice, whose shares follow the misses that each would have spared",
        capabilities: ARC,
    },
    Variant {
        algorithm: Algorithm::Lirs,
        name: "lirs",
        about: "what comes back soonest stays, by the time between its last two uses; for loops and scans of disk blocks",
        capabilities: LIRS,
    },
    Variant {
        algorithm: Algorithm::TinyLfu,
        name: "tiny_lfu",
        about: "LRU that admits only what was asked for more often than what would leave; for steady popularity",
        capabilities: TINY_LFU,
    },
    Variant {
        algorithm: Algorithm::WTinyLfu,
        name: "w_tiny_lfu",
        about: "TinyLFU behind a window that admits all and finds its size by trial; Caffeine's policy",
        capabilities: W_TINY_LFU,
    },
    Variant {
        algorithm: Algorithm::Random,
        name: "random",
        about: "anything leaves; the yardstick",
        capabilities: RANDOM,
    },
];

/// An order of the entries that is changed by every hit.
const ORDERED: Capabilities = Capabilities {
    exact_order: true,
    ignores_slots: true,
    hot_key_stays: true,
    ..Capabilities::NONE
};

/// A hit leaves a mark, which a hand finds.
const SECOND_CHANCE: Capabilities = Capabilities {
    shares_hits: true,
    ..ORDERED
};

/// A hit on a newcomer counts for nothing.
const TWO_Q: Capabilities = Capabilities {
    remembers: true,
    hot_key_stays: false,
    ..ORDERED
};

/// What learns may change its mind about who leaves next.
const ADAPTIVE: Capabilities = Capabilities {
    shares_hits: true,
    remembers: true,
    adapts: true,
    hot_key_stays: true,
    ..Capabilities::NONE
};

/// Which queue is asked first depends on what comes in until then.
const S3_FIFO: Capabilities = Capabilities {
    remembers: true,
    exact_order: false,
    ..SECOND_CHANCE
};

const ARC: Capabilities = Capabilities {
    remembers: true,
    adapts: true,
    ..ORDERED
};

const LIRS: Capabilities = Capabilities {
    remembers: true,
    ..ORDERED
};

const TINY_LFU: Capabilities = Capabilities {
    rejects: true,
    remembers: true,
    ..ORDERED
};

/// Newcomers come into the window; one that leaves it fights then.
const W_TINY_LFU: Capabilities = Capabilities {
    remembers: true,
    adapts: true,
    ignores_slots: true,
    ..Capabilities::NONE
};

const RANDOM: Capabilities = Capabilities {
    shares_hits: true,
    ignores_slots: true,
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

    /// What it promises.
    #[must_use]
    pub fn capabilities(self) -> Capabilities {
        self.variant().capabilities
    }

    /// Builds the policy for so many entries, with the parameters of its literature. Equal seeds make equal choices; most
    /// policies make no use of theirs.
    #[must_use]
    pub fn build(self, capacity: usize, seed: u64) -> AnyPolicy {
        match self {
            Self::Adaptive => Box::new(Adaptive::new(capacity)),
            Self::Fifo => Box::new(Fifo::new(capacity)),
            Self::Lru => Box::new(Lru::new(capacity)),
            Self::Slru => Box::new(Slru::new(capacity)),
            Self::Clock => Box::new(Clock::new(capacity)),
            Self::Sieve => Box::new(Sieve::new(capacity)),
            Self::Lfu => Box::new(Lfu::new(capacity)),
            Self::TwoQ => Box::new(TwoQ::new(capacity)),
            Self::S3Fifo => Box::new(S3Fifo::new(capacity)),
            Self::Arc => Box::new(Arc::new(capacity)),
            Self::Lirs => Box::new(Lirs::new(capacity)),
            Self::TinyLfu => Box::new(TinyLfu::with_seed(capacity, seed)),
            Self::WTinyLfu => Box::new(WTinyLfu::with_seed(capacity, seed)),
            Self::Random => Box::new(Random::with_seed(capacity, seed)),
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
