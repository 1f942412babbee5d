//! The table itself: filling it, following changes, looking up.

use super::contest::{Contest, slot_key};
use super::{SlotTableBuilder, cap, rows};
use crate::candidates::Candidates;
use crate::error::{BuildError, MembershipError};
use crate::placed::{Change, Strategy};
use crate::roster::Seats;
use crate::spread;
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;

/// No node: indices are below it.
pub(super) const NONE: u16 = u16::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Table {
    options: SlotTableBuilder,
    /// The owner of each slot; empty while no node takes keys.
    owners: Vec<u16>,
    /// By how much to shift a hash to the right for its slot.
    shift: u32,
    /// With a cap: the best node of each slot, full or not. Else empty, as owners are just that.
    best: Vec<u16>,
    /// For each slot its replicas after the owner, [`NONE`] where there are no more nodes.
    rows: Vec<u16>,
    candidates: Candidates,
}

pub(super) fn entry(node: NodeIdx) -> u16 {
    // `admit` keeps indices below `NONE`.
    u16::try_from(node.0).unwrap_or(NONE)
}

pub(super) fn node(entry: u16) -> NodeIdx {
    NodeIdx(u32::from(entry))
}

impl Table {
    pub(super) fn build(options: SlotTableBuilder, seats: &Seats) -> Result<Self, BuildError> {
        if seats.bound() > usize::from(NONE) {
            let limit = u64::from(NONE);
            return Err(BuildError::Member {
                position: usize::from(NONE),
                reason: MembershipError::TooManyNodes { limit },
            });
        }
        let mut table = Self {
            options,
            owners: Vec::new(),
            shift: u64::BITS - options.slots.trailing_zeros(),
            best: Vec::new(),
            rows: Vec::new(),
            candidates: Candidates::new(options.seed, seats),
        };
        table.fill(seats);
        Ok(table)
    }

    /// From nothing.
    fn fill(&mut self, seats: &Seats) {
        let Self {
            options,
            owners,
            best,
            rows,
            ..
        } = self;
        owners.clear();
        best.clear();
        rows.clear();
        if self.candidates.is_empty() {
            return;
        }
        let contest = Contest::new(&self.candidates, seats);
        owners.reserve_exact(options.slots);
        owners.extend((0..options.slots).map(|slot| contest.best(slot)));
        if let Some(percent) = options.max_overload_percent {
            best.clone_from(owners);
            cap::settle(owners, percent, &contest);
        }
        if let depth @ 1.. = options.replicas - 1 {
            rows.resize(options.slots * depth, NONE);
            for (slot, row) in rows.chunks_exact_mut(depth).enumerate() {
                rows::fill(row, slot, owners[slot], &contest);
            }
        }
    }

    /// After a change that leaves nodes to take keys, where there were such before.
    fn update(&mut self, seats: &Seats, change: &Change) {
        let Self {
            options,
            owners,
            best,
            rows,
            ..
        } = self;
        let contest = Contest::new(&self.candidates, seats);
        let before = (options.replicas > 1).then(|| owners.clone());
        let up = change.weight_after() > change.weight_before();
        let follow = if up { gain } else { lose };
        match options.max_overload_percent {
            None => follow(owners, entry(change.index), &contest),
            Some(percent) => {
                follow(best, entry(change.index), &contest);
                owners.clone_from(best);
                cap::settle(owners, percent, &contest);
            }
        }
        let Some(before) = before else { return };
        for (slot, row) in rows.chunks_exact_mut(options.replicas - 1).enumerate() {
            let owner = owners[slot];
            if owner != before[slot] || rows::concerns(change, row, slot, owner, &contest) {
                rows::fill(row, slot, owner, &contest);
            }
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most 22 bits are left")]
    fn slot(&self, key: KeyHash) -> usize {
        (key.0 >> self.shift) as usize
    }

    /// The last hash of the slot that has this one.
    pub(super) fn end_of_slot(&self, key: KeyHash) -> KeyHash {
        KeyHash(key.0 | ((1 << self.shift) - 1))
    }

    /// The replicas of a slot after the owner, as many as are at hand.
    #[inline]
    fn row(&self, slot: usize) -> &[u16] {
        let depth = self.options.replicas - 1;
        self.rows
            .get(slot * depth..(slot + 1) * depth)
            .unwrap_or(&[])
    }
}

/// Gives a node the slots that it now wins. O(slots).
fn gain(best: &mut [u16], winner: u16, contest: &Contest<'_>) {
    for (slot, best) in best.iter_mut().enumerate() {
        let wins = contest.beats(winner, *best, slot);
        *best = if wins { winner } else { *best };
    }
}

/// Takes from a node the slots that it no longer wins. O(slots), and O(nodes) for each that it had.
fn lose(best: &mut [u16], loser: u16, contest: &Contest<'_>) {
    for (slot, best) in best.iter_mut().enumerate() {
        if *best == loser {
            *best = contest.best(slot);
        }
    }
}

impl Strategy for Table {
    fn admit(&self, _: &Seats, change: &Change) -> Result<(), MembershipError> {
        if change.index.0 >= u32::from(NONE) {
            let limit = u64::from(NONE);
            return Err(MembershipError::TooManyNodes { limit });
        }
        Ok(())
    }

    fn apply(&mut self, seats: &Seats, change: &Change) {
        self.candidates.apply(change);
        if self.owners.is_empty() || self.candidates.is_empty() {
            self.fill(seats);
        } else {
            self.update(seats, change);
        }
    }

    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.owners.get(self.slot(key)).map(|&entry| node(entry))
    }

    fn owner_where(
        &self,
        seats: &Seats,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        if let Some(owner) = self.owner(key).filter(|&owner| accept(owner)) {
            return Some(owner);
        }
        let slot = self.slot(key);
        if seats.domains().is_flat() {
            // Then the row is the beginning of the order.
            let row = self.row(slot).iter().take_while(|&&entry| entry != NONE);
            let accepted = row.map(|&entry| node(entry)).find(|&node| accept(node));
            if accepted.is_some() {
                return accepted;
            }
        }
        self.candidates.best_where(slot_key(slot), accept)
    }

    #[inline]
    fn replicas(&self, seats: &Seats, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        let slot = self.slot(key);
        let (Some(&owner), Some((first, rest))) = (self.owners.get(slot), out.split_first_mut())
        else {
            return 0;
        };
        *first = node(owner);
        let row = self.row(slot);
        for (chosen, (place, &entry)) in (1..).zip(rest.iter_mut().zip(row)) {
            if entry == NONE {
                return chosen;
            }
            *place = node(entry);
        }
        let chosen = 1 + row.len();
        if chosen >= out.len() {
            return out.len();
        }
        let key = slot_key(slot);
        spread::replicas(seats, out, chosen, |accept| {
            self.candidates.best_where(key, accept)
        })
    }

    fn check(&self, seats: &Seats) {
        self.candidates.check(seats);
        let anew = Self::build(self.options, seats).expect("what is there fits");
        assert_eq!(self.owners, anew.owners, "owners");
        assert_eq!(self.best, anew.best, "best nodes");
        assert_eq!(self.rows, anew.rows, "rows of replicas");
    }
}
