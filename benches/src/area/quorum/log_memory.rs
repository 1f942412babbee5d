//! What an entry takes in memory, and what happens when entries come and cannot be committed.

use allocation_counter::measure;
use bytes::Bytes;
use purlin_quorum::raft::{Body, Entries, Entry, Message, Payload, Refusal};

use super::ours::{Ours, configs, place};
#[cfg(feature = "rivals")]
use super::raft_rs::{self, RaftRs};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

const OURS: &str = "purlin-quorum";
#[cfg(feature = "rivals")]
const RAFT_RS: &str = "raft-rs";

/// How many entries a follower misses that is down: so many stay in the logs of the two others.
const ENTRIES: u64 = 100_000;

/// How many are proposed at once.
const BATCH: usize = 100;

const COMMAND: [u8; 64] = [1; 64];

/// The logs that live.
const LOGS: u64 = 2;

/// What is proposed to a leader without a quorum: in commands of a kibibyte, twice what it holds by
/// default.
const OFFERED: u64 = 128 << 20;
const KIBIBYTE: u64 = 1 << 10;
const MEBIBYTE: f64 = (1 << 20) as f64;

/// Bytes requested of the allocator an entry and log, without the command's own 64.
pub(super) fn per_entry(settings: &Settings) -> Result<Samples, LabError> {
    let beyond_command = |bytes: i64| {
        let entries = (ENTRIES * LOGS) as f64;
        bytes as f64 / entries - COMMAND.len() as f64
    };
    let counted = Counted::rounds(settings, 1).ours(OURS, |_| {
        let mut ours = Ours::with_defaults();
        let bytes = measure(|| {
            for _ in 0..ENTRIES / BATCH as u64 {
                ours.network.propose(&mut ours.nodes[0], &COMMAND, BATCH);
                ours.network.deliver(&mut ours.nodes, |message| {
                    (place(message.to) != 2).then(|| apart(message))
                });
            }
        });
        let applied = ours.nodes.each_ref().map(|node| node.applied.commands);
        assert_eq!(applied, [ENTRIES, ENTRIES, 0]);
        Ok(beyond_command(bytes.bytes_current))
    })?;
    #[cfg(feature = "rivals")]
    let counted = counted.rival(RAFT_RS, |_| {
        let mut theirs = RaftRs::cheapest();
        let bytes = measure(|| {
            for _ in 0..ENTRIES / BATCH as u64 {
                theirs
                    .network
                    .propose(&mut theirs.nodes[0], &COMMAND, BATCH);
                theirs.network.deliver(&mut theirs.nodes, |message| {
                    (raft_rs::place(message.to) != 2).then(|| raft_rs::apart(message))
                });
            }
        });
        let applied = theirs.nodes.each_ref().map(|node| node.applied.commands);
        assert_eq!(applied, [ENTRIES, ENTRIES, 0]);
        Ok(beyond_command(bytes.bytes_current))
    })?;
    Ok(counted.samples())
}

/// The same message with commands of its own, as one that came over a network: logs of different
/// machines share nothing.
fn apart(mut message: Message) -> Message {
    if let Body::Append { entries, .. } = &mut message.body {
        let own = |entry: &Entry| {
            let payload = match &entry.payload {
                Payload::Command(command) => Payload::Command(Bytes::copy_from_slice(command)),
                other => other.clone(),
            };
            Entry {
                term: entry.term,
                payload,
            }
        };
        let first = entries.first_index();
        *entries = Entries::new(first, entries.iter().map(|(_, entry)| own(entry)).collect());
    }
    message
}

/// How much a leader takes that has lost its quorum, in MiB of commands.
pub(super) fn without_quorum(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::rounds(settings, 1).ours(OURS, |_| {
        Ok(ours_takes() as f64 * KIBIBYTE as f64 / MEBIBYTE)
    })?;
    #[cfg(feature = "rivals")]
    let counted = counted.rival(RAFT_RS, |_| {
        let mut theirs = RaftRs::cheapest();
        let mut taken = 0;
        for _ in 0..OFFERED / KIBIBYTE {
            let leader = &mut theirs.nodes[0];
            let command = vec![1; usize::try_from(KIBIBYTE).unwrap_or_default()];
            taken += u64::from(leader.raft.propose(Vec::new(), command).is_ok());
            theirs.network.drain(leader);
            theirs.network.deliver(&mut theirs.nodes, |_| None);
        }
        Ok(taken as f64 * KIBIBYTE as f64 / MEBIBYTE)
    })?;
    Ok(counted.samples())
}

/// How many commands our leader takes.
fn ours_takes() -> u64 {
    let mut ours = Ours::elected(&configs(|_| ()), 0);
    let command = Bytes::from(vec![1; usize::try_from(KIBIBYTE).unwrap_or_default()]);
    let mut taken = 0;
    for _ in 0..OFFERED / KIBIBYTE {
        let leader = &mut ours.nodes[0];
        match leader.raft.propose(ours.network.now, command.clone()) {
            Ok(_) => taken += 1,
            Err(refused) => assert!(matches!(refused.reason, Refusal::TooMuchUncommitted { .. })),
        }
        ours.network.drain(leader);
        ours.network.deliver(&mut ours.nodes, |_| None);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_set_apart_is_the_same_message() {
        let mut ours = Ours::with_defaults();
        let mut seen = 0;
        ours.network.propose(&mut ours.nodes[0], &COMMAND, 2);
        ours.network.deliver(&mut ours.nodes, |message| {
            let copy = apart(message.clone());
            assert_eq!(copy, message);
            seen += u64::from(matches!(copy.body, Body::Append { .. }));
            Some(copy)
        });
        assert_eq!(seen, 2, "one for each follower");
    }

    #[test]
    fn a_leader_without_a_quorum_takes_what_it_may_hold_and_no_more() {
        let bound = configs(|_| ())[0].max_uncommitted_bytes;
        assert_eq!(ours_takes(), bound / KIBIBYTE);
    }
}
