//! Filling a Maglev table: the part that the native and Envoy's flavour share.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

/// What an entry holds that no node has claimed.
pub(crate) const FREE: u16 = u16::MAX;

/// Node indices are below this: the last `u16` is [`FREE`].
pub(crate) const MAX_NODES: usize = u16::MAX as usize;

/// The largest table, which is also Envoy's limit.
pub(crate) const MAX_SIZE: u64 = 5_000_011;

pub(crate) const DEFAULT_SIZE: u64 = 65_537;

/// The bound of the option `table_size`, in words.
pub(crate) const SIZE_BOUND: &str = "a prime number up to 5000011";

/// Whether a table can have this size. O(sqrt(size)), at most 1,118 divisions.
pub(crate) fn is_table_size(size: u64) -> bool {
    let odd_prime = || {
        (3..)
            .step_by(2)
            .take_while(|d| d * d <= size)
            .all(|d| !size.is_multiple_of(d))
    };
    size == 2 || (3..=MAX_SIZE).contains(&size) && !size.is_multiple_of(2) && odd_prime()
}

/// The slots of a table in a node's order of preference: `offset, offset + skip, ...` modulo the
/// size. The size is prime, so that the order is a permutation whatever the skip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence {
    pub(crate) node: u16,
    /// The next slot of the sequence, below the size.
    pub(crate) next: u32,
    /// In `1..size`.
    pub(crate) skip: u32,
}

/// Fills the table: in every turn a node claims the first free slot of its sequence.
///
/// `turns` yields places in `sequences`. The permutations are walked and never stored, so besides
/// the table this takes memory for the nodes only.
pub(crate) fn fill(
    table: &mut [u16],
    sequences: &mut [Sequence],
    turns: impl Iterator<Item = usize>,
) {
    let size = u32::try_from(table.len()).unwrap_or(u32::MAX);
    table.fill(FREE);
    for turn in turns.take(table.len()) {
        let Sequence { node, next, skip } = &mut sequences[turn];
        // Both are below 2^23, and this is no division.
        let after = |slot: u32| {
            let sum = slot + *skip;
            if sum < size { sum } else { sum - size }
        };
        while table[*next as usize] != FREE {
            *next = after(*next);
        }
        table[*next as usize] = *node;
        *next = after(*next);
    }
}

/// Turns in rounds, where a node sits out the rounds before its next one.
///
/// The rounds are not walked one by one: with a heavy node among thousands of light ones, most
/// rounds are a single node's, and looking at all nodes in each would cost nodes * slots. A turn is
/// O(log nodes).
pub(crate) struct Turns<F> {
    /// The next round and the place of every node, the earliest first.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    next_round: F,
}

impl<F: FnMut(usize) -> u64> Turns<F> {
    /// Everyone has a turn in the first round. `next_round` answers in which one a node that just
    /// had its turn has another, if that is not the very next.
    pub(crate) fn new(nodes: usize, next_round: F) -> Self {
        let due = (0..nodes).map(|place| Reverse((1, place))).collect();
        Self { due, next_round }
    }
}

impl<F: FnMut(usize) -> u64> Iterator for Turns<F> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let mut first = self.due.peek_mut()?;
        let Reverse((round, place)) = *first;
        *first = Reverse(((self.next_round)(place).max(round + 1), place));
        Some(place)
    }
}
