//! A pick alone: who gets the request, nothing counted, one thread.

use purlin_core::random::{Random as _, SplitMix64};
use purlin_lb::Request;
use purlin_lb::policy::{
    HashPlacement, Hashed, Random, RoundRobin, WeightedRandom, WeightedRoundRobin,
};

use super::fleet::{START, equal, pick, requests, weighted};
use super::floors;
#[cfg(purlin_native_rivals)]
use super::pingora;
#[cfg(feature = "rivals")]
use super::rivals;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over};

pub(super) fn round_robin<const N: u32>(_: &Settings) -> Result<Contest, LabError> {
    let contest = requests()
        .ours("RoundRobin", pick(equal(RoundRobin::from(0), N)?))
        .floor(floors::TURN, floors::turn(N));
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival(
            "loadwise",
            rivals::in_loadwise(rivals::RoundRobin::new(), N),
        )
        .rival(
            "rsbalancer",
            rivals::in_rsbalancer(rsbalancer::round_robin, N),
        );
    #[cfg(purlin_native_rivals)]
    let contest = contest.rival("pingora", pingora::pick::<pingora::RoundRobin>(N, |_| 1)?);
    Ok(contest.build())
}

pub(super) fn weighted_round_robin<const N: u32>(s: &Settings) -> Result<Contest, LabError> {
    let policy = WeightedRoundRobin::seeded(s.seed);
    let contest = requests()
        .ours("WeightedRoundRobin", pick(weighted(policy, N)?))
        .floor(floors::ALIAS, floors::alias(N));
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival(
            "loadwise",
            rivals::in_loadwise(rivals::WeightedRoundRobin::new(), N),
        )
        .rival(
            "rsbalancer",
            rivals::in_rsbalancer(rsbalancer::weighted_round_robin, N),
        );
    #[cfg(purlin_native_rivals)]
    let contest = contest.rival(
        "pingora",
        pingora::pick::<pingora::RoundRobin>(N, super::fleet::weight)?,
    );
    Ok(contest.build())
}

pub(super) fn random<const N: u32>(s: &Settings) -> Result<Contest, LabError> {
    let contest = requests()
        .ours("Random", pick(equal(Random::seeded(s.seed), N)?))
        .floor(floors::DRAW, floors::draw(N));
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival("loadwise", rivals::in_loadwise(rivals::Random::new(), N))
        .rival("rsbalancer", rivals::in_rsbalancer(rsbalancer::random, N));
    #[cfg(purlin_native_rivals)]
    let contest = contest.rival("pingora", pingora::pick::<pingora::Random>(N, |_| 1)?);
    Ok(contest.build())
}

pub(super) fn weighted_random<const N: u32>(s: &Settings) -> Result<Contest, LabError> {
    let policy = WeightedRandom::seeded(s.seed);
    let contest = requests()
        .ours("WeightedRandom", pick(weighted(policy, N)?))
        .floor(floors::ALIAS, floors::alias(N));
    #[cfg(feature = "rivals")]
    let contest = contest.rival(
        "loadwise",
        rivals::in_loadwise(rivals::WeightedRandom::new(), N),
    );
    #[cfg(purlin_native_rivals)]
    let contest = contest.rival(
        "pingora",
        pingora::pick::<pingora::Random>(N, super::fleet::weight)?,
    );
    Ok(contest.build())
}

/// A key of 16 random bytes.
pub(super) type Key = [u8; 16];

/// Requests with a key.
pub(super) fn keys(settings: &Settings) -> Over<Key> {
    let mut random = SplitMix64::new(settings.seed);
    let mut word = || u128::from(random.next_u64());
    let keys = (0..1 << 14).map(|_| (word() << 64 | word()).to_ne_bytes());
    Contest::over(keys.collect())
}

pub(super) fn slot_table<const N: u32>(settings: &Settings) -> Result<Contest, LabError> {
    hashed("slot table", Hashed::slot_table(), N, settings)
}

pub(super) fn maglev<const N: u32>(settings: &Settings) -> Result<Contest, LabError> {
    hashed("Maglev", Hashed::maglev(), N, settings)
}

fn hashed<M: HashPlacement + 'static>(
    name: &str,
    policy: Hashed<M>,
    count: u32,
    settings: &Settings,
) -> Result<Contest, LabError> {
    let contest = keys(settings).ours(name, pick_by_key(policy, count)?);
    #[cfg(purlin_native_rivals)]
    let contest = contest.rival("pingora ketama", pingora::pick_by_key(count)?);
    Ok(contest.build())
}

/// Picks by key; the key is hashed.
pub(super) fn pick_by_key<M: HashPlacement + 'static>(
    policy: Hashed<M>,
    count: u32,
) -> Result<impl FnMut(&Key) -> Option<*const core::net::SocketAddr>, LabError> {
    let cluster = equal(policy, count)?;
    Ok(move |key: &Key| {
        let present = cluster.load();
        let endpoint = present.pick(&Request::new().key(key), START).ok()?;
        Some(core::ptr::from_ref(endpoint.node()))
    })
}
