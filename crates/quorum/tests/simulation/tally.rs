//! Counts of what happened, over all seeds: a simulation in which something never happens says
//! nothing about it.

use core::fmt;

macro_rules! tally {
    ($($name:ident: $what:literal,)+) => {
        /// How often each kind of fault and transition occurred.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Tally {
            $(#[doc = $what] pub(crate) $name: u64,)+
        }

        impl Tally {
            /// All counts by name.
            pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
                vec![$(($what, self.$name)),+]
            }

            /// Adds those of another run.
            pub(crate) fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

tally! {
    seeds: "seeds",
    steps: "machine steps",
    crashes: "crashes",
    restarts: "restarts",
    restarts_after_lost_writes: "restarts that found writes lost",
    restarts_after_torn_writes: "restarts that found a write torn",
    restarts_with_unsynced_writes: "restarts that found writes that were never synced",
    sync_failures: "syncs that failed",
    stops: "nodes stopped by a failed sync",
    messages_lost: "messages lost",
    messages_duplicated: "messages duplicated",
    pre_campaigns: "pre-vote rounds begun",
    pre_vote_rejections: "pre-votes refused",
    campaigns: "campaigns",
    vote_rejections: "votes refused",
    elections: "leaders elected",
    step_downs_by_check_quorum: "leaders that stepped down without a quorum",
    step_downs_by_term: "leaders that stepped down before a higher term",
    step_downs_by_removal: "leaders that stepped down when removed",
    proposals: "proposals accepted",
    proposals_refused: "proposals refused",
    proposals_superseded: "proposals overwritten by another leader's entry",
    commits_of_older_terms: "entries committed in a later term than their own",
    truncations: "logs truncated",
    append_rejections: "appends refused for a gap or conflict",
    full_logs: "appends refused for a full log",
    compactions: "compactions",
    snapshots_begun: "snapshot transfers begun",
    snapshots_resumed: "snapshot transfers resumed",
    snapshots_aborted: "snapshot transfers given up",
    snapshots_installed: "snapshots installed",
    chunks_unavailable: "chunks of a snapshot that was gone",
    changes_refused: "changes of members refused",
    simple_changes: "simple changes of members",
    joint_entered: "joint configurations entered",
    joint_left: "joint configurations left by order",
    joint_auto_left: "joint configurations left automatically",
    configurations_rolled_back: "configurations rolled back with the log",
    transfers_begun: "transfers of leadership begun",
    transfers_done: "transfers done",
    transfers_aborted: "transfers given up",
    campaigns_ordered: "campaigns ordered",
    leaders_forgotten: "leaders forgotten by order",
    reads_by_index: "reads answered by a leader's round",
    reads_by_lease: "reads answered by a lease",
    reads_by_fast_lease: "reads answered by a lease at once",
    reads_of_followers: "reads answered by a follower",
    reads_aborted: "reads aborted",
    reads_refused: "reads refused",
    fenced: "leaders that fenced a node with a lost disk",
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in self.counts() {
            writeln!(f, "{count:>12}  {what}")?;
        }
        Ok(())
    }
}
