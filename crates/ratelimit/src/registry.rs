//! All limiters by name, to choose one at run time: from a configuration or a command line.
//!
//! ```
//! use purlin_ratelimit::registry::{Algorithm, Options, VARIANTS};
//! use purlin_ratelimit::{Instant, Limiter};
//!
//! let algorithm: Algorithm = "gcra".parse()?;
//! let limiter = algorithm.build(&Options::new("5/min burst 2".parse()?))?;
//! let now = Instant::from_secs(1);
//! assert!(limiter.try_acquire_at(now, 2).is_ok());
//! assert!(limiter.try_acquire_at(now, 1).is_err());
//!
//! for variant in VARIANTS {
//!     println!("{:24} {}", variant.name, variant.about);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod options;

pub use options::Options;

use crate::{
    Bound, Capabilities, ConfigError, FixedWindow, Gcra, LeakyBucket, Limiter, Locked,
    MultiBandwidth, Quota, Rule, Shaper, Shared, SlidingWindowCounter, SlidingWindowLog,
    TokenBucket,
};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

/// A limiter of an algorithm that was chosen at run time.
pub type AnyLimiter = Box<dyn Limiter + Send + Sync>;

/// One of the limiters of this crate. Printed, parsed and serialized as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Algorithm {
    /// [`Gcra`] in a word.
    Gcra,
    /// [`Gcra`] in 128 bits, behind a lock.
    WideGcra,
    /// [`TokenBucket`].
    TokenBucket,
    /// [`LeakyBucket`].
    LeakyBucket,
    /// [`Shaper`].
    Shaper,
    /// [`FixedWindow`].
    FixedWindow,
    /// [`SlidingWindowLog`].
    SlidingWindowLog,
    /// [`SlidingWindowCounter`], in 128 bits.
    SlidingWindowCounter,
    /// [`MultiBandwidth`] of one quota.
    MultiBandwidth,
}

/// A row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variant {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Its name, which is that of its file where it has one.
    pub name: &'static str,
    /// What it is and when to take it, in a line.
    pub about: &'static str,
    /// What it promises with nothing but a quota; see [`Algorithm::capabilities`].
    pub capabilities: Capabilities,
    /// The [`Options`] that it has besides the quota, by the names of their fields.
    pub options: &'static [&'static str],
}

/// All limiters, in the order of [`Algorithm`].
pub static VARIANTS: &[Variant] = &[
    Variant {
        algorithm: Algorithm::Gcra,
        name: "gcra",
        about: "a rate and a burst in one atomic word; take it unless you know better",
        capabilities: WORD,
        options: &[],
    },
    Variant {
        algorithm: Algorithm::WideGcra,
        name: "wide_gcra",
        about: "the same, exact for every rate, behind a lock",
        capabilities: Capabilities::BUCKET,
        options: &[],
    },
    Variant {
        algorithm: Algorithm::TokenBucket,
        name: "token_bucket",
        about: "the same as a bucket of tokens, which may come all at once at the end of a period",
        capabilities: WORD,
        options: &["at_intervals"],
    },
    Variant {
        algorithm: Algorithm::LeakyBucket,
        name: "leaky_bucket",
        about: "the same as a bucket that leaks, and tells how full it is",
        capabilities: WORD,
        options: &[],
    },
    Variant {
        algorithm: Algorithm::Shaper,
        name: "shaper",
        about: "a leaky bucket as a queue: whoever waits leaves in turn, evenly spaced",
        capabilities: Capabilities { rule: None, ..WORD },
        options: &["slack"],
    },
    Variant {
        algorithm: Algorithm::FixedWindow,
        name: "fixed_window",
        about: "so many from one full minute to the next, and twice that around it",
        capabilities: Capabilities {
            bound: Bound::Stepped,
            rule: Some(Rule::Stepped),
            ..WINDOW
        },
        options: &[],
    },
    Variant {
        algorithm: Algorithm::SlidingWindowLog,
        name: "sliding_window_log",
        about: "so many in any minute, exactly, by a list of all that were admitted in the last one",
        capabilities: WINDOW,
        options: &[],
    },
    Variant {
        algorithm: Algorithm::SlidingWindowCounter,
        name: "sliding_window_counter",
        about: "about so many in any minute, by the counts of this one and the one before",
        capabilities: Capabilities {
            bound: Bound::SubWindows(1),
            rule: Some(Rule::Counter {
                sub_windows: 1,
                strict: false,
            }),
            ..WINDOW
        },
        options: &[],
    },
    Variant {
        algorithm: Algorithm::MultiBandwidth,
        name: "multi_bandwidth",
        about: "several rates at once; here of one quota",
        // A reservation is booked at a whole nanosecond, each of which may be late.
        capabilities: Capabilities { rule: None, ..WORD },
        options: &[],
    },
];

/// Whether a word rounds depends on the quota.
const WORD: Capabilities = Capabilities {
    exact: false,
    ..Capabilities::BUCKET
};

/// A limit, and no other burst.
const WINDOW: Capabilities = Capabilities {
    bound: Bound::Window,
    rule: Some(Rule::Log),
    bursts: false,
    ..Capabilities::BUCKET
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

    /// What it promises with these options.
    #[must_use]
    pub fn capabilities(self, options: &Options) -> Capabilities {
        let capabilities = self.variant().capabilities;
        match self {
            Self::TokenBucket if options.at_intervals == Some(true) => Capabilities {
                bound: Bound::Stepped,
                rule: Some(Rule::Stepped),
                exact: true,
                ..capabilities
            },
            Self::Gcra | Self::TokenBucket | Self::LeakyBucket | Self::Shaper => Capabilities {
                exact: Gcra::new(options.quota).is_ok_and(|gcra| gcra.is_exact()),
                ..capabilities
            },
            Self::WideGcra
            | Self::MultiBandwidth
            | Self::FixedWindow
            | Self::SlidingWindowLog
            | Self::SlidingWindowCounter => capabilities,
        }
    }

    /// Builds a limiter that nobody used yet, whose clock counts from about now.
    ///
    /// # Errors
    ///
    /// What the algorithm's own constructor refuses, and [`ConfigError::OutOfRange`] for an option
    /// that it does not have.
    pub fn build(self, options: &Options) -> Result<AnyLimiter, ConfigError> {
        options.check(self.variant().options)?;
        let quota = options.quota;
        Ok(match self {
            Self::Gcra => Box::new(Shared::new(Gcra::new(quota)?)),
            Self::WideGcra => Box::new(Locked::new(Gcra::wide(quota)?)),
            Self::TokenBucket if options.at_intervals == Some(true) => {
                Box::new(Shared::new(TokenBucket::filled_at_intervals(quota)?))
            }
            Self::TokenBucket => Box::new(Shared::new(TokenBucket::new(quota)?)),
            Self::LeakyBucket => Box::new(Shared::new(LeakyBucket::new(quota)?)),
            Self::Shaper => {
                let slack = options.slack.unwrap_or(0);
                Box::new(Shared::new(Shaper::new(quota)?.with_slack(slack)?))
            }
            Self::FixedWindow => {
                let (limit, window) = limit_and_window(&quota)?;
                Box::new(Shared::new(FixedWindow::new(limit, window)?))
            }
            Self::SlidingWindowLog => {
                let (limit, window) = limit_and_window(&quota)?;
                Box::new(Locked::new(SlidingWindowLog::new(limit, window)?))
            }
            Self::SlidingWindowCounter => {
                let (limit, window) = limit_and_window(&quota)?;
                Box::new(Locked::new(SlidingWindowCounter::wide(limit, window)?))
            }
            Self::MultiBandwidth => {
                Box::new(Locked::new(MultiBandwidth::new([Gcra::new(quota)?])?))
            }
        })
    }
}

/// What a window takes of a quota.
fn limit_and_window(quota: &Quota) -> Result<(u64, Duration), ConfigError> {
    if quota.burst() == quota.count() {
        return Ok((quota.count(), quota.period()));
    }
    Err(ConfigError::OutOfRange {
        field: "burst",
        expected: "the count: a window has no other burst",
    })
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

/// No limiter has this name.
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
