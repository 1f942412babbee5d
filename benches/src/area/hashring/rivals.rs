//! The other crates, each in its cheapest configuration that does the same work.
//!
//! * Who takes a number gets the XXH3 of the key, which is what ours hash too; who hashes by
//!   [`Hash`] gets it through [`Passed`], where one good hash is all they need.
//! * Who hashes more than once, or together with something else, gets foldhash, the fastest hash
//!   there is for that.
//! * Who lets nobody choose keeps its own.
//!
//! Nodes are numbers. An answer is whatever names the node: an index, a position, or a pointer to
//! it, which is not followed.

use core::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use core::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use foldhash::{fast, quality};
use purlin_core::hash::KeyHash;
use purlin_core::random::SplitMix64;
use rendezvous_hash::{IdNode, NodeHasher, RendezvousNodes};

use super::keys::Key;

/// What crates that borrow their nodes borrow.
static NODES: LazyLock<Vec<u64>> = LazyLock::new(|| (0..20_000).collect());

/// Virtual nodes of a ring: nginx's and pingora's number, and our default.
const POINTS: u16 = 160;

/// The first table size of the Maglev paper, section 5.3, and a prime.
const SLOTS: usize = 65_537;

/// The first `count` nodes, for as long as the program runs.
fn nodes(count: u64) -> &'static [u64] {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    &NODES[..count]
}

/// Hands a number through: for keys that are hashed already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Passed(u64);

impl Hasher for Passed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed by it")
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Pass = BuildHasherDefault<Passed>;

/// The same for who hashes under several seeds, each written before the number.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SeededPassed(u64);

impl Hasher for SeededPassed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only seeds and hashes are hashed by it")
    }

    #[inline]
    fn write_u32(&mut self, seed: u32) {
        self.0 = SplitMix64::mix(u64::from(seed));
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 ^= hash;
    }
}

/// The address of a node, for who knows nodes by address only.
pub(super) fn address(node: u64) -> SocketAddr {
    let node = u32::try_from(node).unwrap_or(u32::MAX);
    SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 | node), 80))
}

pub(super) fn ketama(nodes: u64) -> pingora_ketama::Continuum {
    let bucket = |node| pingora_ketama::Bucket::new(address(node), 1);
    pingora_ketama::Continuum::new(&(0..nodes).map(bucket).collect::<Vec<_>>())
}

/// A virtual node of [`hashring`].
#[derive(Debug, Clone, Copy, Hash, PartialEq, Eq)]
pub(super) struct Point {
    node: u64,
    number: u16,
}

/// The virtual nodes of a node.
pub(super) fn points(node: u64) -> impl Iterator<Item = Point> {
    (0..POINTS).map(move |number| Point { node, number })
}

pub(super) fn hashring(nodes: u64) -> hashring::HashRing<Point, quality::FixedState> {
    let mut ring = hashring::HashRing::with_hasher(quality::FixedState::default());
    ring.batch_add((0..nodes).flat_map(points).collect());
    ring
}

/// Finds the key's virtual node.
pub(super) fn in_hashring(nodes: u64) -> impl FnMut(&Key) -> Option<*const Point> {
    let ring = hashring(nodes);
    move |key| ring.get(key).map(core::ptr::from_ref)
}

pub(super) fn in_ketama(nodes: u64) -> impl FnMut(&Key) -> Option<SocketAddr> {
    let continuum = ketama(nodes);
    move |key| continuum.node(key.as_ref())
}

pub(super) fn in_hash_rings_ring(count: u64) -> impl FnMut(&Key) -> *const u64 {
    let mut ring = hash_rings::consistent::Ring::with_hasher(quality::FixedState::default());
    for node in nodes(count) {
        ring.insert_node(node, usize::from(POINTS));
    }
    move |key| core::ptr::from_ref(ring.get_node(key))
}

pub(super) fn in_mpchash(nodes: u64) -> impl FnMut(&Key) -> Option<u64> {
    let ring = mpchash::HashRing::new();
    (0..nodes).for_each(|node| ring.add(node));
    move |key| ring.node(key).map(|token| token.position())
}

pub(super) type Maglev = maglev::Maglev<u64, fast::FixedState>;

/// The crate `maglev` with the paper's table. It takes 8 x 65,537 bytes a node while it is built.
pub(super) fn maglev(nodes: u64) -> Maglev {
    maglev::Maglev::with_capacity_and_hasher(0..nodes, SLOTS, fast::FixedState::default())
}

/// The same under a hasher of one's choice.
pub(super) fn in_maglev<S: BuildHasher>(
    nodes: u64,
    hasher: S,
) -> impl FnMut(&Key) -> Option<*const u64> {
    use maglev::ConsistentHasher as _;
    let table = maglev::Maglev::with_capacity_and_hasher(0..nodes, SLOTS, hasher);
    move |key| table.get(key).map(core::ptr::from_ref)
}

/// The same for keys that are hashed already.
pub(super) fn in_maglev_hashed(nodes: u64) -> impl FnMut(&KeyHash) -> Option<*const KeyHash> {
    use maglev::ConsistentHasher as _;
    let nodes = (0..nodes).map(|node| KeyHash(SplitMix64::mix(node)));
    let hasher = BuildHasherDefault::<SeededPassed>::default();
    let table = maglev::Maglev::with_capacity_and_hasher(nodes, SLOTS, hasher);
    move |hash| table.get(hash).map(core::ptr::from_ref)
}

/// The Maglev table of `hash-rings`, which hashes by SipHash whatever one wants.
pub(super) fn in_hash_rings_maglev(count: u64) -> impl FnMut(&Key) -> *const u64 {
    let nodes = nodes(count).iter().collect();
    let table = hash_rings::maglev::Ring::with_capacity_hint(nodes, SLOTS);
    move |key| core::ptr::from_ref(table.get_node(key))
}

pub(super) fn in_hash_rings_jump(nodes: u32) -> impl FnMut(&Key) -> u32 {
    let jump = hash_rings::jump::Ring::with_hasher(Pass::default(), nodes);
    move |key| jump.get_node(&key.xxh3().0)
}

pub(super) fn in_jumphash(nodes: u32) -> impl FnMut(&Key) -> u32 {
    let jump = jumphash::CustomJumpHasher::new(Passed::default());
    move |key| jump.slot(&key.xxh3().0, nodes)
}

pub(super) fn in_jump_consistent_hash(nodes: u32) -> impl FnMut(&Key) -> u32 {
    let nodes = nodes as usize;
    move |key| jump_consistent_hash::hash(key.xxh3().0, nodes)
}

/// The rendezvous ring of `hash-rings` under a hasher of one's choice.
pub(super) fn in_hash_rings_rendezvous<S: BuildHasher>(
    count: u64,
    hasher: S,
) -> impl FnMut(&Key) -> *const u64 {
    let mut ring = hash_rings::rendezvous::Ring::with_hasher(hasher);
    for node in nodes(count) {
        ring.insert_node(node, 1);
    }
    move |key| core::ptr::from_ref(ring.get_node(key))
}

/// Node and key through foldhash.
struct Folded(quality::FixedState);

impl NodeHasher<u64> for Folded {
    fn hash<T: Hash>(&self, node: &u64, item: &T) -> u64 {
        self.0.hash_one((node, item))
    }
}

pub(super) fn in_rendezvous_hash(count: u64) -> impl FnMut(&Key) -> Option<u64> {
    let mut ring = RendezvousNodes::new(Folded(quality::FixedState::default()));
    for node in nodes(count) {
        ring.insert(IdNode::new(*node));
    }
    move |key| ring.calc_candidates(key).next().map(|node| **node)
}

/// The crate `anchorhash` with `count` nodes, of which `gone` leave again.
pub(super) fn in_anchorhash(
    count: u64,
    gone: &[u64],
) -> impl FnMut(&Key) -> Option<*const u64> + use<> {
    let capacity = u16::try_from(count).unwrap_or(u16::MAX);
    let builder = anchorhash::Builder::with_hasher(Pass::default());
    let nodes = nodes(count).iter().copied();
    let mut anchor = builder.with_resources(nodes).build::<u64>(capacity);
    for node in gone {
        let removed = anchor.remove_resource(node);
        debug_assert_eq!(removed, Ok(()));
    }
    move |key| anchor.get_resource(key.xxh3().0).map(core::ptr::from_ref)
}

/// The node map of `consistent-choose-k`, in the same way.
pub(super) fn in_choose_k(count: u64, gone: &[u64]) -> impl FnMut(&Key) -> Option<usize> + use<> {
    let mut map = consistent_choose_k::ConsistentNodeMap::new();
    (0..count).for_each(|_| {
        map.add();
    });
    for node in gone {
        let was_there = map.remove(usize::try_from(*node).unwrap_or(usize::MAX));
        debug_assert!(was_there);
    }
    let state = quality::FixedState::default();
    move |key| {
        let mut hasher = state.build_hasher();
        hasher.write(key.as_ref());
        map.get(hasher)
    }
}
