//! What a row asks of three nodes, whoever made them.

/// A command of 64 bytes.
pub(super) type Command = [u8; 64];

/// After so many entries a log is compacted.
pub(super) const COMPACTION: u64 = 8192;

/// How long a tick is where nodes have a clock.
pub(super) const TICK: core::time::Duration = core::time::Duration::from_millis(100);

/// Three nodes in one thread, of which the first leads. Messages are handed over, not encoded.
pub(super) trait Cluster {
    /// Proposes `command` so many times at once, and carries messages until all three nodes have
    /// applied all of it. Compacts the logs every [`COMPACTION`] entries.
    fn commit(&mut self, command: &Command, batch: usize);

    /// What the nodes have applied.
    fn applied(&self) -> [Applied; 3];
}

/// A state machine that has to look at every command, and does next to nothing with it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) commands: u64,
    sum: u64,
}

impl Applied {
    #[inline]
    pub(super) fn apply(&mut self, command: &[u8]) {
        let word = command
            .first_chunk()
            .map_or(0, |word| u64::from_le_bytes(*word));
        self.commands += 1;
        self.sum = self.sum.rotate_left(1) ^ word;
    }
}

/// Counts entries until a log is to be compacted.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    entries: u64,
}

impl Compaction {
    /// So many more; whether it is time.
    #[inline]
    pub(super) fn due(&mut self, entries: usize) -> bool {
        self.entries += entries as u64;
        let due = self.entries >= COMPACTION;
        if due {
            self.entries = 0;
        }
        due
    }
}
