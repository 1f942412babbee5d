//! What is to be done for many groups.

use super::{GroupId, GroupsMessage};
use crate::raft::Output;

/// What [`Groups`](super::Groups) want done. Messages may go at once; what one group wants done is
/// done in its order.
///
/// With one log for all groups a single sync serves everything that was written before it; then each
/// group hears of its own last ticket:
///
/// ```
/// use bytes::Bytes;
/// use purlin_core::machine::Machine as _;
/// use purlin_core::node::NodeId;
/// use purlin_core::time::Instant;
/// use purlin_quorum::raft::groups::{GroupId, Groups, GroupsOutput};
/// use purlin_quorum::raft::{Config, Configuration, Output, Recovered, Write};
/// use std::collections::BTreeMap;
///
/// /// The log of all groups. A real one is a file, and drops what snapshots cover.
/// #[derive(Default)]
/// struct Log {
///     records: Vec<(GroupId, Write)>,
///     syncs: usize,
/// }
///
/// /// What each group starts from: here each has this machine as its only member.
/// fn recover(log: &Log) -> BTreeMap<GroupId, Recovered> {
///     let mut groups = BTreeMap::new();
///     for (group, write) in &log.records {
///         let founded = || Recovered::bootstrap(Configuration::new([NodeId(1)]));
///         let recovered = groups.entry(*group).or_insert_with(founded);
///         recovered.hard_state = write.hard_state.unwrap_or(recovered.hard_state);
///         if !write.entries.is_empty() {
///             // They replace what was there from their first index on.
///             let before = write.entries.first_index().0 as usize - 1;
///             recovered.entries.truncate(before);
///             recovered.entries.extend(write.entries.iter().map(|(_, entry)| entry.clone()));
///         }
///     }
///     groups
/// }
///
/// fn carry_out(groups: &mut Groups, log: &mut Log, now: Instant) {
///     loop {
///         let mut written = BTreeMap::new();
///         while let Some(output) = groups.poll_output() {
///             match output {
///                 GroupsOutput::Send(_message) => {} // to the network
///                 GroupsOutput::Group(group, Output::Write(write)) => {
///                     written.insert(group, write.ticket); // the last one counts
///                     log.records.push((group, write));
///                 }
///                 GroupsOutput::Group(group, Output::Commit(entries)) => {
///                     let last = entries.last().expect("never none").index;
///                     groups.with(now, group, |raft| raft.applied(now, last));
///                 }
///                 GroupsOutput::Group(..) => {}
///             }
///         }
///         if written.is_empty() {
///             return;
///         }
///         log.syncs += 1; // one, for however many groups
///         for (group, ticket) in written {
///             groups.with(now, group, |raft| raft.persisted(now, ticket));
///         }
///     }
/// }
///
/// let now = Instant::default();
/// let (mut log, config) = (Log::default(), Config::new(NodeId(1)));
/// let mut groups = Groups::new(config.clone(), 0x5eed, now)?;
/// for group in (0..1_000).map(GroupId) {
///     groups.create(now, group, Recovered::bootstrap(Configuration::new([NodeId(1)])))?;
///     groups.with(now, group, |raft| raft.campaign(now));
/// }
/// carry_out(&mut groups, &mut log, now);
/// for group in (0..1_000).map(GroupId) {
///     groups.with(now, group, |raft| raft.propose(now, Bytes::from_static(b"x = 1")));
/// }
/// carry_out(&mut groups, &mut log, now);
/// assert!(log.records.len() >= 2_000 && log.syncs < 10);
///
/// // The process starts again.
/// let mut groups = Groups::new(config, 0xfeed, now)?;
/// for (group, recovered) in recover(&log) {
///     groups.create(now, group, recovered)?;
/// }
/// assert_eq!(groups.status().groups, 1_000);
/// // Each has the first entry of its leader's term, and the command.
/// assert!(groups.iter().all(|(_, raft)| raft.last_position().index.0 == 2));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupsOutput {
    /// What one group wants done; never [`Output::Send`].
    Group(GroupId, Output),
    /// Send this.
    Send(GroupsMessage),
}
