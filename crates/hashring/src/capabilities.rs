//! What an algorithm promises.

/// What an algorithm can do and how little it moves.
///
/// The conformance suite tests what is promised here, and the registry shows it beside each name.
///
/// ```
/// use purlin_hashring::Capabilities;
///
/// let mut mine = Capabilities::ALL;
/// mine.weighted = false;
/// mine.drain = false;
/// assert!(mine.minimal_add);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Capabilities {
    /// Nodes can have weights above 1, and own keys in proportion.
    pub weighted: bool,
    /// Nodes can have weight 0: members that own nothing.
    pub drain: bool,
    /// Any node can be removed, not the one of the highest index only.
    pub arbitrary_removal: bool,
    /// A node that comes, or whose weight grows, takes keys from the others; no other key moves.
    pub minimal_add: bool,
    /// A node that goes, or whose weight shrinks, gives keys to the others; no other key moves.
    pub minimal_remove: bool,
    /// The same for replicas. They follow the key's order of preference, which is the order in which
    /// nodes would own it if those before were gone: a node that is no replica goes without a trace,
    /// and for one that goes exactly one comes in.
    pub minimal_replicas: bool,
    /// Answers, as nodes, depend on the members only, not on how they came to be members.
    pub history_independent: bool,
    /// What moves can be listed as ranges of hashes.
    pub ranged: bool,
    /// Replicas are balanced over zones, over the racks of each zone, and over the hosts of each
    /// rack.
    pub spread: bool,
}

impl Capabilities {
    /// Every capability.
    pub const ALL: Self = Self {
        weighted: true,
        drain: true,
        arbitrary_removal: true,
        minimal_add: true,
        minimal_remove: true,
        minimal_replicas: true,
        history_independent: true,
        ranged: true,
        spread: true,
    };

    /// No capability.
    pub const NONE: Self = Self {
        weighted: false,
        drain: false,
        arbitrary_removal: false,
        minimal_add: false,
        minimal_remove: false,
        minimal_replicas: false,
        history_independent: false,
        ranged: false,
        spread: false,
    };
}
