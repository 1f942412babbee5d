//! The configurations that the area's tables compare.

use purlin_core::node::NodeId;
use purlin_quorum::raft::Config;

/// A name and what it means.
pub(super) struct Variant {
    pub(super) name: &'static str,
    change: fn(&mut Config),
}

const DEFAULT: Variant = Variant {
    name: "default",
    change: |_| (),
};

const NO_PRE_VOTE: Variant = Variant {
    name: "no-pre-vote",
    change: |config| config.pre_vote = false,
};

const NO_CHECK_QUORUM: Variant = Variant {
    name: "no-check-quorum",
    change: |config| config.check_quorum = false,
};

/// The only one that allows lease reads.
pub(super) const LEASES: Variant = Variant {
    name: "leases",
    change: |config| config.lease_drift_ppm = Some(10_000),
};

pub(super) static VARIANTS: [Variant; 4] = [DEFAULT, NO_PRE_VOTE, NO_CHECK_QUORUM, LEASES];

pub(super) const NAMES: [&str; VARIANTS.len()] = [
    DEFAULT.name,
    NO_PRE_VOTE.name,
    NO_CHECK_QUORUM.name,
    LEASES.name,
];

impl Variant {
    /// What differs from the defaults, put into `config`.
    pub(super) fn apply(&self, config: &mut Config) {
        (self.change)(config);
    }

    /// The defaults and what differs, of any node.
    pub(super) fn config(&self) -> Config {
        let mut config = Config::new(NodeId(1));
        self.apply(&mut config);
        config
    }
}
