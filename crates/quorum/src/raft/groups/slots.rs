//! The groups of a machine, by slot and by name.

#[cfg(test)]
mod tests;

use super::message::GroupId;
use crate::raft::{Configuration, Raft};
use alloc::collections::{BTreeMap, btree_map};
use alloc::sync::Arc;
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// One group.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: GroupId,
    pub(super) raft: Raft,
    pub(super) standing: Standing,
    /// When the timer that counts is due.
    pub(super) timer: Option<Instant>,
    /// Its members, as far as the table of peers has heard.
    pub(super) members: Arc<Configuration>,
}

/// What a group wants of its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A timer.
    Timed,
    /// To be called at each beat: it leads.
    Beating,
    /// Nothing: it leads, and all are silent.
    SilentLeader,
    /// To be woken when that machine is lost: it is silent, and led there.
    SilentUnder(NodeId),
}

impl Standing {
    pub(super) fn of(raft: &Raft) -> Self {
        match (raft.is_leader(), raft.is_quiesced(), raft.leader()) {
            (true, false, _) => Self::Beating,
            (true, true, _) => Self::SilentLeader,
            (false, true, Some(leader)) => Self::SilentUnder(leader),
            (false, ..) => Self::Timed,
        }
    }

    pub(super) fn leads(self) -> bool {
        matches!(self, Self::Beating | Self::SilentLeader)
    }
}

/// Where each group is.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    by_id: BTreeMap<GroupId, u32>,
    free: Vec<u32>,
    used: u32,
}

impl Index {
    pub(super) fn get(&self, id: GroupId) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (GroupId, u32)> + '_ {
        self.by_id.iter().map(|(&id, &slot)| (id, slot))
    }

    /// A slot for a group that is not there yet; `None` when it is, or when 2^32 others are.
    pub(super) fn insert(&mut self, id: GroupId) -> Option<u32> {
        let btree_map::Entry::Vacant(entry) = self.by_id.entry(id) else {
            return None;
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = self.used;
                self.used = slot.checked_add(1)?;
                slot
            }
        };
        Some(*entry.insert(slot))
    }

    pub(super) fn remove(&mut self, id: GroupId) -> Option<u32> {
        let slot = self.by_id.remove(&id)?;
        self.free.push(slot);
        Some(slot)
    }

    /// Looks up many groups: in ascending order each costs O(1).
    pub(super) fn lookup(&self) -> Lookup<'_> {
        Lookup {
            index: self,
            after: self.by_id.range(..),
            at: None,
        }
    }
}

/// Looks up groups from where the last one was found.
pub(super) struct Lookup<'a> {
    index: &'a Index,
    after: btree_map::Range<'a, GroupId, u32>,
    at: Option<(GroupId, u32)>,
}

/// As many groups may lie between two that are looked up for a walk to be worth it.
const STEPS: usize = 16;

impl Lookup<'_> {
    #[inline]
    pub(super) fn get(&mut self, id: GroupId) -> Option<u32> {
        for _ in 0..STEPS {
            match self.at {
                Some((at, slot)) if at == id => return Some(slot),
                Some((at, _)) if at > id => break,
                _ => match self.after.next() {
                    Some((&at, &slot)) => self.at = Some((at, slot)),
                    None => break,
                },
            }
        }
        self.after = self.index.by_id.range(id..);
        self.at = self.after.next().map(|(&at, &slot)| (at, slot));
        self.at.filter(|&(at, _)| at == id).map(|(_, slot)| slot)
    }
}

/// A set of slots, visited in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotSet {
    words: Vec<u64>,
    len: usize,
}

impl SlotSet {
    pub(super) fn insert(&mut self, slot: u32) {
        let word = slot as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let bit = 1 << (slot % 64);
        self.len += usize::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(word) = self.words.get_mut(slot as usize / 64) {
            let bit = 1 << (slot % 64);
            self.len -= usize::from(*word & bit != 0);
            *word &= !bit;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first one at `from` or after it.
    pub(super) fn next(&self, from: u32) -> Option<u32> {
        let start = from as usize / 64;
        let above = u64::MAX << (from % 64);
        let words = self.words.iter().enumerate().skip(start);
        words
            .map(|(at, &word)| (at, if at == start { word & above } else { word }))
            .find(|&(_, word)| word != 0)
            .and_then(|(at, word)| Some(u32::try_from(at).ok()? * 64 + word.trailing_zeros()))
    }
}
