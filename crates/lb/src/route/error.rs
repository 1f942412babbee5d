//! What is refused, and what leads nowhere.

use super::paths::Allowed;
use core::fmt;

/// Why a route was refused. The table is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// Requests could match this one and another that is there, and neither goes before the other.
    #[error("the route {route} conflicts with {with}")]
    Conflict {
        /// The route.
        route: String,
        /// One that it conflicts with.
        with: String,
    },
    /// A path that is no pattern.
    #[error("{path:?} is no pattern of paths: {expected}")]
    InvalidPath {
        /// The path.
        path: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A host that is no name, or that has a `*` in other places than as its first label.
    #[error("{host:?} is no host: a name, an address, or `*.` and a name, without a port")]
    InvalidHost {
        /// The host.
        host: String,
    },
    /// A method that is no token.
    #[error("{method:?} is no method")]
    InvalidMethod {
        /// The method.
        method: String,
    },
}

/// A route that was not added, and why.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RefusedRoute<T> {
    /// Why.
    pub error: RouteError,
    /// What it was to lead to.
    pub value: T,
}

impl<T> fmt::Debug for RefusedRoute<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedRoute")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRoute<'t> {
    /// No path matches: status 404.
    #[error("no route has this path")]
    NotFound,
    /// The path matches, but with other methods: status 405, with these in the field `Allow`.
    #[error("the path has no such method, only {allowed}")]
    MethodNotAllowed {
        /// The methods it has.
        allowed: Allowed<'t>,
    },
}
