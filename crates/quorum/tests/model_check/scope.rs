//! How far a search goes.

use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_quorum::raft::mutants::Mutant;
use purlin_quorum::raft::{Config, Configuration, MembershipChange};

/// Whatever may happen a limited number of times in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    Proposals,
    Heartbeats,
    Crashes,
    Duplicates,
    Changes,
    Transfers,
    Compactions,
    Reads,
    Lapses,
}

impl Budget {
    pub(crate) const ALL: [Self; 9] = [
        Self::Proposals,
        Self::Heartbeats,
        Self::Crashes,
        Self::Duplicates,
        Self::Changes,
        Self::Transfers,
        Self::Compactions,
        Self::Reads,
        Self::Lapses,
    ];
}

/// Times that have passed by budget, or may.
pub(crate) type Counts = [u8; Budget::ALL.len()];

/// The bounds of a search. Within them it is exhaustive: messages may be lost, overtaken and (as
/// the budget allows) repeated without end, but only so many be under way at once.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) name: &'static str,
    /// All nodes; they are `1..=nodes`.
    pub(crate) nodes: u64,
    /// The founding voters; the others wait to be added.
    pub(crate) voters: u64,
    pub(crate) terms: u64,
    /// Messages under way at once.
    pub(crate) mail: usize,
    pub(crate) limits: Counts,
    /// The changes of members that may be proposed.
    pub(crate) changes: Vec<MembershipChange>,
    /// Writes take a while and become durable one by one; otherwise each is durable at once.
    pub(crate) slow_disk: bool,
    pub(crate) pre_vote: bool,
    pub(crate) check_quorum: bool,
    /// Every entry with a command travels in a message of its own.
    pub(crate) single_entries: bool,
    /// A bug that every node has.
    pub(crate) mutant: Option<Mutant>,
}

impl Scope {
    pub(crate) fn new(name: &'static str, voters: u64) -> Self {
        Self {
            name,
            nodes: voters,
            voters,
            terms: 2,
            mail: 2,
            limits: Counts::default(),
            changes: Vec::new(),
            slow_disk: false,
            pre_vote: false,
            check_quorum: false,
            single_entries: false,
            mutant: None,
        }
    }

    pub(crate) fn terms(self, terms: u64) -> Self {
        Self { terms, ..self }
    }

    pub(crate) fn mail(self, mail: usize) -> Self {
        Self { mail, ..self }
    }

    pub(crate) fn limit(mut self, budget: Budget, times: u8) -> Self {
        self.limits[budget as usize] = times;
        self
    }

    pub(crate) fn slow_disk(self) -> Self {
        Self {
            slow_disk: true,
            ..self
        }
    }

    pub(crate) fn nodes(self, nodes: u64) -> Self {
        Self { nodes, ..self }
    }

    pub(crate) fn pre_vote(self) -> Self {
        Self {
            pre_vote: true,
            ..self
        }
    }

    pub(crate) fn check_quorum(self) -> Self {
        Self {
            check_quorum: true,
            ..self
        }
    }

    pub(crate) fn single_entries(self) -> Self {
        Self {
            single_entries: true,
            ..self
        }
    }

    pub(crate) fn with(self, mutant: Mutant) -> Self {
        Self {
            mutant: Some(mutant),
            ..self
        }
    }

    /// Whether the names of nodes make no difference: all are founding voters, no configuration
    /// names some of them only, and nothing is decided by the order of names, as pre-votes are.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.nodes == self.voters && self.changes.is_empty() && !self.pre_vote
    }

    pub(crate) fn config(&self, id: NodeId) -> Config {
        let mut config = Config::new(id);
        // No deadline passes unless the search says so: a heartbeat takes a nanosecond, and what
        // lapses, lapses after a second.
        config.election_timeout = Duration::from_secs(1);
        config.election_jitter = Duration::ZERO;
        config.heartbeat_interval = Duration::from_nanos(1);
        config.pre_vote = self.pre_vote;
        config.check_quorum = self.check_quorum;
        config.trailing_entries = 0;
        config.snapshot_chunk_bytes = 4;
        if self.single_entries {
            config.max_message_bytes = 1;
        }
        config
    }

    pub(crate) fn founders(&self) -> Configuration {
        Configuration::new((1..=self.voters).map(NodeId))
    }

    /// The bounds, for people.
    pub(crate) fn describe(&self) -> String {
        let mut bounds = format!(
            "{} of {} nodes vote, {} terms, {} messages",
            self.voters, self.nodes, self.terms, self.mail
        );
        for (budget, &limit) in Budget::ALL.iter().zip(&self.limits) {
            if limit > 0 {
                bounds += &format!(", {limit} {}", format!("{budget:?}").to_lowercase());
            }
        }
        for (set, what) in [
            (self.slow_disk, "slow disk"),
            (self.pre_vote, "pre-vote"),
            (self.check_quorum, "check-quorum"),
            (self.single_entries, "one command a message"),
            (self.is_symmetric(), "up to renaming"),
        ] {
            if set {
                bounds += ", ";
                bounds += what;
            }
        }
        bounds
    }
}
