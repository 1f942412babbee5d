//! What a policy may know of a request.

use purlin_core::hash::{KeyHash, KeyHasher, Xxh3};
use purlin_core::node::NodeId;

/// What there is to know of a request before it is sent: nothing, for most policies.
///
/// ```
/// use purlin_lb::{NodeId, Request};
///
/// let plain = Request::new();
/// let of_user = Request::new().key("user:42");
/// let failed = [NodeId(7)];
/// let retry = of_user.exclude(&failed);
/// assert!(retry.excludes(NodeId(7)) && !plain.excludes(NodeId(7)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    key: Option<KeyHash>,
    sticky: Option<NodeId>,
    exclude: &'a [NodeId],
}

impl<'a> Request<'a> {
    /// A request of which nothing is said.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            key: None,
            sticky: None,
            exclude: &[],
        }
    }

    /// The same with a key: equal keys go to one endpoint, by the policies that hash.
    #[must_use]
    pub fn key(self, key: impl AsRef<[u8]>) -> Self {
        self.key_hash(Xxh3::new().hash_bytes(key.as_ref()))
    }

    /// The same with the hash of its key.
    #[must_use]
    pub const fn key_hash(self, hash: KeyHash) -> Self {
        Self {
            key: Some(hash),
            ..self
        }
    }

    /// The same with the endpoint its session belongs to, for [`Sticky`](crate::policy::Sticky).
    #[must_use]
    pub const fn sticky(self, endpoint: NodeId) -> Self {
        Self {
            sticky: Some(endpoint),
            ..self
        }
    }

    /// The same, but not to these endpoints: those that already failed it or that a hedged copy of it
    /// is at.
    #[must_use]
    pub const fn exclude(self, endpoints: &'a [NodeId]) -> Self {
        Self {
            exclude: endpoints,
            ..self
        }
    }

    /// The hash of its key.
    #[must_use]
    #[inline]
    pub const fn hash(&self) -> Option<KeyHash> {
        self.key
    }

    /// The endpoint its session belongs to.
    #[must_use]
    #[inline]
    pub const fn session(&self) -> Option<NodeId> {
        self.sticky
    }

    /// Whether it must not go to this endpoint. O(excluded).
    #[must_use]
    #[inline]
    pub fn excludes(&self, endpoint: NodeId) -> bool {
        self.exclude.contains(&endpoint)
    }

    /// Whether it may go anywhere.
    #[inline]
    pub(crate) const fn excludes_none(&self) -> bool {
        self.exclude.is_empty()
    }
}
