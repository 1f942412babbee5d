//! What is refused, and why.

use crate::upstream::Upstream;
use core::fmt;
use purlin_core::node::NodeId;

/// Why no endpoint was picked. Nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The cluster has no endpoint.
    #[error("there are no endpoints")]
    Empty,
    /// None takes requests: each is drained (by its weight of 0, too), or unhealthy or ejected
    /// without a panic.
    #[error("no endpoint takes requests")]
    Closed,
    /// Some do, but none that this request may go to: they are excluded, or it has no key and the
    /// policy needs one.
    #[error("no endpoint is left for this request")]
    Unsuitable,
}

/// Why an update was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// An endpoint of that identity is there already.
    #[error("endpoint {id} is there already")]
    Duplicate {
        /// The identity.
        id: NodeId,
    },
    /// No endpoint has that identity.
    #[error("no endpoint is {id}")]
    Unknown {
        /// The identity.
        id: NodeId,
    },
    /// As many endpoints as a cluster can have.
    #[error("a cluster has at most {max} endpoints")]
    Full {
        /// The most.
        max: usize,
    },
}

/// An endpoint that was not added, and why.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{error}")]
pub struct Refused<T> {
    /// Why.
    pub error: UpdateError,
    /// It comes back.
    pub upstream: Upstream<T>,
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// A value from which nothing can be made. It names the field and the bound.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number or a duration that must be above zero is zero.
    #[error("{field} must be above zero")]
    Zero {
        /// The field, by the name of the argument.
        field: &'static str,
    },
    /// A number that is not one, is infinite, or lies outside of its range.
    #[error("{field} must be {expected}")]
    OutOfRange {
        /// The field, by the name of the argument.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}
