//! Members: a node of the user's own, its identity, weight and place in the building.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use core::fmt::{self, Write};
use core::net::{IpAddr, SocketAddr};
use purlin_core::hash::{KeyHasher, Xxh3};
use purlin_core::node::{NodeId, Weight};

/// What makes a node the same node in every process and after every restart.
///
/// Placements hash nodes by their identity and never by their address in memory, their position or
/// anything else that differs between machines. Strings are identified by the unseeded XXH3 of
/// their bytes, numbers by themselves, network addresses by their text: `"10.0.0.1:80"` and the
/// [`SocketAddr`] of that name are the same node.
///
/// # Implementing
///
/// Do answer the same for the life of a node, in every version of your program. Do not give two
/// nodes one identity: the second is refused as a duplicate. Numbers need not be spread, placements
/// mix them.
///
/// ```
/// use purlin_hashring::{Identity, NodeId};
///
/// struct Backend {
///     name: String,
///     connections: usize,
/// }
///
/// impl Identity for Backend {
///     fn id(&self) -> NodeId {
///         self.name.id()
///     }
/// }
///
/// let backend = Backend { name: "cache-3".into(), connections: 8 };
/// assert_eq!(backend.id(), "cache-3".id());
/// ```
pub trait Identity {
    /// The identity of this node.
    fn id(&self) -> NodeId;
}

impl Identity for NodeId {
    fn id(&self) -> NodeId {
        *self
    }
}

impl Identity for u64 {
    fn id(&self) -> NodeId {
        NodeId(*self)
    }
}

impl Identity for u32 {
    fn id(&self) -> NodeId {
        NodeId(u64::from(*self))
    }
}

impl Identity for [u8] {
    fn id(&self) -> NodeId {
        NodeId(Xxh3::new().hash_bytes(self).0)
    }
}

impl Identity for str {
    fn id(&self) -> NodeId {
        self.as_bytes().id()
    }
}

impl Identity for String {
    fn id(&self) -> NodeId {
        self.as_str().id()
    }
}

impl Identity for IpAddr {
    fn id(&self) -> NodeId {
        Text::of(self).as_bytes().id()
    }
}

impl Identity for SocketAddr {
    fn id(&self) -> NodeId {
        Text::of(self).as_bytes().id()
    }
}

macro_rules! through_pointer {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<T: Identity + ?Sized> Identity for $pointer {
            fn id(&self) -> NodeId {
                (**self).id()
            }
        }
    )*};
}

through_pointer!(&T, Box<T>, Rc<T>, #[cfg(target_has_atomic = "ptr")] Arc<T>);

/// The text of an address, which is at most 58 bytes long, without allocation.
struct Text {
    bytes: [u8; 64],
    len: usize,
}

impl Text {
    fn of(address: &impl fmt::Display) -> Self {
        let mut text = Self {
            bytes: [0; 64],
            len: 0,
        };
        let fits = write!(text, "{address}");
        debug_assert!(fits.is_ok(), "addresses have at most 58 bytes");
        text
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len + part.len();
        self.bytes
            .get_mut(self.len..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Where a node stands: its zone, rack and host, any of which may be unsaid.
///
/// Replicas are spread over zones first, then over the racks of a zone, then over the hosts of a
/// rack. A rack belongs to its zone and a host to its rack, so equal names of racks in two zones
/// are two racks. Nodes of which a zone (rack) is not said share one nameless zone (rack); nodes of
/// which no host is said are each a host of their own.
///
/// ```
/// use purlin_hashring::Locality;
///
/// let here = Locality::zone("eu-1a").rack("r7").host("h3");
/// let there = Locality::zone("eu-1b").rack("r7").host("h3");
/// assert!(!here.same_rack(&there));
/// ```
///
/// With feature `serde` it is read from names, `{ "zone": "eu-1a" }`, and written as hashes of
/// them, which are read as well: names are not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Locality {
    // Hashes of the names: equality is all that is asked of them, and they are as stable as XXH3.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "place::deserialize"))]
    pub(crate) zone: Option<u64>,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "place::deserialize"))]
    pub(crate) rack: Option<u64>,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "place::deserialize"))]
    pub(crate) host: Option<u64>,
}

/// Places in configurations and snapshots.
#[cfg(feature = "serde")]
mod place {
    use super::Identity;
    use alloc::string::String;
    use serde::{Deserialize, Deserializer};

    /// A name as people write it, or the hash that is written for it.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Place {
        Hash(u64),
        Name(String),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        if !from.is_human_readable() {
            return Option::deserialize(from);
        }
        let place = Option::<Place>::deserialize(from)?;
        Ok(place.map(|place| match place {
            Place::Hash(hash) => hash,
            Place::Name(name) => name.id().0,
        }))
    }
}

impl Locality {
    /// Somewhere in this zone, availability zone or data centre.
    #[must_use]
    pub fn zone(name: impl AsRef<[u8]>) -> Self {
        Self {
            zone: Some(name.as_ref().id().0),
            ..Self::default()
        }
    }

    /// In this rack of the zone.
    #[must_use]
    pub fn rack(self, name: impl AsRef<[u8]>) -> Self {
        Self {
            rack: Some(name.as_ref().id().0),
            ..self
        }
    }

    /// On this host of the rack.
    #[must_use]
    pub fn host(self, name: impl AsRef<[u8]>) -> Self {
        Self {
            host: Some(name.as_ref().id().0),
            ..self
        }
    }

    /// Whether both are in one zone, of which the name is said.
    #[must_use]
    pub fn same_zone(&self, other: &Self) -> bool {
        self.zone.is_some() && self.zone == other.zone
    }

    /// Whether both are in one zone and there in one rack, of which the name is said.
    #[must_use]
    pub fn same_rack(&self, other: &Self) -> bool {
        self.zone == other.zone && self.rack.is_some() && self.rack == other.rack
    }

    /// Whether both are in one zone and rack and there on one host, of which the name is said.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        (self.zone, self.rack) == (other.zone, other.rack)
            && self.host.is_some()
            && self.host == other.host
    }
}

/// A node with its weight and locality.
///
/// ```
/// use purlin_hashring::{Locality, Member, Weight};
///
/// let member = Member::new("10.0.0.1:80").weight(3).locality(Locality::zone("eu-1a"));
/// assert_eq!(member.weight, Weight::new(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member<T> {
    /// The node itself: a name, an address, a connection.
    pub node: T,
    /// Its share relative to the others; [`Weight::DRAIN`] for none. 1 where it is not given.
    #[cfg_attr(feature = "serde", serde(default))]
    pub weight: Weight,
    /// Where it stands.
    #[cfg_attr(feature = "serde", serde(default))]
    pub locality: Locality,
}

impl<T> Member<T> {
    /// A member of weight 1 of whose locality nothing is said.
    #[must_use]
    pub fn new(node: T) -> Self {
        Self {
            node,
            weight: Weight::ONE,
            locality: Locality::default(),
        }
    }

    /// The same member with another weight.
    #[must_use]
    pub fn weight(self, weight: impl Into<Weight>) -> Self {
        Self {
            weight: weight.into(),
            ..self
        }
    }

    /// The same member in another place.
    #[must_use]
    pub fn locality(self, locality: Locality) -> Self {
        Self { locality, ..self }
    }
}

/// What can be given where members are wanted: a [`Member`], or a bare node for one of weight 1.
pub trait IntoMember {
    /// The node.
    type Node: Identity;

    /// The member.
    fn into_member(self) -> Member<Self::Node>;
}

impl<T: Identity> IntoMember for Member<T> {
    type Node = T;

    fn into_member(self) -> Self {
        self
    }
}

impl<T: Identity> IntoMember for T {
    type Node = T;

    fn into_member(self) -> Member<T> {
        Member::new(self)
    }
}
