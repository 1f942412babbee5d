//! Rendezvous hashing as slow and obvious as it can be written, over a public `Roster`: the
//! placement that the conformance suite is tried on, whole and with one flaw at a time.

use purlin_hashring::{
    Capabilities, Epoch, Identity, KeyHash, Locality, Member, Membership, MembershipError, NodeId,
    NodeIdx, Placement, Preference, Refused, Roster, Weight,
};
use std::collections::HashMap;

/// What is wrong with a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Every change reshuffles everything.
    SaltedByEpoch,
    /// The order of arrival decides ties, and ties are many.
    TiesByIndex,
    /// The first replica is taken twice.
    RepeatsReplica,
    /// The last node that there is is never a replica.
    ForgetsReplica,
    /// Replicas ignore zones.
    IgnoresZones,
    /// Drained nodes are asked about.
    AsksDrained,
    /// A drained node still owns keys.
    OwnsDrained,
    /// `owner_where` begins with the second best.
    StartsLate,
    /// The epoch stands still.
    StuckEpoch,
    /// Setting the same weight is a change.
    CountsNothing,
    /// The epoch counts what was refused, too.
    CountsRefusals,
    /// A member that comes again is called unknown.
    MisnamesTwins,
    /// Removing an unknown node removes some other one.
    RemovesOther,
    /// A refused member is not given back whole.
    LosesWeight,
    /// There is no room for anybody, though there is.
    RefusesAll,
    /// Weights make no difference.
    IgnoresWeights,
    /// Every weight is accepted by the constructor.
    AcceptsTwins,
    /// The invariants are found broken once somebody has left.
    BreaksInvariants,
}

pub(crate) struct NaiveRendezvous<T> {
    roster: Roster<T>,
    epoch: Epoch,
    flaw: Flaw,
    left: bool,
    places: HashMap<Locality, [String; 3]>,
}

/// What it promises, with or without a flaw.
pub(crate) fn promises() -> Capabilities {
    let mut promises = Capabilities::ALL;
    promises.ranged = false;
    promises
}

impl<T: Identity> NaiveRendezvous<T> {
    pub(crate) fn new(roster: Roster<T>, flaw: Flaw) -> Self {
        Self {
            places: roster
                .iter()
                .map(|m| (m.locality, parts(m.locality)))
                .collect(),
            roster,
            epoch: Epoch::default(),
            flaw,
            left: false,
        }
    }

    /// -ln(u) / weight: an exponential clock of that rate; the first to ring owns the key.
    fn clock(&self, key: KeyHash, id: NodeId, weight: Weight) -> f64 {
        let salt = match self.flaw {
            Flaw::SaltedByEpoch => self.epoch.0,
            _ => 0,
        };
        let mut hash = key.0 ^ salt;
        for byte in id.0.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^= hash >> 29;
        }
        hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash ^= hash >> 32;
        if self.flaw == Flaw::TiesByIndex {
            hash &= 3 << 62;
        }
        let unit = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let weight = match self.flaw {
            Flaw::IgnoresWeights => 1.0,
            Flaw::OwnsDrained => f64::from(weight.get()) + 0.3,
            _ => f64::from(weight.get()),
        };
        -unit.ln() / weight
    }

    /// All nodes that take keys, best first.
    pub(crate) fn order(&self, key: KeyHash) -> Vec<NodeIdx> {
        let mut order: Vec<_> = (self.roster.iter())
            .filter(|m| !m.weight.is_drain() || self.flaw == Flaw::OwnsDrained)
            .map(|m| (self.clock(key, m.id, m.weight), m.id, m.index))
            .collect();
        order.sort_by(|a, b| match self.flaw {
            Flaw::TiesByIndex => a.0.total_cmp(&b.0),
            _ => a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)),
        });
        order.into_iter().map(|(_, _, index)| index).collect()
    }

    /// How many of the chosen nodes stand in the node's zone, in its rack, and on its host.
    fn crowding(&self, node: NodeIdx, chosen: &[NodeIdx]) -> [usize; 3] {
        let place = |index| &self.places[&self.roster.get(index).expect("a member").locality];
        let mine = place(node);
        let mut counts = [0; 3];
        for &other in chosen {
            let other = place(other);
            for level in 0..3 {
                // Of a node whose host is not said, nobody knows that it shares one.
                let apart = level == 2 && mine[2].contains("None");
                counts[level] += usize::from(mine[..=level] == other[..=level] && !apart);
            }
        }
        counts
    }

    fn changed(&mut self) {
        if self.flaw != Flaw::StuckEpoch {
            self.epoch = self.epoch.next();
        }
    }
}

/// Zone, rack and host. A `Locality` shows no parts, but what is printed of it has them in this
/// order.
fn parts(place: Locality) -> [String; 3] {
    let text = format!("{place:?}");
    let mut parts = text.split(", ").map(str::to_owned);
    [(); 3].map(|()| parts.next().expect("zone, rack and host are printed"))
}

impl<T: Identity> Placement for NaiveRendezvous<T> {
    type Node = T;

    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.order(key).first().copied()
    }

    fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        let mut rest = self.order(key);
        if self.flaw == Flaw::ForgetsReplica && rest.len() > 1 {
            rest.pop();
        }
        let mut chosen: Vec<NodeIdx> = Vec::new();
        while chosen.len() < out.len() && !rest.is_empty() {
            let best = (0..rest.len()).min_by_key(|&at| match self.flaw {
                Flaw::IgnoresZones => [0; 3],
                _ => self.crowding(rest[at], &chosen),
            });
            chosen.push(rest.remove(best.expect("the rest is not empty")));
        }
        out[..chosen.len()].copy_from_slice(&chosen);
        if self.flaw == Flaw::RepeatsReplica && chosen.len() > 1 {
            out[1] = out[0];
        }
        chosen.len()
    }

    fn node(&self, index: NodeIdx) -> Option<&T> {
        Some(self.roster.get(index)?.node)
    }

    fn len(&self) -> usize {
        self.roster.len()
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl<T: Identity> Preference for NaiveRendezvous<T> {
    fn owner_where(
        &self,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        if self.flaw == Flaw::AsksDrained {
            for member in self.roster.iter().filter(|m| m.weight.is_drain()) {
                accept(member.index);
            }
        }
        let mut order = self.order(key);
        if self.flaw == Flaw::StartsLate && order.len() > 1 {
            order.swap(0, 1);
        }
        order.into_iter().find(|&index| accept(index))
    }
}

impl<T: Identity> Membership for NaiveRendezvous<T> {
    fn add(&mut self, member: Member<T>) -> Result<NodeIdx, Refused<T>> {
        self.places.insert(member.locality, parts(member.locality));
        if self.flaw == Flaw::RefusesAll {
            let limit = 1_000;
            let reason = MembershipError::TooManyNodes { limit };
            return Err(Refused { member, reason });
        }
        match self.roster.join(member) {
            Ok(index) => {
                self.changed();
                Ok(index)
            }
            Err(refused) if self.flaw == Flaw::LosesWeight => Err(Refused {
                member: refused.member.weight(9),
                reason: refused.reason,
            }),
            Err(mut refused) => {
                let id = refused.member.node.id();
                match self.flaw {
                    Flaw::CountsRefusals => self.changed(),
                    Flaw::MisnamesTwins => refused.reason = MembershipError::Unknown { id },
                    _ => {}
                }
                Err(refused)
            }
        }
    }

    fn remove(&mut self, id: NodeId) -> Result<Member<T>, MembershipError> {
        let first = self.roster.iter().next().map(|member| member.id);
        let id = match first {
            Some(first) if self.flaw == Flaw::RemovesOther && self.roster.find(id).is_none() => {
                first
            }
            _ => id,
        };
        let member = self.roster.leave(id)?;
        self.left = true;
        self.changed();
        Ok(member)
    }

    fn set_weight(&mut self, id: NodeId, weight: Weight) -> Result<Weight, MembershipError> {
        let former = self.roster.reweigh(id, weight)?;
        if former != weight || self.flaw == Flaw::CountsNothing {
            self.changed();
        }
        Ok(former)
    }

    fn roster(&self) -> &Roster<T> {
        &self.roster
    }

    fn check_invariants(&self) {
        assert!(
            self.flaw != Flaw::BreaksInvariants || !self.left,
            "somebody has left"
        );
    }
}
