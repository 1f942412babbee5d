//! What a linearizable read costs the leader.

use core::hint::black_box;

use allocation_counter::measure;
use purlin_core::time::Instant;

use super::ours::{Ours, configs};
#[cfg(feature = "rivals")]
use super::raft_rs::RaftRs;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Counted, Samples};

const OURS: &str = "purlin-quorum";
#[cfg(feature = "rivals")]
const RAFT_RS: &str = "raft-rs";

/// By how much clocks may differ: 0.1 %.
const DRIFT_PPM: u32 = 1000;

/// Over how many batches allocations are counted.
const BATCHES: u64 = 1000;

/// One operation is a whole batch of reads: divide by `BATCH`.
pub(super) fn batches<const BATCH: usize>(_: &Settings) -> Result<Contest, LabError> {
    let mut ours = Ours::with_defaults();
    let contest = Contest::over(vec![(); 1024]).ours(OURS, move |()| ours.read(BATCH));
    #[cfg(feature = "rivals")]
    let contest = {
        let mut raft_rs = RaftRs::cheapest();
        contest.rival(RAFT_RS, move |()| raft_rs.read(BATCH))
    };
    Ok(contest.build())
}

/// Allocations a read, once the queues have grown.
pub(super) fn allocations<const BATCH: usize>(settings: &Settings) -> Result<Samples, LabError> {
    let mut ours = Ours::with_defaults();
    let counted = Counted::rounds(settings, 1)
        .ours(OURS, |_| Ok(per_read(&mut || ours.read(BATCH), BATCH)))?;
    #[cfg(feature = "rivals")]
    let counted = {
        let mut raft_rs = RaftRs::cheapest();
        counted.rival(RAFT_RS, |_| {
            Ok(per_read(&mut || raft_rs.read(BATCH), BATCH))
        })?
    };
    Ok(counted.samples())
}

fn per_read(read: &mut impl FnMut() -> usize, batch: usize) -> f64 {
    for _ in 0..BATCHES {
        read();
    }
    let counted = measure(|| (0..BATCHES).for_each(|_| _ = read()));
    counted.count_total as f64 / (BATCHES * batch as u64) as f64
}

/// A read under a lease that holds; the time is given.
pub(super) fn lease(_: &Settings) -> Result<Contest, LabError> {
    let leased = configs(|config| config.lease_drift_ppm = Some(DRIFT_PPM));
    let mut ours = Ours::elected(&leased, 0);
    // A quorum has answered a round of heartbeats.
    ours.read(1);
    let now = ours.network.now;
    let moments: Vec<Instant> = (0..1024)
        .map(|step| now + core::time::Duration::from_nanos(step))
        .collect();
    assert!(
        moments
            .iter()
            .all(|now| ours.nodes[0].raft.lease_read(*now).is_some()),
        "the lease holds for most of an election timeout"
    );
    let contest = Contest::over(moments)
        // Black, or the node is looked at once for all.
        .ours(OURS, move |now| {
            black_box(&ours.nodes[0].raft).lease_read(*now)
        })
        .build();
    Ok(contest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_read_is_answered() {
        let mut ours = Ours::with_defaults();
        for batch in [1, 64, 1, 64] {
            assert_eq!(ours.read(batch), batch);
        }
        #[cfg(feature = "rivals")]
        {
            let mut raft_rs = RaftRs::cheapest();
            for batch in [1, 64, 1, 64] {
                assert_eq!(raft_rs.read(batch), batch);
            }
        }
    }
}
