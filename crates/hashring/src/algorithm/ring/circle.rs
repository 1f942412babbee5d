//! Which points the members have, and what follows from them.

use super::RingBuilder;
use super::packing::{MAX_NODES, Point};
use super::points::Points;
use crate::bucket::GAMMA;
use crate::error::{BuildError, MembershipError};
use crate::mix::node_key;
use crate::placed::{Change, Strategy};
use crate::roster::Seats;
use crate::spread;
use alloc::vec::Vec;
use core::ops::Range;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeId, NodeIdx};
use purlin_core::random::SplitMix64;

#[derive(Clone, Debug)]
pub(crate) struct Circle {
    options: RingBuilder,
    points: Points,
}

impl RingBuilder {
    /// No more bytes than a machine of 32 bits can address.
    const MOST_POINTS: u32 = 1 << 28;

    fn check(&self) -> Result<(), BuildError> {
        let refuse = |option, value, bound| {
            let value = u64::from(value);
            Err(BuildError::Option {
                option,
                value,
                bound,
            })
        };
        if self.points_per_weight == 0 {
            return refuse("points_per_weight", 0, "at least 1");
        }
        if self.max_points > Self::MOST_POINTS {
            return refuse("max_points", self.max_points, "at most 2^28");
        }
        Ok(())
    }

    /// How many points a weight, or a sum of weights, has, if the ring may have so many.
    fn count(&self, weight: u64) -> Result<u32, MembershipError> {
        let points = weight.saturating_mul(u64::from(self.points_per_weight));
        let fitting = u32::try_from(points).ok();
        fitting
            .filter(|&points| points <= self.max_points)
            .ok_or_else(|| MembershipError::TooManyPoints {
                points,
                limit: u64::from(self.max_points),
            })
    }

    /// Positions of a node, by their number: the more weight it has, the more of this one stream it
    /// has.
    fn positions(&self, id: NodeId, numbers: Range<u32>) -> impl Iterator<Item = u32> + use<> {
        let key = node_key(self.seed, id);
        numbers.map(move |number| {
            let word = key.wrapping_add(GAMMA.wrapping_mul(u64::from(number) + 1));
            (SplitMix64::mix(word) >> 32) as u32
        })
    }

    fn sorted_positions(&self, id: NodeId, numbers: Range<u32>) -> Vec<u32> {
        let mut positions: Vec<u32> = self.positions(id, numbers).collect();
        positions.sort_unstable();
        positions
    }

    fn points(&self, seats: &Seats) -> Points {
        // The sum was admitted, and so is each part of it.
        let count = |weight: u64| self.count(weight).unwrap_or(0);
        let points = || {
            seats.iter_active().flat_map(|(node, seat)| {
                let numbers = 0..count(u64::from(seat.weight.get()));
                let positions = self.positions(seat.id, numbers);
                positions.map(move |position| Point { position, node })
            })
        };
        let total = count(seats.total_weight()) as usize;
        Points::new(total, seats.bound(), points, self.key_of(seats))
    }

    fn key_of(&self, seats: &Seats) -> impl Fn(NodeIdx) -> u64 {
        |node| {
            seats
                .get(node)
                .map_or(0, |seat| node_key(self.seed, seat.id))
        }
    }
}

impl Circle {
    pub(super) fn new(options: RingBuilder, seats: &Seats) -> Result<Self, BuildError> {
        options.check()?;
        if let Err(reason) = options.count(seats.total_weight()) {
            let mut weight = 0;
            let too_many = seats.iter().position(|(_, seat)| {
                weight += u64::from(seat.weight.get());
                options.count(weight).is_err()
            });
            let position = too_many.unwrap_or(0);
            return Err(BuildError::Member { position, reason });
        }
        if seats.bound() > MAX_NODES as usize {
            return Err(BuildError::Member {
                position: MAX_NODES as usize,
                reason: TOO_MANY_NODES,
            });
        }
        Ok(Self {
            points: options.points(seats),
            options,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    pub(super) fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>) {
        let (position, owner) = self.points.reach(from);
        let last = u64::from(position) << 32 | u64::from(u32::MAX);
        (KeyHash(last), owner)
    }
}

const TOO_MANY_NODES: MembershipError = MembershipError::TooManyNodes {
    limit: MAX_NODES as u64,
};

impl Strategy for Circle {
    fn admit(&self, seats: &Seats, change: &Change) -> Result<(), MembershipError> {
        let (before, after) = (change.weight_before(), change.weight_after());
        if before < after {
            let others = seats.total_weight() - u64::from(before);
            self.options.count(others + u64::from(after))?;
        }
        if change.index.0 < MAX_NODES {
            Ok(())
        } else {
            Err(TOO_MANY_NODES)
        }
    }

    fn apply(&mut self, seats: &Seats, change: &Change) {
        // Both were admitted.
        let count = |weight: u64| self.options.count(weight).unwrap_or(0);
        if !(self.points).fits(count(seats.total_weight()) as usize, seats.bound()) {
            self.points = self.options.points(seats);
            return;
        }
        let before = count(u64::from(change.weight_before()));
        let after = count(u64::from(change.weight_after()));
        let (fewer, more) = (before.min(after), before.max(after));
        let positions = self.options.sorted_positions(change.id(), fewer..more);
        if before < after {
            let key_of = self.options.key_of(seats);
            self.points.insert(change.index, &positions, key_of);
        } else if after < before {
            self.points.remove(change.index, &positions);
        }
    }

    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.points.owner(key)
    }

    fn owner_where(
        &self,
        _: &Seats,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        self.points.walk(key).find(|&node| accept(node))
    }

    fn replicas(&self, seats: &Seats, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        if !seats.domains().is_flat() {
            return spread::replicas(seats, out, 0, |accept| self.owner_where(seats, key, accept));
        }
        let wanted = out.len().min(seats.active());
        spread::first_distinct(self.points.walk(key), &mut out[..wanted])
    }

    fn check(&self, seats: &Seats) {
        let anew = self.options.points(seats);
        self.points.check(&anew);
    }
}
