//! The least that any three nodes do: each keeps the command, and somebody counts.

use alloc::sync::Arc;

use super::cluster::{Command, Compaction};

/// Three logs that share their commands.
#[derive(Debug, Default)]
pub(super) struct Floor {
    logs: [Vec<Arc<Command>>; 3],
    committed: u64,
    compaction: Compaction,
}

impl Floor {
    /// Pushes `command` to each log, and counts it; `batch` times. The number of commands so far.
    #[inline]
    pub(super) fn commit(&mut self, command: &Command, batch: usize) -> u64 {
        for _ in 0..batch {
            let command = Arc::new(*command);
            let [first, second, third] = &mut self.logs;
            first.push(Arc::clone(&command));
            second.push(Arc::clone(&command));
            third.push(command);
            self.committed += 1;
        }
        if self.compaction.due(batch) {
            self.logs.iter_mut().for_each(Vec::clear);
        }
        self.committed
    }
}
