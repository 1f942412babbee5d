//! Deliberate bugs, for testing the tests: a simulator that does not find these proves nothing by
//! finding nothing else.
//!
//! Each is one condition or one step less, where the comment at that place says why it is there.
//! Without the feature `mutants`, `mutant!` is `false` and nothing of this is compiled.

/// Whether this node has the bug of that name.
#[cfg(feature = "mutants")]
macro_rules! mutant {
    ($raft:expr, $name:ident) => {
        $raft.mutant == Some($crate::raft::mutants::Mutant::$name)
    };
}

/// Whether this node has the bug of that name: it has none.
#[cfg(not(feature = "mutants"))]
macro_rules! mutant {
    ($raft:expr, $name:ident) => {
        false
    };
}

#[cfg(feature = "mutants")]
macro_rules! mutants {
    ($($name:ident: $what:literal,)+) => {
        /// A bug that a node can be given.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutant {
            $(#[doc = $what] $name,)+
        }

        impl Mutant {
            /// All of them, and what each is.
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, $what)),+];
        }
    };
}

#[cfg(feature = "mutants")]
mutants! {
    // Elections.
    StaleVote: "counts a vote that was given in an earlier term",
    VoteTwice: "votes for two in one term",
    VoteByLength: "votes for the longer log, whatever its last term",
    VoteForAnyLog: "votes without looking at the log",
    VoteDespiteLeader: "votes though it hears a leader",
    RepeatedVote: "takes a vote that comes twice for the votes of two",
    LearnersElect: "counts the votes of learners",
    OutgoingElectsNobody: "is elected without a majority of the outgoing voters",
    PreVoteChangesTerm: "takes up the term of a pre-vote",
    // What must be durable.
    ForgetVote: "does not write its vote",
    ForgetTerm: "does not write a term that it hears of",
    TellBeforeSync: "sends what must wait for a write",
    AckBeforeSync: "acknowledges entries that are not durable",
    AckAba: "takes an entry for durable because an overwritten one at its index was written",
    CountUnsynced: "a leader counts its own entries before they are durable",
    // Replication.
    AppendOfEarlierTerm: "takes entries from the leader of an earlier term",
    AppendWithoutCheck: "takes entries without looking at the one before",
    TruncateOnStale: "cuts its log back to a late, shorter append",
    MatchByHint: "takes the hint of a refusal for an acknowledgement",
    CommitEarlierTerm: "commits an entry of an earlier term by counting",
    CommitWithLearners: "counts learners for the commit index",
    CommitWithoutOutgoing: "commits without a majority of the outgoing voters",
    CommitBeyondAppend: "takes for committed what lies behind the entries of an append",
    CommitByHeartbeat: "takes for committed what a heartbeat says, whether or not the logs agree",
    GiveOutUncommitted: "gives out entries that are not committed",
    // Members.
    ConfigurationAtCommit: "a configuration holds only when it is committed",
    TwoChanges: "begins a change while another is not committed",
    ChangeBeforeStart: "changes members before the first commit of its term",
    LeaveJointEarly: "leaves a joint configuration that is not committed",
    AutoLeaveOfOwnTerm: "leaves only a joint configuration that it entered itself",
    KeepTruncatedConfiguration: "keeps a configuration whose entry is gone",
    KeepConfigurationOverSnapshot: "keeps its configurations when a snapshot replaces the log",
    // Snapshots.
    InstallOlder: "installs a snapshot of what it has applied already",
    MixParts: "takes the parts of a snapshot in any order",
    KeepStableOverSnapshot: "takes for durable what was before a snapshot replaced the log",
    // Reads.
    ReadWithoutRound: "answers a read without asking whether it still leads",
    ReadByEarlierRound: "answers a read by a round that was sent before it came",
    ReadBeforeStart: "answers reads before the first commit of its term",
    ReadBeforeApplied: "answers a read before the state machine is there",
    ReadOfFollower: "a follower answers reads by itself",
    ReadNumberTwice: "tells two reads apart by a number that is used again",
    RoundsOfLearners: "counts learners for the confirmation of a round",
    // Leases.
    LeaseForEver: "a lease does not end by time",
    LeaseFromAnswer: "a lease starts when the answer comes, not when the round was sent",
    LeaseBeforeStart: "a lease holds before the first commit of the term",
    LeaseInTransfer: "keeps its lease when it has told another to campaign",
    LeaseForgottenAtStart: "votes at once after a restart, whatever it has promised",
}

#[cfg(feature = "mutants")]
impl super::Raft {
    /// Gives the node a bug. Right after it was made.
    pub fn set_mutant(&mut self, mutant: Mutant) {
        self.mutant = Some(mutant);
        if mutant == Mutant::LeaseForgottenAtStart {
            self.heard_until = purlin_core::time::Instant::default();
        }
    }
}
