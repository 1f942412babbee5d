//! The endpoints of a pool by zone, and all of them together.

use crate::balancer::Balancer;
use crate::gauge::Gauge;
use crate::pool::{Group, Partition, Place, Pool};
use crate::upstream::Zone;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

/// One policy for each zone, and one for all of them as one.
#[derive(Clone, Debug)]
pub(crate) struct Zones<P> {
    /// What a new zone begins with.
    policy: P,
    pub(crate) whole: P,
    /// By zone; endpoints of no zone are first, as if that were one.
    groups: Vec<ZoneGroup<P>>,
    places: Arc<[Place]>,
}

#[derive(Clone, Debug)]
pub(crate) struct ZoneGroup<P> {
    pub(crate) zone: Option<Zone>,
    pub(crate) group: Group<P>,
    /// The sum of the weights of those that are available.
    available: Gauge,
    /// The sum of the weights of those that would be if all were well.
    present: Gauge,
}

impl<P> ZoneGroup<P> {
    pub(crate) fn available(&self) -> u64 {
        self.available.get()
    }

    pub(crate) fn present(&self) -> u64 {
        self.present.get()
    }
}

impl<P> Deref for Zones<P> {
    type Target = [ZoneGroup<P>];

    fn deref(&self) -> &[ZoneGroup<P>] {
        &self.groups
    }
}

impl<P: Balancer + Clone> Zones<P> {
    pub(crate) fn new(policy: P) -> Self {
        Self {
            whole: policy.clone(),
            policy,
            groups: Vec::new(),
            places: Arc::default(),
        }
    }

    pub(crate) fn rebuild(&mut self, pool: Pool<'_>) {
        let former = core::mem::take(&mut self.groups).into_iter();
        let mut former: BTreeMap<_, _> = former
            .map(|zone| (zone.zone, zone.group.into_policy()))
            .collect();
        let partition = Partition::new(pool, |position| pool.zone(position));
        let groups = partition.groups.into_iter().map(|(zone, positions)| {
            let policy = former.remove(&zone);
            let policy = policy.unwrap_or_else(|| self.policy.clone());
            let mut group = Group::new(pool, positions, policy);
            let (mut available, mut present) = (0, 0);
            group.open().fill(group.len(), |at| {
                let position = group.position(at);
                let bits = pool.open_set().bits(position);
                let weight = u64::from(pool.weight(position).get());
                available += weight * u64::from(bits.0);
                present += weight * u64::from(bits.1);
                bits
            });
            group.open().set_panicking(pool.is_panicking());
            group.build(pool);
            ZoneGroup {
                zone,
                group,
                available: Gauge::new(available),
                present: Gauge::new(present),
            }
        });
        self.groups = groups.collect();
        self.places = partition.places;
        self.whole.rebuild(pool);
    }

    pub(crate) fn flipped(&self, pool: Pool<'_>, position: usize) {
        self.whole.flipped(pool, position);
        let Some(place) = self.places.get(position) else {
            return;
        };
        self.groups[place.group()].open(pool, place.at());
        for zone in &self.groups {
            zone.group.set_panicking(pool, pool.is_panicking());
        }
        self.groups[place.group()].group.flipped(pool, place.at());
    }

    pub(crate) fn prototype(&self) -> &P {
        &self.policy
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(crate) fn check_invariants(&self, pool: Pool<'_>) {
        self.whole.check_invariants(pool);
        let endpoints: usize = self.iter().map(|zone| zone.group.len()).sum();
        assert_eq!(endpoints, pool.len(), "endpoints in zones");
        for zone in self.iter() {
            zone.group.check_invariants(pool);
            let (mut available, mut present) = (0, 0);
            for at in 0..zone.group.len() {
                let position = zone.group.position(at);
                assert_eq!(pool.zone(position), zone.zone, "the zone of an endpoint");
                let bits = zone.group.open().bits(at);
                assert_eq!(bits, pool.open_set().bits(position), "openness in a zone");
                let weight = u64::from(pool.weight(position).get());
                available += weight * u64::from(bits.0);
                present += weight * u64::from(bits.1);
            }
            assert_eq!(zone.available(), available, "the weights of a zone");
            assert_eq!(zone.present(), present, "all weights of a zone");
        }
    }
}

impl<P: Balancer> ZoneGroup<P> {
    /// Follows the openness of its endpoint at that position.
    fn open(&self, pool: Pool<'_>, at: usize) {
        let position = self.group.position(at);
        let (before, now) = (self.group.open().bits(at), pool.open_set().bits(position));
        let weight = pool.weight(position).get().into();
        shift(&self.available, before.0, now.0, weight);
        shift(&self.present, before.1, now.1, weight);
        self.group.open().set(at, now.0, now.1);
    }
}

fn shift(sum: &Gauge, before: bool, now: bool, weight: u64) {
    match (before, now) {
        (false, true) => sum.set(sum.get().saturating_add(weight)),
        (true, false) => sum.set(sum.get().saturating_sub(weight)),
        _ => {}
    }
}
