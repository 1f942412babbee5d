//! Priority: levels of endpoints, of which later ones help out.

mod level;

use self::level::Level;
use super::random::any_admitted;
use crate::balancer::Balancer;
use crate::error::ConfigError;
use crate::estimator::Estimator;
use crate::group::division::Division;
use crate::group::{LevelLoad, PriorityRule, priority_load};
use crate::pool::{Group, Partition, Place, Pool};
use crate::request::Request;
use crate::sampling::draws::{entropy, scaled};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use purlin_core::time::Instant;

/// Endpoints in levels, by [`Upstream::priority`](crate::Upstream): the first level gets everything
/// for as long as enough of it is healthy, then the next one helps out; a policy of type `P` chooses
/// within a level.
///
/// How much each level gets is [`priority_load`]'s to say: with the default overprovisioning factor
/// of 140 %, requests spill over when less than 72 % of a level are healthy.
/// [Degraded](crate::Health::Degraded) endpoints are used when healthy ones are short on all levels.
/// When a level panics, its requests are for all of its endpoints that are not drained, even those
/// that the cluster, by its own threshold, would leave out; when the cluster panics, all levels do.
/// A request that excludes all endpoints of its level goes to another one.
///
/// A pick costs O(levels) at most, and nothing much when one level gets everything; a change of
/// status O(levels), or O(endpoints / 64) where a panic begins or ends; a change of membership
/// O(endpoints), and what `P` needs. Nothing waits for anything. Requests with a
/// [key](crate::Request::key) are divided by it. Each level's policy goes on through updates from
/// where it is. Degraded endpoints have a policy of their own per level, from the first one on.
///
/// ```
/// use purlin_lb::policy::{Priority, RoundRobin};
/// use purlin_lb::{Cluster, Health, Identity, Instant, Request, Upstream};
///
/// let upstreams = [("a", 0), ("b", 0), ("spare", 1)]
///     .map(|(name, level)| Upstream::new(name).priority(level));
/// let cluster = Cluster::new(Priority::new(RoundRobin::new()), upstreams)?;
/// assert_ne!(*cluster.pick_at(Instant::ORIGIN, &Request::new())?.node(), "spare");
///
/// // Half of the first level carries 70 %.
/// cluster.set_health_at(Instant::ORIGIN, "a".id(), Health::Unhealthy)?;
/// let loads: Vec<_> = cluster.load().policy().loads().map(|(_, load)| load.healthy).collect();
/// assert_eq!(loads, [70, 30]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Priority<P> {
    /// What a new level begins with.
    policy: P,
    rule: PriorityRule,
    division: Division,
    /// By priority.
    levels: Vec<Level<P>>,
    places: Arc<[Place]>,
}

const SALT: u64 = 0x7072_696f_7269_7479;

impl<P> Priority<P> {
    /// This policy within each level, and the defaults of [`PriorityRule`].
    #[must_use]
    pub fn new(policy: P) -> Self {
        Self::seeded(policy, entropy())
    }

    /// The same with a seed: the same division each time.
    #[must_use]
    pub fn seeded(policy: P, seed: u64) -> Self {
        Self {
            policy,
            rule: PriorityRule::new(),
            division: Division::new(seed, SALT),
            levels: Vec::new(),
            places: Arc::default(),
        }
    }

    /// See [`PriorityRule::overprovisioning_factor`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn overprovisioning_factor(mut self, percent: u32) -> Result<Self, ConfigError> {
        self.rule = self.rule.overprovisioning_factor(percent)?;
        Ok(self)
    }

    /// See [`PriorityRule::panic_threshold`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn panic_threshold(mut self, percent: u8) -> Result<Self, ConfigError> {
        self.rule = self.rule.panic_threshold(percent)?;
        Ok(self)
    }
}

impl<P: Balancer> Priority<P> {
    /// The levels there are, by priority, and what each gets now.
    pub fn loads(&self) -> impl Iterator<Item = (u8, LevelLoad)> {
        self.levels
            .iter()
            .map(|level| (level.priority, level.load()))
    }

    /// Where a request goes that nobody takes whom it was for: to the healthy endpoints of any level,
    /// to degraded ones, to whomever the pool still has.
    #[cold]
    fn any(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let healthy = self.levels.iter().map(|level| &level.healthy);
        let degraded = self.levels.iter().filter_map(|level| level.degraded.get());
        let mut groups = healthy.chain(degraded);
        groups
            .find_map(|group| group.pick(pool, request, now))
            .or_else(|| any_admitted(pool, request, self.division.word(request)))
    }

    /// The group that the request is for.
    #[inline]
    fn chosen(&self, request: &Request<'_>) -> Option<&Group<P>> {
        let first = self.levels.first()?;
        if first.healthy_to.get() >= 100 {
            return Some(&first.healthy);
        }
        let draw = scaled(self.division.word(request), 100) as u64;
        let healthy = self
            .levels
            .iter()
            .find(|level| draw < level.healthy_to.get());
        if let Some(level) = healthy {
            return Some(&level.healthy);
        }
        let degraded = self
            .levels
            .iter()
            .find(|level| draw < level.degraded_to.get());
        degraded?.degraded.get()
    }

    /// Divides the load anew.
    fn divide(&self) {
        let counts: Vec<_> = self.levels.iter().map(Level::counts).collect();
        let loads = priority_load(self.rule, &counts);
        let mut bound = 0;
        for (level, load) in self.levels.iter().zip(&loads) {
            // In a panic, the healthy group is everyone.
            let degraded = if load.panic { load.degraded } else { 0 };
            bound += u64::from(load.healthy + degraded);
            level.healthy_to.set(bound);
            level.set_load(*load);
        }
        for (level, load) in self.levels.iter().zip(&loads) {
            bound += if load.panic { 0 } else { load.degraded.into() };
            level.degraded_to.set(bound);
        }
    }
}

impl<P: Balancer + Clone> Balancer for Priority<P> {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let chosen = self.chosen(request);
        let picked = chosen.and_then(|group| group.pick(pool, request, now));
        picked.or_else(|| self.any(pool, request, now))
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        let former = core::mem::take(&mut self.levels).into_iter();
        let mut former: BTreeMap<_, _> = former.map(|level| (level.priority, level)).collect();
        let partition = Partition::new(pool, |position| pool.priority(position));
        let levels = partition.groups.into_iter().map(|(priority, positions)| {
            let former = former.remove(&priority);
            Level::new(pool, priority, positions, former, &self.policy)
        });
        self.levels = levels.collect();
        self.places = partition.places;
        self.divide();
        for level in &mut self.levels {
            let panic = level.load().panic || pool.is_panicking();
            level.healthy.open().set_panicking(panic);
            level.healthy.build(pool);
        }
    }

    fn flipped(&self, pool: Pool<'_>, position: usize) {
        let Some(place) = self.places.get(position) else {
            return;
        };
        let level = &self.levels[place.group()];
        level.open(pool, place.at(), &self.policy);
        self.divide();
        for level in &self.levels {
            let panic = level.load().panic || pool.is_panicking();
            level.healthy.set_panicking(pool, panic);
        }
        level.healthy.flipped(pool, place.at());
        if let Some(group) = level.degraded.get() {
            group.flipped(pool, place.at());
        }
    }

    fn estimator(&self) -> Option<Estimator> {
        self.policy.estimator()
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    fn check_invariants(&self, pool: Pool<'_>) {
        let endpoints: usize = self.levels.iter().map(|level| level.healthy.len()).sum();
        assert_eq!(endpoints, pool.len(), "endpoints in levels");
        for level in &self.levels {
            level.check_invariants(pool);
        }
        let total: u64 = (self.loads())
            .map(|(_, load)| u64::from(load.healthy) + u64::from(load.degraded))
            .sum();
        let present = self.levels.iter().any(|level| level.counts().hosts > 0);
        assert_eq!(total, if present { 100 } else { 0 }, "the shares of levels");
    }
}
