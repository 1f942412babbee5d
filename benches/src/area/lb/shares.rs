//! Rows about weights: how exactly picks follow them.

use purlin_lb::policy::{SmoothWeightedRoundRobin, WeightedRandom, WeightedRoundRobin};
use purlin_lb::{Balancer, Cluster, Identity as _, Instant, Pool, Request, Upstream};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

/// How the smooth weighted round robin strays.
pub(super) fn smooth(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings)
        .ours("smooth-weighted-round-robin", |_| {
            strays(SmoothWeightedRoundRobin::new())
        })?
        .rival("weighted-random", |seed| {
            strays(WeightedRandom::seeded(seed))
        })?;
    Ok(counted.samples())
}

/// How the default one does.
pub(super) fn default(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings)
        .ours("weighted-round-robin", |seed| {
            strays(WeightedRoundRobin::seeded(seed))
        })?
        .rival("weighted-random", |seed| {
            strays(WeightedRandom::seeded(seed))
        })?;
    Ok(counted.samples())
}

const ENDPOINTS: u32 = 100;
const PICKS: u32 = 3_000;

/// The most that any endpoint, weights 1 to 10, is ahead of its share or behind it after any of the
/// picks.
fn strays(policy: impl Balancer) -> Result<f64, LabError> {
    let weight = |endpoint: u32| 1 + endpoint % 10;
    let upstreams = (0..ENDPOINTS).map(|node| Upstream::new(node).weight(weight(node)));
    let sum: u32 = (0..ENDPOINTS).map(weight).sum();
    let cluster = Cluster::new(policy, upstreams)?;
    let mut counts = [0_u32; ENDPOINTS as usize];
    let mut most = 0.0_f64;
    for picks in 1..=PICKS {
        if let Ok(lease) = cluster.pick_at(Instant::ORIGIN, &Request::new()) {
            counts[*lease.node() as usize] += 1;
        }
        for (endpoint, count) in (0_u32..).zip(counts) {
            let due = f64::from(picks * weight(endpoint)) / f64::from(sum);
            most = most.max((f64::from(count) - due).abs());
        }
    }
    Ok(most)
}

const CHURN_PICKS: u32 = 100_000;
const BETWEEN_UPDATES: u32 = 10;

/// By how many percentage points the lighter of two endpoints, weights 99 and 1, misses its share
/// while a third one that gets nothing comes and goes.
pub(super) fn churn(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings)
        .ours("weighted-round-robin", |seed| {
            missed(WeightedRoundRobin::seeded(seed))
        })?
        .rival("smooth weighted, begun anew", |_| {
            missed(BegunAnew(SmoothWeightedRoundRobin::new()))
        })?;
    Ok(counted.samples())
}

/// Who makes a new sequence of each new list of endpoints.
#[derive(Debug, Clone)]
struct BegunAnew(SmoothWeightedRoundRobin);

impl Balancer for BegunAnew {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        self.0.pick(pool, request, now)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.0 = SmoothWeightedRoundRobin::new();
        self.0.rebuild(pool);
    }
}

fn missed(policy: impl Balancer + Clone) -> Result<f64, LabError> {
    let [heavy, light, third] = [0_u32, 1, 2];
    let upstreams = [(heavy, 99_u32), (light, 1)];
    let upstreams = upstreams.map(|(node, weight)| Upstream::new(node).weight(weight));
    let cluster = Cluster::new(policy, upstreams)?;
    let (now, mut hits) = (Instant::ORIGIN, 0_u32);
    for pick in 0..CHURN_PICKS {
        if pick % (2 * BETWEEN_UPDATES) == 0 {
            cluster
                .insert_at(now, Upstream::new(third).weight(0))
                .map_err(|refused| refused.error)?;
        } else if pick % BETWEEN_UPDATES == 0 {
            cluster.remove(third.id())?;
        }
        if let Ok(lease) = cluster.pick_at(now, &Request::new()) {
            hits += u32::from(*lease.node() == light);
        }
    }
    Ok((100.0 * f64::from(hits) / f64::from(CHURN_PICKS) - 1.0).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first endpoint, always.
    #[derive(Debug, Clone)]
    struct First;

    impl Balancer for First {
        fn pick(&self, _: Pool<'_>, _: &Request<'_>, _: Instant) -> Option<usize> {
            Some(0)
        }
    }

    #[test]
    fn who_begins_anew_starves_the_light_endpoint() {
        let policy = BegunAnew(SmoothWeightedRoundRobin::new());
        let missed = missed(policy).expect("distinct endpoints");
        assert!((missed - 1.0).abs() < 1e-9, "{missed}");
    }

    #[test]
    fn who_gets_all_strays_by_all_that_is_not_its_share() {
        // Its weight is 1 of 550.
        let strays = strays(First).expect("distinct endpoints");
        let expected = f64::from(PICKS) * (1.0 - 1.0 / 550.0);
        assert!((strays - expected).abs() < 1e-6, "{strays}");
    }
}
