//! What a node is told once.

use core::num::NonZeroU64;
use core::time::Duration;
use purlin_core::node::NodeId;
use thiserror::Error;

/// Tells the nodes of one group from those of every other, so that a wrong address does no harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct ClusterId(pub u64);

/// How a node behaves. Start from [`new`](Self::new) and set what should differ.
///
/// All nodes of a group should have the same values, but for [`id`](Self::id),
/// [`priority`](Self::priority) and [`incarnation`](Self::incarnation); with leases the
/// [`election_timeout`](Self::election_timeout) and [`lease_drift_ppm`](Self::lease_drift_ppm) must
/// be the same.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::node::NodeId;
/// use purlin_quorum::raft::Config;
///
/// let mut config = Config::new(NodeId(1));
/// config.election_timeout = Duration::from_millis(300);
/// config.heartbeat_interval = Duration::from_millis(30);
/// config.validate()?;
///
/// config.heartbeat_interval = Duration::from_secs(1);
/// assert_eq!(
///     config.validate().unwrap_err().to_string(),
///     "heartbeat_interval is 1s: it must be above 0 and below election_timeout"
/// );
/// # Ok::<(), purlin_quorum::raft::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Config {
    /// This node. Not 0, which stands for nobody.
    pub id: NodeId,
    /// Its group. Default 0.
    pub cluster: ClusterId,
    /// How long a follower waits for a leader before it campaigns, at least; a day at most. Default
    /// 1 s. Ten times the heartbeat interval, and that well above the round trip, is a good rule.
    pub election_timeout: Duration,
    /// How much longer it waits at most: drawn anew each time, so that followers do not campaign
    /// together (§5.2). A day at most. Default 1 s.
    pub election_jitter: Duration,
    /// How often a leader says that it lives. Default 100 ms.
    pub heartbeat_interval: Duration,
    /// Ask before campaigning, so that a node that was cut off disturbs nobody when it is back
    /// (thesis §9.6). Default true.
    pub pre_vote: bool,
    /// A leader that hears of no quorum for an election timeout steps down, and followers that hear
    /// of a leader do not vote (thesis §6.2, §4.2.3). Default true.
    pub check_quorum: bool,
    /// By how much the rates of two nodes' clocks may differ, in parts per million; `None`, the
    /// default, for no lease reads. Needs `check_quorum`.
    pub lease_drift_ppm: Option<u32>,
    /// Who should rather lead: among those whose logs are equal, a node with a lower priority does
    /// not get the pre-vote of one with a higher one, unless that has tried in vain. Default 0.
    pub priority: u32,
    /// Which disk this node stands on: a number drawn at random when its store was made. Peers
    /// remember it, and a node that comes back with another one has lost its disk: it is fenced.
    /// `None`, the default, for no such check.
    pub incarnation: Option<NonZeroU64>,
    /// Bytes of payload in one message, at most; a larger entry travels alone. Default 1 MiB.
    pub max_message_bytes: u64,
    /// The largest entry that is accepted. Default 8 MiB.
    pub max_entry_bytes: u64,
    /// Messages with entries that are under way to one follower. Default 256.
    pub max_inflight_messages: usize,
    /// Bytes of payload that are under way to one follower. Default 16 MiB.
    pub max_inflight_bytes: u64,
    /// Bytes that a leader holds proposed and not committed, over all terms; one proposal is always
    /// accepted when nothing is. Default 64 MiB.
    pub max_uncommitted_bytes: u64,
    /// Bytes that are given out to be applied and not yet reported so. Default 16 MiB.
    pub max_unapplied_bytes: u64,
    /// Bytes of the log of a follower, 48 for each entry beside its payload, beyond which it takes
    /// no more until it has compacted. Default 1 GiB. Not below
    /// [`max_entry_bytes`](Self::max_entry_bytes), and better several times that, or a large entry may
    /// wait long for room.
    pub max_log_bytes: u64,
    /// Entries that stay in memory when a snapshot covers them, so that followers that are a little
    /// behind need no snapshot. Default 1,024.
    pub trailing_entries: u64,
    /// Reads that wait. Default 65,536.
    pub max_reads: usize,
    /// Bytes of a snapshot in one message. Default 1 MiB.
    pub snapshot_chunk_bytes: u32,
    /// Only for nodes inside [`Groups`](super::groups::Groups), which wakes them: fall silent,
    /// without heartbeats and timeouts, when there is nothing to do and every member has everything.
    /// A silent node outside never notices that its leader is lost, unless whoever drives it finds
    /// out about the leader's machine and calls [`wake`](super::Raft::wake);
    /// [`Replica::open`](super::replica::Replica::open) therefore refuses it. Needs `check_quorum`.
    /// Default false.
    pub quiesce: bool,
}

/// The longest election timeout and jitter: what is longer is a mistake of units.
const LONGEST: Duration = Duration::from_secs(86_400);

impl Config {
    /// The defaults.
    #[must_use]
    pub const fn new(id: NodeId) -> Self {
        Self {
            id,
            cluster: ClusterId(0),
            election_timeout: Duration::from_secs(1),
            election_jitter: Duration::from_secs(1),
            heartbeat_interval: Duration::from_millis(100),
            pre_vote: true,
            check_quorum: true,
            lease_drift_ppm: None,
            priority: 0,
            incarnation: None,
            max_message_bytes: 1 << 20,
            max_entry_bytes: 8 << 20,
            max_inflight_messages: 256,
            max_inflight_bytes: 16 << 20,
            max_uncommitted_bytes: 64 << 20,
            max_unapplied_bytes: 16 << 20,
            max_log_bytes: 1 << 30,
            trailing_entries: 1024,
            max_reads: 1 << 16,
            snapshot_chunk_bytes: 1 << 20,
            quiesce: false,
        }
    }

    /// Whether the values go together.
    ///
    /// # Errors
    ///
    /// Names the field and its bound.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |field, value, bound| {
            Err(ConfigError {
                field,
                value,
                bound,
            })
        };
        if self.id == NodeId(0) {
            return wrong("id", Value::Number(0), "above 0");
        }
        if self.election_timeout.is_zero() || self.election_timeout > LONGEST {
            let bound = "above 0 and a day (86,400 s) at most";
            return wrong(
                "election_timeout",
                Value::Time(self.election_timeout),
                bound,
            );
        }
        if self.election_jitter > LONGEST {
            let bound = "a day (86,400 s) at most";
            return wrong("election_jitter", Value::Time(self.election_jitter), bound);
        }
        if self.heartbeat_interval.is_zero() || self.heartbeat_interval >= self.election_timeout {
            let bound = "above 0 and below election_timeout";
            return wrong(
                "heartbeat_interval",
                Value::Time(self.heartbeat_interval),
                bound,
            );
        }
        if let Some(drift) = self.lease_drift_ppm {
            if !self.check_quorum {
                let bound = "unset without check_quorum";
                return wrong("lease_drift_ppm", Value::Number(u64::from(drift)), bound);
            }
            if drift >= 500_000 {
                let bound = "below 500,000";
                return wrong("lease_drift_ppm", Value::Number(u64::from(drift)), bound);
            }
        }
        let bounds = [
            ("max_message_bytes", self.max_message_bytes),
            ("max_entry_bytes", self.max_entry_bytes),
            ("max_inflight_messages", self.max_inflight_messages as u64),
            ("max_inflight_bytes", self.max_inflight_bytes),
            ("max_uncommitted_bytes", self.max_uncommitted_bytes),
            ("max_unapplied_bytes", self.max_unapplied_bytes),
            ("max_log_bytes", self.max_log_bytes),
            ("max_reads", self.max_reads as u64),
            ("snapshot_chunk_bytes", u64::from(self.snapshot_chunk_bytes)),
        ];
        if let Some((field, _)) = bounds.into_iter().find(|&(_, value)| value == 0) {
            return wrong(field, Value::Number(0), "above 0");
        }
        if self.max_log_bytes < self.max_entry_bytes {
            let bound = "max_entry_bytes or more";
            return wrong("max_log_bytes", Value::Number(self.max_log_bytes), bound);
        }
        if self.quiesce && !self.check_quorum {
            return wrong("quiesce", Value::Flag(true), "false without check_quorum");
        }
        Ok(())
    }

    /// For a host that wakes nobody: a silent group whose leader is lost would stay without one.
    pub(crate) fn refuse_quiesce(&self) -> Result<(), ConfigError> {
        if self.quiesce {
            return Err(ConfigError {
                field: "quiesce",
                value: Value::Flag(true),
                bound: "false outside of Groups: nobody would wake the group",
            });
        }
        Ok(())
    }
}

/// A value of [`Config`] that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field} is {value}: it must be {bound}")]
pub struct ConfigError {
    field: &'static str,
    value: Value,
    bound: &'static str,
}

impl ConfigError {
    /// The field's name.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Flag(bool),
    Time(Duration),
    Number(u64),
}

impl core::fmt::Display for Value {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Time(time) => write!(f, "{time:?}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}
