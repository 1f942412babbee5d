//! Which configuration is in force where in the log.

use super::Configuration;
use crate::raft::position::Index;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The configurations in force along the log: the last one at or before an index holds there. They
/// go away with the entries that brought them.
#[derive(Clone, Debug)]
pub(crate) struct History {
    base: Arc<Configuration>,
    /// Ascending by index.
    later: Vec<(Index, Arc<Configuration>)>,
}

impl History {
    pub(crate) fn new(base: Arc<Configuration>) -> Self {
        Self {
            base,
            later: Vec::new(),
        }
    }

    /// The one in force at the end of the log.
    pub(crate) fn current(&self) -> &Arc<Configuration> {
        self.later
            .last()
            .map_or(&self.base, |(_, configuration)| configuration)
    }

    /// Where the current one stands in the log; zero when it came with the snapshot.
    pub(crate) fn index(&self) -> Index {
        self.later.last().map_or(Index::ZERO, |&(index, _)| index)
    }

    /// The one in force at `index`.
    pub(crate) fn at(&self, index: Index) -> &Arc<Configuration> {
        let after = self.later.partition_point(|&(other, _)| other <= index);
        after
            .checked_sub(1)
            .map_or(&self.base, |last| &self.later[last].1)
    }

    /// Those after `index`.
    pub(crate) fn after(&self, index: Index) -> impl Iterator<Item = &Arc<Configuration>> {
        let after = self.later.partition_point(|&(other, _)| other <= index);
        self.later[after..]
            .iter()
            .map(|(_, configuration)| configuration)
    }

    pub(crate) fn push(&mut self, index: Index, configuration: Arc<Configuration>) {
        debug_assert!(
            self.index() < index,
            "configurations come in the order of the log"
        );
        self.later.push((index, configuration));
    }

    /// Forgets those at `from` and after it; whether there were any.
    pub(crate) fn truncate(&mut self, from: Index) -> bool {
        let keep = self.later.partition_point(|&(index, _)| index < from);
        let any = keep < self.later.len();
        self.later.truncate(keep);
        any
    }

    /// Makes the one in force at `upto` the base.
    pub(crate) fn compact(&mut self, upto: Index) {
        let drop = self.later.partition_point(|&(index, _)| index <= upto);
        if let Some((_, base)) = self.later.drain(..drop).next_back() {
            self.base = base;
        }
    }
}
