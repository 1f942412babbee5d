//! What a policy promises.

/// What a policy does, as far as the conformance suite can test it.
///
/// ```
/// use purlin_lb::{Capabilities, Shares};
///
/// // Of a policy that takes endpoints as it likes.
/// let mine = Capabilities::ANY;
/// assert_eq!(mine.shares, Shares::Unsaid);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Capabilities {
    /// What share of the requests an endpoint gets that come one after the other, each answered
    /// before the next, all alike.
    pub shares: Shares,
    /// Requests with a key go to an endpoint that depends on the key, on the seed and on who is
    /// open, and on nothing else: not on how the membership came about, nor on requests before.
    pub keyed: bool,
    /// Groups have panics of their own, in which they take endpoints that are not open.
    pub own_panic: bool,
}

/// The share of requests that an endpoint gets.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Shares {
    /// The same for all that are open.
    Equal,
    /// In proportion to the weights of those that are open. The relative error that is not luck's:
    /// 0 of a policy whose only error is luck, 0.3 of a ring with few points.
    Weighted(f64),
    /// Whatever the policy likes.
    Unsaid,
}

impl Capabilities {
    /// Of a policy that promises nothing but to find an open endpoint.
    pub const ANY: Self = Self {
        shares: Shares::Unsaid,
        keyed: false,
        own_panic: false,
    };
    /// Of round robin and its kind.
    pub const EQUAL: Self = Self {
        shares: Shares::Equal,
        ..Self::ANY
    };
    /// Of weighted draws and sequences.
    pub const WEIGHTED: Self = Self {
        shares: Shares::Weighted(0.0),
        ..Self::ANY
    };
}
