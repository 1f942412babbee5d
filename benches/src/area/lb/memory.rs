//! What an endpoint takes in memory, counted at the allocator.

use allocation_counter::measure;
use purlin_lb::Balancer;
use purlin_lb::policy::{Ewma, WeightedRoundRobin};

use super::fleet::weighted;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

const ENDPOINTS: u32 = 10_000;

fn per_endpoint<P: Balancer>(
    settings: &Settings,
    name: &str,
    policy: impl Fn(u64) -> P,
) -> Result<Samples, LabError> {
    let counted = Counted::rounds(settings, 1).ours(name, |seed| {
        let mut built = None;
        let bytes = measure(|| built = Some(weighted(policy(seed), ENDPOINTS)));
        built.transpose()?;
        Ok(bytes.bytes_current as f64 / f64::from(ENDPOINTS))
    })?;
    Ok(counted.samples())
}

pub(super) fn weighted_round_robin(settings: &Settings) -> Result<Samples, LabError> {
    per_endpoint(settings, "WeightedRoundRobin", WeightedRoundRobin::seeded)
}

pub(super) fn ewma(settings: &Settings) -> Result<Samples, LabError> {
    per_endpoint(settings, "Ewma", |seed| Ewma::seeded(seed).peak())
}
