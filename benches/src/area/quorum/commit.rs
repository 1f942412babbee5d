//! What it costs three nodes to agree on a command, and to apply it.

use allocation_counter::measure;
use purlin_core::random::{Random as _, SplitMix64};

use super::cluster::{COMPACTION, Cluster, Command};
use super::floor::Floor;
#[cfg(feature = "rivals")]
use super::omnipaxos::Omnipaxos;
use super::ours::Ours;
#[cfg(feature = "rivals")]
use super::raft_rs::RaftRs;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Counted, Samples};

/// How many different commands there are.
const COMMANDS: usize = 1024;

/// As the bars name them.
const OURS: &str = "purlin-quorum";
const FLOOR: &str = "three pushes and a counter";
#[cfg(feature = "rivals")]
const OMNIPAXOS: &str = "omnipaxos";
#[cfg(feature = "rivals")]
const OMNIPAXOS_DECIDING: &str = "omnipaxos, nothing read back";
#[cfg(feature = "rivals")]
const RAFT_RS: &str = "raft-rs";

fn commands(seed: u64) -> Vec<Command> {
    let mut random = SplitMix64::new(seed);
    let mut command = || {
        let mut command = [0; 64];
        for word in command.as_chunks_mut().0 {
            *word = random.next_u64().to_le_bytes();
        }
        command
    };
    (0..COMMANDS).map(|_| command()).collect()
}

/// One operation commits a whole batch: divide by `BATCH`.
pub(super) fn batches<const BATCH: usize>(settings: &Settings) -> Result<Contest, LabError> {
    let (mut ours, mut floor) = (Ours::with_defaults(), Floor::default());
    let contest = Contest::over(commands(settings.seed))
        .ours(OURS, move |command| ours.commit(command, BATCH))
        .floor(FLOOR, move |command| floor.commit(command, BATCH));
    #[cfg(feature = "rivals")]
    let contest = {
        let mut raft_rs = RaftRs::cheapest();
        let mut omnipaxos = Omnipaxos::elected(BATCH);
        let mut deciding = Omnipaxos::deciding_only(BATCH);
        contest
            .rival(OMNIPAXOS, move |command| omnipaxos.commit(command, BATCH))
            .rival(OMNIPAXOS_DECIDING, move |command| {
                deciding.commit(command, BATCH);
            })
            .rival(RAFT_RS, move |command| raft_rs.commit(command, BATCH))
    };
    Ok(contest.build())
}

/// Allocations a command, that of the command itself included.
pub(super) fn allocations<const BATCH: usize>(settings: &Settings) -> Result<Samples, LabError> {
    let [command, ..] = &commands(settings.seed)[..] else {
        unreachable!("there are {COMMANDS}")
    };
    let mut floor = Floor::default();
    let counted = Counted::rounds(settings, 1)
        .ours(OURS, |_| {
            Ok(per_command(&mut Ours::with_defaults(), command, BATCH))
        })?
        .floor(FLOOR, |_| {
            let mut batches = |batches| (0..batches).for_each(|_| _ = floor.commit(command, BATCH));
            Ok(per_batch(&mut batches, BATCH))
        })?;
    #[cfg(feature = "rivals")]
    let counted = counted
        .rival(OMNIPAXOS, |_| {
            Ok(per_command(&mut Omnipaxos::elected(BATCH), command, BATCH))
        })?
        .rival(RAFT_RS, |_| {
            Ok(per_command(&mut RaftRs::cheapest(), command, BATCH))
        })?;
    Ok(counted.samples())
}

fn per_command(cluster: &mut impl Cluster, command: &Command, batch: usize) -> f64 {
    let commit = &mut |batches| (0..batches).for_each(|_| cluster.commit(command, batch));
    let allocations = per_batch(commit, batch);
    let applied = cluster.applied().map(|applied| applied.commands);
    assert_eq!(applied, [4 * COMPACTION; 3], "all apply everything");
    allocations
}

/// Twice until the logs are compacted, after they have been.
fn per_batch(commit: &mut impl FnMut(u64), batch: usize) -> f64 {
    let batches = 2 * COMPACTION / batch as u64;
    commit(batches);
    let counted = measure(|| commit(batches));
    counted.count_total as f64 / (2 * COMPACTION) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everybody does the whole work: whoever skips some wins unfairly.
    fn commits_all<C: Cluster>(
        mut cluster: C,
        batch: usize,
    ) -> [super::super::cluster::Applied; 3] {
        let commands = commands(7);
        let rounds = 3 * COMPACTION / batch as u64;
        for (command, round) in commands.iter().cycle().zip(1..=rounds) {
            cluster.commit(command, batch);
            let applied = cluster.applied().map(|applied| applied.commands);
            assert_eq!(applied, [round * batch as u64; 3], "in round {round}");
        }
        cluster.applied()
    }

    #[test]
    fn three_nodes_apply_every_command_in_each_operation() {
        for batch in [1, 64, 1024] {
            let applied = commits_all(Ours::with_defaults(), batch);
            assert!(applied.iter().all(|one| *one == applied[0]), "{applied:?}");
            #[cfg(feature = "rivals")]
            {
                assert_eq!(commits_all(RaftRs::cheapest(), batch), applied);
                assert_eq!(commits_all(Omnipaxos::elected(batch), batch), applied);
            }
        }
    }

    #[cfg(feature = "rivals")]
    #[test]
    fn a_group_that_reads_nothing_back_applies_nothing() {
        let mut group = Omnipaxos::deciding_only(1);
        group.commit(&[1; 64], 1);
        assert_eq!(group.applied().map(|applied| applied.commands), [0; 3]);
    }
}
