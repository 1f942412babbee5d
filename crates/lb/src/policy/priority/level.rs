//! One level of priority.

use crate::balancer::Balancer;
use crate::gauge::Gauge;
use crate::group::{LevelCounts, LevelLoad};
use crate::pool::{Group, Pool};
use crate::status::Health;
use alloc::sync::Arc;
use std::sync::OnceLock;

/// The endpoints of one level, in two groups.
#[derive(Clone, Debug)]
pub(super) struct Level<P> {
    pub(super) priority: u8,
    pub(super) healthy: Group<P>,
    /// Since some endpoint of the level is degraded, or was.
    pub(super) degraded: OnceLock<Group<P>>,
    load: Gauge,
    /// Requests are for the first of these whose bound is above their draw, out of 100: of all levels
    /// the healthy ones, then of all levels the degraded ones.
    pub(super) healthy_to: Gauge,
    pub(super) degraded_to: Gauge,
}

impl<P: Balancer> Level<P> {
    pub(super) fn load(&self) -> LevelLoad {
        unpack(self.load.get())
    }

    pub(super) fn set_load(&self, load: LevelLoad) {
        self.load.set(pack(load));
    }

    pub(super) fn counts(&self) -> LevelCounts {
        let (healthy, hosts) = self.healthy.open().counts();
        let degraded = self.degraded.get().map(|group| group.open().counts().0);
        LevelCounts {
            hosts,
            healthy,
            degraded: degraded.unwrap_or(0),
            excluded: 0,
        }
    }

    /// Whether its endpoint at that position is healthy, whether it is degraded, and whether it takes
    /// requests in a panic.
    fn classify(&self, pool: Pool<'_>, at: usize) -> (bool, bool, bool) {
        let position = self.healthy.position(at);
        let (sound, present) = pool.open_set().bits(position);
        let degraded = pool.state(position).status().health() == Health::Degraded;
        (sound && !degraded, sound && degraded, present)
    }

    /// The group of its degraded endpoints.
    fn degraded_under(&self, pool: Pool<'_>, policy: P) -> Group<P> {
        let mut group = self.healthy.beside(pool, policy);
        group.open().fill(group.len(), |at| {
            let (_, degraded, _) = self.classify(pool, at);
            (degraded, degraded)
        });
        group.build(pool);
        group
    }

    /// Follows the openness of its endpoint at that position.
    pub(super) fn open(&self, pool: Pool<'_>, at: usize, policy: &P)
    where
        P: Clone,
    {
        let (healthy, degraded, present) = self.classify(pool, at);
        self.healthy.open().set(at, healthy, present);
        if let Some(group) = self.degraded.get() {
            group.open().set(at, degraded, degraded);
        } else if degraded {
            self.degraded
                .get_or_init(|| self.degraded_under(pool, policy.clone()));
        }
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn check_invariants(&self, pool: Pool<'_>) {
        self.healthy.check_invariants(pool);
        for at in 0..self.healthy.len() {
            let found = pool.priority(self.healthy.position(at));
            assert_eq!(found, self.priority, "the level of an endpoint");
            let (healthy, _, present) = self.classify(pool, at);
            assert_eq!(self.healthy.open().bits(at), (healthy, present));
        }
        if let Some(group) = self.degraded.get() {
            group.check_invariants(pool);
        }
    }
}

impl<P: Balancer + Clone> Level<P> {
    /// A level of these endpoints, whose healthy group is not built yet.
    pub(super) fn new(
        pool: Pool<'_>,
        priority: u8,
        positions: Arc<[u32]>,
        former: Option<Self>,
        prototype: &P,
    ) -> Self {
        let (policy, degraded) = match former {
            Some(former) => {
                let degraded = former.degraded.into_inner().map(Group::into_policy);
                (former.healthy.into_policy(), degraded)
            }
            None => (prototype.clone(), None),
        };
        let level = Self {
            priority,
            healthy: Group::new(pool, positions, policy),
            degraded: OnceLock::new(),
            load: Gauge::default(),
            healthy_to: Gauge::default(),
            degraded_to: Gauge::default(),
        };
        let mut any_degraded = false;
        level.healthy.open().fill(level.healthy.len(), |at| {
            let (healthy, degraded, present) = level.classify(pool, at);
            any_degraded |= degraded;
            (healthy, present)
        });
        if let Some(policy) = degraded.or_else(|| any_degraded.then(|| prototype.clone())) {
            level
                .degraded
                .get_or_init(|| level.degraded_under(pool, policy));
        }
        level
    }
}

fn pack(load: LevelLoad) -> u64 {
    u64::from(u32::from_le_bytes([
        load.healthy,
        load.degraded,
        load.panic.into(),
        0,
    ]))
}

fn unpack(word: u64) -> LevelLoad {
    let [healthy, degraded, panic, ..] = word.to_le_bytes();
    LevelLoad {
        healthy,
        degraded,
        panic: panic != 0,
    }
}
