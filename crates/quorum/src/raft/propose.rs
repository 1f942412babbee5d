//! Commands that the leader takes.

use super::error::{ProposeError, Refusal};
use super::position::{Index, Position};
use super::role::Role;
use super::{Entries, Entry, Raft};
use alloc::vec::Vec;
use bytes::Bytes;
use purlin_core::time::Instant;

impl Raft {
    /// Appends a command on the leader. It is decided when it comes out in [`Output::Commit`](super::Output::Commit) at the
    /// position answered here; when another entry comes out at that index, it is lost.
    ///
    /// O(1) and one message for each follower that is not behind.
    ///
    /// # Errors
    ///
    /// [`ProposeError`] with the command: this node does not lead, is giving leadership away, or
    /// holds too much that is not committed.
    pub fn propose(
        &mut self,
        now: Instant,
        command: Bytes,
    ) -> Result<Position, ProposeError<Bytes>> {
        if let Err(reason) = self
            .admit(now)
            .and_then(|()| self.check_proposal(&[&command]))
        {
            return Err(ProposeError {
                reason,
                proposal: command,
            });
        }
        self.stir_self();
        let entry = Entry::command(self.hard.term, command);
        let bytes = entry.payload.len() as u64;
        self.append_own(entry);
        Ok(self.proposed(1, bytes))
    }

    /// Appends several commands, all or none, one after the other. The position is that of the first;
    /// of none, that of the last entry.
    ///
    /// # Errors
    ///
    /// As of [`propose`](Self::propose).
    pub fn propose_all(
        &mut self,
        now: Instant,
        commands: Vec<Bytes>,
    ) -> Result<Position, ProposeError<Vec<Bytes>>> {
        if let Err(reason) = self
            .admit(now)
            .and_then(|()| self.check_proposal(&commands))
        {
            return Err(ProposeError {
                reason,
                proposal: commands,
            });
        }
        if commands.is_empty() {
            return Ok(self.log.last());
        }
        self.stir_self();
        let (count, first) = (commands.len() as u64, self.log.last_index().next());
        let term = self.hard.term;
        let mut bytes = 0;
        let entries = commands.into_iter().map(|command| {
            bytes += command.len() as u64;
            Entry::command(term, command)
        });
        let entries = entries.collect();
        self.log.extend(Entries::new(first, entries));
        self.log_changed(first);
        Ok(self.proposed(count, bytes))
    }

    /// Sends what was proposed on its way; the position of its first entry.
    fn proposed(&mut self, count: u64, bytes: u64) -> Position {
        let last = self.log.last_index();
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted.push(last, bytes);
        }
        self.replicate();
        self.finish();
        Position::new(self.hard.term, Index(last.0 - (count - 1)))
    }

    fn check_proposal(&self, commands: &[impl AsRef<[u8]>]) -> Result<(), Refusal> {
        let leader = self.require_leader()?;
        if let Some(transfer) = &leader.transfer {
            return Err(Refusal::TransferInProgress(transfer.to));
        }
        // A leader that is about to go leaves nothing that only a witness and itself have: nobody
        // who could lead would get the witness's vote.
        let configuration = self.configuration();
        if !configuration.is_voter(self.config.id) && !configuration.witnesses().is_empty() {
            return Err(Refusal::Leaving);
        }
        let mut bytes = 0;
        for command in commands {
            let size = command.as_ref().len() as u64;
            if size == 0 {
                return Err(Refusal::EmptyCommand);
            }
            if size > self.config.max_entry_bytes {
                let bound = self.config.max_entry_bytes;
                return Err(Refusal::TooLarge { bytes: size, bound });
            }
            bytes += size;
        }
        let (held, bound) = (
            leader.uncommitted.bytes(),
            self.config.max_uncommitted_bytes,
        );
        if held > 0 && held + bytes > bound {
            return Err(Refusal::TooMuchUncommitted { bytes: held, bound });
        }
        Ok(())
    }
}
