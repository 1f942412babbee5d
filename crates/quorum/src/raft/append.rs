//! A follower's side of replication (§5.3).

use super::message::Body;
use super::output::StopReason;
use super::position::{Index, Position};
use super::{Entries, Log, Payload, Raft};
use purlin_core::node::NodeId;

/// What an entry takes beside its payload, rounded up.
pub(crate) const ENTRY_OVERHEAD: u64 = 48;

impl Raft {
    pub(crate) fn on_append(
        &mut self,
        from: NodeId,
        previous: Position,
        commit: Index,
        entries: Entries,
    ) {
        if self.is_installing() {
            return; // The log is being replaced; the leader sends again.
        }
        let (previous, entries) = self.above_base(previous, entries);
        let is_checked =
            !mutant!(self, AppendWithoutCheck) || previous.index > self.log.last_index();
        if is_checked && self.log.term(previous.index) != Some(previous.term) {
            self.reject(from, previous);
            return;
        }
        let mut agreed = previous.index + entries.len() as u64;
        match self.first_difference(&entries) {
            Some(index) if index <= self.commit => {
                self.stop(StopReason::Diverged(index));
                return;
            }
            Some(index) => {
                if self.is_full() {
                    // What comes before is equal all the same.
                    self.matched = self.matched.max(index.previous());
                    self.follow_commit(commit.min(index.previous()));
                    let matched = self.matched.min(self.writes.stable);
                    self.send_durable(
                        from,
                        Body::Full {
                            matched,
                            round: self.round,
                        },
                    );
                    return;
                }
                self.replace_tail(index, entries.into_from(index));
            }
            None => {}
        }
        self.matched = self.matched.max(agreed);
        self.ack_due = true;
        if mutant!(self, CommitBeyondAppend) {
            agreed = self.log.last_index();
        }
        self.follow_commit(commit.min(agreed));
    }

    /// The part of an append that lies after what the snapshot covers: everything before is
    /// committed, and therefore equal.
    fn above_base(&self, previous: Position, entries: Entries) -> (Position, Entries) {
        let base = self.log.base();
        if previous.index >= base.index {
            return (previous, entries);
        }
        let rest = entries.from(base.index.next());
        (
            base,
            if rest.first_index() == base.index.next() {
                rest
            } else {
                Entries::empty(base.index.next())
            },
        )
    }

    /// The first entry that this log does not have, or has from another term.
    fn first_difference(&self, entries: &Entries) -> Option<Index> {
        let last = self.log.last_index();
        if entries.first_index() > last {
            return (!entries.is_empty()).then_some(entries.first_index());
        }
        if mutant!(self, TruncateOnStale) {
            let first = entries.first_index().max(self.commit.next());
            return (entries.last()?.index >= first).then_some(first);
        }
        entries
            .iter()
            .find(|(index, entry)| self.log.term(*index) != Some(entry.term))
            .map(|(index, _)| index)
    }

    /// Whether the log takes no more until the host has compacted. What is not committed does not
    /// count: the leader bounds that, and to commit it more may be needed (the entry with which a
    /// leader starts its term), so that a bound on it could stop the group for good.
    fn is_full(&mut self) -> bool {
        let bound = self.config.max_log_bytes;
        let size =
            |entries: u64, bytes: u64| bytes.saturating_add(entries.saturating_mul(ENTRY_OVERHEAD));
        let held = |log: &Log| size(log.last_index() - log.base().index, log.bytes());
        if held(&self.log) <= bound {
            return false;
        }
        // What is kept for followers although a snapshot covers it can go.
        let covered = self.snapshot.position.index;
        if self.log.base().index < covered {
            self.log.compact(covered);
            self.history.compact(covered);
        }
        let (next, last) = (self.commit.next(), self.log.last_index());
        let uncommitted = self.log.slice(next, last, u64::MAX);
        held(&self.log) - size(uncommitted.len() as u64, uncommitted.bytes()) > bound
    }

    /// Puts `entries`, which begin at `from`, in the place of everything from there on.
    fn replace_tail(&mut self, from: Index, entries: Entries) {
        let mut configuration_changed = false;
        if from <= self.log.last_index() {
            self.log.truncate(from);
            if mutant!(self, AckAba) {
                self.writes.stable = self.writes.stable.min(from.previous());
            } else {
                self.writes.truncate(from);
            }
            self.matched = self.matched.min(from.previous());
            if !mutant!(self, KeepTruncatedConfiguration) {
                configuration_changed = self.history.truncate(from);
            }
        }
        for (index, entry) in entries.iter() {
            if let Payload::Configuration(configuration) = &entry.payload {
                self.history.push(index, configuration.clone());
                self.forget_strangers(configuration);
                configuration_changed = true;
            }
        }
        self.log.extend(entries);
        self.log_changed(from);
        if configuration_changed {
            self.configuration_changed();
        }
    }

    fn reject(&mut self, from: NodeId, previous: Position) {
        let hint = self.log.last_at_most(previous.index, previous.term);
        let body = Body::Rejected {
            previous: previous.index,
            hint,
            last: self.writes.stable,
            round: self.round,
        };
        self.send_durable(from, body);
    }

    /// Tells the leader how much of its log is durable here.
    pub(crate) fn acknowledge(&mut self) {
        let Some(leader) = self.leader.filter(|&leader| leader != self.config.id) else {
            self.ack_due = false;
            return;
        };
        let stable = if mutant!(self, AckBeforeSync) {
            self.matched
        } else {
            self.writes.stable
        };
        // What is still being written is acknowledged when it is durable.
        self.ack_due = false;
        if stable >= self.matched || self.log_dirty.is_none() {
            let matched = self.matched.min(stable);
            self.send_durable(
                leader,
                Body::Appended {
                    matched,
                    round: self.round,
                },
            );
        }
    }

    pub(crate) fn on_heartbeat(
        &mut self,
        from: NodeId,
        commit: Index,
        round: u64,
        quiesce: Option<Position>,
    ) {
        let agreed = if mutant!(self, CommitByHeartbeat) {
            self.log.last_index()
        } else {
            self.matched
        };
        self.follow_commit(commit.min(agreed));
        let matched = self.matched.min(self.writes.stable);
        let received = self.matched;
        let quiesced = quiesce.is_some_and(|last| self.may_fall_silent(last));
        if quiesced {
            self.quiesced = true;
            self.deadline = None;
        }
        // Waits for no write: what it says of the log is durable, and for the rest it only says that
        // this node had not turned to a later term, which is true whatever a crash makes it forget.
        self.send(
            from,
            Body::HeartbeatAck {
                matched,
                received,
                round,
                quiesced,
            },
        );
        self.rest();
    }
}
