//! Bringing a placement into line with the endpoints.

use super::{HashPlacement, Hashed, NOWHERE};
use crate::pool::Pool;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::node::{NodeId, NodeIdx, Weight};
use purlin_hashring::{BuildError, Member, MembershipError};

impl<M: HashPlacement> Hashed<M> {
    /// Makes the placement that of the endpoints of this pool.
    pub(super) fn follow(&mut self, pool: Pool<'_>) {
        let changes = self.changes(pool);
        let most = self.placement.max_changes(self.placement.len());
        if changes.is_empty() {
            return;
        }
        if changes.len() > most || self.apply(&changes).is_err() {
            self.build_anew(pool);
        }
    }

    /// What is to change, and the positions of all that stay.
    fn changes(&mut self, pool: Pool<'_>) -> Changes {
        let mut changes = Changes::default();
        let roster = self.placement.roster();
        self.positions.fill(NOWHERE);
        for (position, member) in wanted(pool, &*self.placement) {
            let seat = roster.find(member.node).and_then(|index| roster.get(index));
            let Some(seat) = seat else {
                changes.come.push((position, member));
                continue;
            };
            self.positions[seat.index.get()] = narrow(position);
            if seat.weight != member.weight {
                changes.reweigh.push((member.node, member.weight));
            }
        }
        let stays = |index: NodeIdx| self.positions[index.get()] != NOWHERE;
        let gone = roster.iter().filter(|seat| !stays(seat.index));
        changes.go = gone.map(|seat| seat.id).collect();
        changes
    }

    /// One by one. Where one is refused, some are made.
    fn apply(&mut self, changes: &Changes) -> Result<(), MembershipError> {
        let placement = Arc::make_mut(&mut self.placement);
        // Who goes makes room for who comes.
        for id in &changes.go {
            placement.remove(*id)?;
        }
        for (id, weight) in &changes.reweigh {
            placement.set_weight(*id, *weight)?;
        }
        for (position, member) in &changes.come {
            let index = placement.add(member.clone())?.get();
            if index >= self.positions.len() {
                self.positions.resize(index + 1, NOWHERE);
            }
            self.positions[index] = narrow(*position);
        }
        Ok(())
    }

    fn build_anew(&mut self, pool: Pool<'_>) {
        let wanted: Vec<_> = wanted(pool, &*self.placement).collect();
        let members = wanted.iter().map(|(_, member)| member.clone()).collect();
        self.placement = Arc::new(as_many_as_fit(&*self.placement, members));
        self.positions = nowhere(&*self.placement);
        for (position, member) in wanted {
            if let Some(index) = self.placement.roster().find(member.node) {
                self.positions[index.get()] = narrow(position);
            }
        }
    }
}

#[derive(Default)]
struct Changes {
    come: Vec<(usize, Member<NodeId>)>,
    go: Vec<NodeId>,
    reweigh: Vec<(NodeId, Weight)>,
}

impl Changes {
    fn len(&self) -> usize {
        self.come.len() + self.go.len() + self.reweigh.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The members that a placement is to have, with their positions: all of a weight above 0.
pub(super) fn wanted<'a, M: HashPlacement>(
    pool: Pool<'a>,
    placement: &M,
) -> impl Iterator<Item = (usize, Member<NodeId>)> + use<'a, M> {
    let halvings = halvings(pool, placement.max_total_weight());
    (0..pool.len()).filter_map(move |position| {
        let weight = halved(pool.weight(position), halvings);
        let member = Member::new(pool.id(position)).weight(weight);
        (!weight.is_drain()).then_some((position, member))
    })
}

/// How often weights have to be halved to sum up to no more than `most`.
fn halvings(pool: Pool<'_>, most: u64) -> u32 {
    let total = |halvings: u32| -> u64 {
        let weights = (0..pool.len()).map(|position| halved(pool.weight(position), halvings));
        weights.map(|weight| u64::from(weight.get())).sum()
    };
    // With 31 all are 1. What does not fit then is left out.
    if most == u64::MAX {
        return 0;
    }
    (0..31).find(|times| total(*times) <= most).unwrap_or(31)
}

fn halved(weight: Weight, times: u32) -> Weight {
    let least = u32::from(!weight.is_drain());
    Weight::new((weight.get() >> times).max(least))
}

/// These members, or as many as fit of those of the lowest identities.
fn as_many_as_fit<M: HashPlacement>(of: &M, mut members: Vec<Member<NodeId>>) -> M {
    members.sort_unstable_by_key(|member| member.node);
    let mut fitting = members.len();
    loop {
        match of.over(members.clone()) {
            Ok(placement) => return placement,
            // Without members it is what it was before there were any.
            Err(_) if fitting == 0 => return of.clone(),
            Err(refused) => {
                let position = match refused {
                    BuildError::Member { position, .. } => position,
                    _ => 0,
                };
                fitting = position.min(fitting - 1);
                members.truncate(fitting);
            }
        }
    }
}

/// No positions yet, for every index.
pub(super) fn nowhere<M: HashPlacement>(placement: &M) -> Vec<u32> {
    let last = placement.roster().iter().last();
    vec![NOWHERE; last.map_or(0, |last| last.index.get() + 1)]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cluster has fewer endpoints than u32::MAX"
)]
fn narrow(position: usize) -> u32 {
    position as u32
}
