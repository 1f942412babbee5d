//! One call of a limiter.

use core::fmt;
use core::time::Duration;

/// A call of one of the methods of a [`Limiter`](crate::Limiter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// `try_acquire_at`.
    TryAcquire {
        /// Its cost.
        cost: u64,
    },
    /// `check_at`.
    Check {
        /// Its cost.
        cost: u64,
    },
    /// `peek_at`.
    Peek {
        /// Its cost.
        cost: u64,
    },
    /// `reserve_at`.
    Reserve {
        /// Its cost.
        cost: u64,
        /// How long it may have to wait.
        max_wait: Duration,
    },
    /// `cancel_at`, of one of the reservations that are not used yet.
    Cancel {
        /// How many were made after it: zero is the latest one.
        back: usize,
    },
    /// `refund_at`.
    Refund {
        /// How much, of which as much is put back as was taken.
        cost: u64,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TryAcquire { cost } => write!(f, "try_acquire of {cost}"),
            Self::Check { cost } => write!(f, "check of {cost}"),
            Self::Peek { cost } => write!(f, "peek of {cost}"),
            Self::Reserve { cost, max_wait } => {
                write!(f, "reserve of {cost}, within {max_wait:?}")
            }
            Self::Cancel { back: 0 } => f.write_str("cancel of the latest reservation"),
            Self::Cancel { back } => write!(f, "cancel of the latest reservation but {back}"),
            Self::Refund { cost } => write!(f, "refund of {cost}"),
        }
    }
}
