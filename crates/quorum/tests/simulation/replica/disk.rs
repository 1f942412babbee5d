//! Writes and syncs.

use super::super::ghost::Cause;
use super::super::store::{Checkpoint, Content, DiskWrite};
use super::{Output, Replica};
use purlin_core::time::Instant;
use purlin_quorum::raft::{Entry, SnapshotMeta, Ticket, Write};

/// What is to be done when a record is durable.
#[derive(Debug)]
pub(super) enum Then {
    /// The core waits for it.
    Persisted(Ticket),
    /// The log may start behind this.
    Compacted(SnapshotMeta),
    /// A snapshot of so many bytes is installed.
    Installed(SnapshotMeta, u64),
    Nothing,
}

impl Replica {
    pub(super) fn write(&mut self, write: Write) {
        let content = Content::Write {
            hard_state: write.hard_state,
            entries: write.entries.clone(),
        };
        let record = self.journal.record(content);
        let number = record.id.number;
        let mut ghost = self.ghost.borrow_mut();
        ghost.writes(self.id, number, &write, &self.raft);
        drop(ghost);
        self.outputs
            .push_back(Output::Write(number, DiskWrite::Record(record)));
        self.sync(number, Then::Persisted(write.ticket));
    }

    /// Everything anew, in one step. The log behind the snapshot is `entries`.
    pub(super) fn write_checkpoint(&mut self, entries: Vec<Entry>, then: Then, anew: bool) {
        let (meta, image) = match &then {
            Then::Installed(..) => self.incoming_image(),
            Then::Compacted(meta) => (meta.clone(), self.registers.clone()),
            _ => self.snapshot.clone(),
        };
        let digest = image.digest();
        let record = self
            .journal
            .record(Content::Checkpoint(Box::new(Checkpoint {
                hard_state: self.journal.hard_state,
                meta: meta.clone(),
                image,
                entries,
            })));
        let number = record.id.number;
        let mut ghost = self.ghost.borrow_mut();
        ghost.checkpoints(self.id, number, &meta, digest, anew);
        drop(ghost);
        self.outputs
            .push_back(Output::Write(number, DiskWrite::Record(record)));
        self.sync(number, then);
    }

    /// Writes down how far the state machine is: recovery need not start at the snapshot.
    pub(super) fn write_applied(&mut self) {
        let content = Content::Applied {
            applied: self.applied,
            image: self.registers.clone(),
        };
        let record = self.journal.record(content);
        let number = record.id.number;
        self.outputs
            .push_back(Output::Write(number, DiskWrite::Record(record)));
        self.unsynced.push_back((number, Then::Nothing));
        self.written_applied = self.applied;
    }

    fn sync(&mut self, record: u64, then: Then) {
        self.unsynced.push_back((record, then));
        if !(self.plan.one_sync_at_a_time && self.is_syncing) {
            self.is_syncing = true;
            self.outputs.push_back(Output::Sync(record));
        }
    }

    /// Everything up to `record` is durable.
    pub(super) fn synced(&mut self, now: Instant, record: u64) {
        if self.is_stopped() {
            return;
        }
        self.ghost.borrow_mut().synced(self.id, record);
        let mut persisted = None;
        while self
            .unsynced
            .front()
            .is_some_and(|(next, _)| *next <= record)
        {
            let Some((number, then)) = self.unsynced.pop_front() else {
                break;
            };
            match then {
                Then::Persisted(ticket) => persisted = Some(ticket),
                Then::Nothing => {}
                Then::Compacted(meta) => self.compacted(now, meta, number),
                Then::Installed(meta, bytes) => {
                    // The core hears of things in the order in which it asked for them, and what
                    // it wants of the state machine comes before the snapshot replaces that.
                    self.report_persisted(now, persisted.take());
                    self.drain(now, Cause::Input);
                    self.installed(now, meta, bytes, number);
                }
            }
        }
        self.report_persisted(now, persisted);
        self.is_syncing = false;
        if self.plan.one_sync_at_a_time
            && let Some((last, _)) = self.unsynced.back()
        {
            self.is_syncing = true;
            self.outputs.push_back(Output::Sync(*last));
        }
    }

    fn report_persisted(&mut self, now: Instant, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            let persisted = self.raft.persisted(now, ticket);
            persisted.expect("what was to be written may be durable");
        }
    }

    /// The records before this one are covered by it.
    pub(super) fn prune(&mut self, number: u64) {
        self.outputs
            .push_back(Output::Write(number, DiskWrite::Prune(number)));
    }
}
