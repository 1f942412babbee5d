//! Ten thousand endpoints beside ten: what their number costs.

use core::net::SocketAddr;

use purlin_lb::policy::{
    Ewma, Hashed, LeastRequest, Random, RoundRobin, WeightedRandom, WeightedRoundRobin,
};
use purlin_lb::{Balancer, Cluster};

use super::fleet::{complete, equal, latencies, pick, requests, weighted};
use super::picks::{keys, pick_by_key};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::Contest;

const FEW: u32 = 10;
const MANY: u32 = 10_000;

/// The contender that bars name.
const OF_FEW: &str = "10 endpoints";
const OF_MANY: &str = "10,000 endpoints";

type Made<P> = Result<Cluster<SocketAddr, P>, LabError>;

fn picked<P: Balancer + 'static>(cluster: impl Fn(u32) -> Made<P>) -> Result<Contest, LabError> {
    let contest = requests()
        .ours(OF_MANY, pick(cluster(MANY)?))
        .floor(OF_FEW, pick(cluster(FEW)?));
    Ok(contest.build())
}

fn completed<P: Balancer + 'static>(
    settings: &Settings,
    cluster: impl Fn(u32) -> Made<P>,
) -> Result<Contest, LabError> {
    let contest = Contest::over(latencies(settings))
        .ours(OF_MANY, complete(cluster(MANY)?))
        .floor(OF_FEW, complete(cluster(FEW)?));
    Ok(contest.build())
}

pub(super) fn round_robin(_: &Settings) -> Result<Contest, LabError> {
    picked(|count| equal(RoundRobin::from(0), count))
}

pub(super) fn weighted_round_robin(s: &Settings) -> Result<Contest, LabError> {
    picked(|count| weighted(WeightedRoundRobin::seeded(s.seed), count))
}

pub(super) fn random(s: &Settings) -> Result<Contest, LabError> {
    picked(|count| equal(Random::seeded(s.seed), count))
}

pub(super) fn weighted_random(s: &Settings) -> Result<Contest, LabError> {
    picked(|count| weighted(WeightedRandom::seeded(s.seed), count))
}

pub(super) fn least_request(s: &Settings) -> Result<Contest, LabError> {
    completed(s, |count| equal(LeastRequest::seeded(s.seed), count))
}

pub(super) fn ewma(s: &Settings) -> Result<Contest, LabError> {
    completed(s, |count| equal(Ewma::seeded(s.seed).peak(), count))
}

pub(super) fn slot_table(s: &Settings) -> Result<Contest, LabError> {
    let contest = keys(s)
        .ours(OF_MANY, pick_by_key(Hashed::slot_table(), MANY)?)
        .floor(OF_FEW, pick_by_key(Hashed::slot_table(), FEW)?);
    Ok(contest.build())
}
