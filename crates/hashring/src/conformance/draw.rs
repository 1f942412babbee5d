//! Members, keys and changes from a seed, and the answers to keys as node identities.

use super::step::Step;
use super::subject::Subject;
use crate::{KeyHash, Locality, Member, Membership, NodeId, NodeIdx, Weight};
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::random::{Random, RandomExt, Xoshiro256PlusPlus};

/// The source of everything that a property tries.
pub(super) struct Draw<'a> {
    subject: &'a Subject<'a>,
    random: Xoshiro256PlusPlus,
    /// Whether identities are 1, 2, 3 ... or any numbers.
    counted: bool,
    last: u64,
    located: bool,
}

impl<'a> Draw<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::from_seed(seed);
        Self {
            subject,
            counted: random.below(2) == 0,
            last: 0,
            located: false,
            random,
        }
    }

    /// From here on, members say where they stand, most of them.
    pub(super) fn located(mut self) -> Self {
        self.located = true;
        self
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        // The result is below a usize.
        usize::try_from(self.random.below(bound as u64)).unwrap_or(0)
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.random.below(bound.into())).unwrap_or(0)
    }

    pub(super) fn shuffle<V>(&mut self, items: &mut [V]) {
        self.random.shuffle(items);
    }

    /// A node that was not drawn before, of a weight that it can have, never 0.
    pub(super) fn member(&mut self) -> Member<u64> {
        self.last = if self.counted {
            self.last + 1
        } else {
            self.random.next_u64()
        };
        let member = Member::new(self.last).locality(self.locality());
        if self.subject.capabilities().weighted {
            member.weight(self.weight())
        } else {
            member
        }
    }

    /// 1 to 4.
    pub(super) fn weight(&mut self) -> Weight {
        Weight::new(1 + u32::from(self.small(4)))
    }

    /// At least 3 members, and room for one more.
    pub(super) fn members(&mut self) -> Vec<Member<u64>> {
        let count = 3 + self.below(self.subject.most_nodes() - 3);
        (0..count).map(|_| self.member()).collect()
    }

    fn locality(&mut self) -> Locality {
        let mut place = Locality::default();
        if self.located {
            let zones = 1 + self.small(4);
            if self.small(8) > 0 {
                place = Locality::zone([b'z', self.small(zones)]);
            }
            if self.small(3) > 0 {
                place = place.rack([b'r', self.small(3)]);
            }
            if self.small(3) > 0 {
                place = place.host([b'h', self.small(3)]);
            }
        }
        place
    }

    /// The two ends of the hashes and any others.
    pub(super) fn keys(&mut self, count: usize) -> Vec<KeyHash> {
        let mut keys = vec![KeyHash(0), KeyHash(u64::MAX)];
        keys.extend((2..count).map(|_| KeyHash(self.random.next_u64())));
        keys
    }

    /// A change of any kind: most can be made, some must be refused.
    pub(super) fn step(&mut self, placement: &dyn Membership<Node = u64>) -> Step {
        let ids: Vec<NodeId> = placement.roster().iter().map(|member| member.id).collect();
        let crowded = ids.len() >= self.subject.most_nodes();
        let known = |draw: &mut Self| match ids.len() {
            0 => NodeId(draw.random.next_u64()),
            len => ids[draw.below(len)],
        };
        match self.small(16) {
            0 => Step::Remove(NodeId(self.random.next_u64())),
            1 => Step::Add(Member::new(known(self).0)),
            2 => Step::SetWeight(NodeId(self.random.next_u64()), Weight::ONE),
            3..=7 if !crowded => Step::Add(self.member()),
            8 if !crowded => Step::Add(self.member().weight(self.any_weight())),
            3..=8 => Step::Remove(placement_last(placement).unwrap_or(NodeId(0))),
            9..=11 => Step::Remove(known(self)),
            12 => Step::Remove(placement_last(placement).unwrap_or(NodeId(0))),
            _ => Step::SetWeight(known(self), self.any_weight()),
        }
    }

    /// 0 to 4.
    fn any_weight(&mut self) -> Weight {
        Weight::new(self.small(5).into())
    }
}

/// The node of the highest index: the one that every placement can remove.
pub(super) fn placement_last(placement: &dyn Membership<Node = u64>) -> Option<NodeId> {
    placement.roster().iter().last().map(|member| member.id)
}

/// The identity of the node at an index, which must be there.
#[track_caller]
pub(super) fn id_at(placement: &dyn Membership<Node = u64>, index: NodeIdx) -> NodeId {
    match placement.roster().get(index) {
        Some(member) => member.id,
        None => panic!("the placement answered {index}, where no member is"),
    }
}

#[track_caller]
pub(super) fn owner(placement: &dyn Membership<Node = u64>, key: KeyHash) -> Option<NodeId> {
    placement.owner(key).map(|index| id_at(placement, index))
}

#[track_caller]
pub(super) fn owners(
    placement: &dyn Membership<Node = u64>,
    keys: &[KeyHash],
) -> Vec<Option<NodeId>> {
    keys.iter().map(|&key| owner(placement, key)).collect()
}

#[track_caller]
pub(super) fn replicas(
    placement: &dyn Membership<Node = u64>,
    key: KeyHash,
    count: usize,
) -> Vec<NodeId> {
    let mut out = vec![NodeIdx(u32::MAX); count];
    let found = placement.replicas(key, &mut out);
    (out[..found].iter())
        .map(|&index| id_at(placement, index))
        .collect()
}

/// All nodes in a key's order of preference, found by asking for the first one not yet found.
pub(super) fn preference(placement: &dyn Membership<Node = u64>, key: KeyHash) -> Vec<NodeIdx> {
    let mut order = Vec::new();
    while let Some(next) = placement.owner_where(key, &mut |node| !order.contains(&node)) {
        assert!(
            !order.contains(&next),
            "owner_where answered {next}, which was not accepted"
        );
        order.push(next);
    }
    order
}

/// How many members take keys.
pub(super) fn active(placement: &dyn Membership<Node = u64>) -> usize {
    (placement.roster().iter())
        .filter(|member| !member.weight.is_drain())
        .count()
}
