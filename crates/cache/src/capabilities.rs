//! What a policy promises.

/// What an eviction policy promises beyond the protocol.
///
/// The conformance suite tests what is promised here, and the registry shows it beside each name.
///
/// ```
/// use purlin_cache::Capabilities;
///
/// let mut mine = Capabilities::NONE;
/// mine.exact_order = true;
/// assert!(!mine.rejects);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Capabilities {
    /// Hits of many threads do not exclude each other:
    /// [`Policy::hit_shared`](crate::policy::Policy::hit_shared) does what `hit` does.
    pub shares_hits: bool,
    /// It may refuse a newcomer ([`Policy::rejects`](crate::policy::Policy::rejects)).
    pub rejects: bool,
    /// What it knows of a key outlives the entry, by the key's hash: ghosts, or a sketch of frequencies.
    /// Where it does not, hashes change no decision.
    pub remembers: bool,
    /// It tunes itself to the requests that it sees. For the reader: nothing can be tested by it.
    pub adapts: bool,
    /// The first entry that it shows as the coldest is the one that leaves next, unless a miss or a hit
    /// comes first.
    pub exact_order: bool,
    /// Which slots entries are in changes no decision.
    pub ignores_slots: bool,
    /// While keys stream by that are asked for once, a key that is hit between any two of them never
    /// leaves. For capacities of 32 or more.
    pub hot_key_stays: bool,
}

impl Capabilities {
    /// No capability.
    pub const NONE: Self = Self {
        shares_hits: false,
        rejects: false,
        remembers: false,
        adapts: false,
        exact_order: false,
        ignores_slots: false,
        hot_key_stays: false,
    };
}
