//! Commands and changes proposed here of which nothing is known yet.

use crate::raft::position::{Index, Position};
use alloc::collections::VecDeque;

/// Positions, ascending by index: a proposal at an index that was proposed before means that the
/// earlier one is lost, and its term tells the two apart.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Position>);

impl Waiting {
    pub(super) fn push(&mut self, position: Position) {
        let at = self
            .0
            .partition_point(|earlier| earlier.index <= position.index);
        self.0.insert(at, position);
    }

    /// The earliest one at `index` or before.
    pub(super) fn take_up_to(&mut self, index: Index) -> Option<Position> {
        let first = *self.0.front()?;
        (first.index <= index).then(|| self.0.pop_front())?
    }
}
