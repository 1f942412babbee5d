//! A scenario made concrete: every server's time line and every request, the same for whoever
//! balances.

use core::time::Duration;

use purlin_core::random::{Random as _, RandomExt as _, SplitMix64};
use purlin_lb::Instant;

use super::scenario::{Condition, Scenario, Timeline};
use super::work::Work;
use crate::error::LabError;
use crate::workload::{Gaps as _, Poisson, ServiceTimes as _};

/// What a server works on at once; what else comes waits in line.
pub(super) const WORKERS: usize = 4;

/// How long a request takes to a server, and its answer back.
pub(super) const WAY: Duration = Duration::from_micros(250);

/// Nobody balances from the first instant there is.
const START: Instant = Instant::from_secs(60 * 60);

/// Seconds that are simulated and not counted: policies start knowing nothing.
const WARM_UP: u32 = 10;

/// Latencies end here, in seconds: whoever waits has given up.
const PATIENCE: u32 = 5;

/// The mean work that a second of a scenario is meant for.
const MEAN: Duration = Duration::from_millis(10);

/// A request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) at: Instant,
    pub(super) client: usize,
    /// How long a sound server works on it.
    pub(super) work: Duration,
}

/// Servers and requests.
pub(super) struct Arena {
    pub(super) scenario: &'static Scenario,
    pub(super) arrivals: Vec<Arrival>,
    /// For whoever balances: chance of its own, apart from that of the requests.
    pub(super) seed: u64,
    timelines: Vec<Timeline>,
    /// How long a second of the scenario takes: as many requests' work, whatever they are.
    second: Duration,
}

impl Arena {
    /// # Errors
    ///
    /// When the rate of requests is beyond what there are instants for.
    pub(super) fn new(
        scenario: &'static Scenario,
        servers: usize,
        work: &Work,
        seed: u64,
    ) -> Result<Self, LabError> {
        // Streams of their own: another number of servers changes no work.
        let mut seeds = SplitMix64::new(seed);
        let [gaps, mut whose, works, mut troubles] =
            [(); 4].map(|()| SplitMix64::new(seeds.next_u64()));
        let mut works = work.stream(scenario.sigma, works)?;
        let second = Duration::from_secs_f64(work.mean().as_secs_f64() / MEAN.as_secs_f64());
        let timelines = (0..servers)
            .map(|server| scenario.timeline(server, servers, START, second, &mut troubles))
            .collect();
        let capacity: f64 = (0..servers)
            .map(|server| WORKERS as f64 / scenario.slowness(server, servers))
            .sum();
        let mut gaps = Poisson::new(scenario.load * capacity / work.mean().as_secs_f64(), gaps)?;
        let end = START + second * scenario.seconds;
        let mut at = START;
        let arrivals = core::iter::from_fn(|| {
            at = at.saturating_add(gaps.next_gap());
            (at < end).then(|| Arrival {
                at,
                client: below(&mut whose, scenario.clients),
                work: works.next_service_time(),
            })
        });
        Ok(Self {
            scenario,
            arrivals: arrivals.collect(),
            seed: seeds.next_u64(),
            timelines,
            second,
        })
    }

    pub(super) fn servers(&self) -> usize {
        self.timelines.len()
    }

    /// How a server does at that time.
    pub(super) fn condition(&self, server: usize, now: Instant) -> Condition {
        let timeline = &self.timelines[server];
        let later = timeline.partition_point(|(from, _)| *from <= now);
        timeline[later.saturating_sub(1)].1
    }

    /// An instant of the scenario.
    pub(super) fn at_second(&self, second: u32) -> Instant {
        START + self.second * second
    }

    /// The second of the scenario that an instant is in.
    pub(super) fn second_of(&self, now: Instant) -> u32 {
        let seconds = now.saturating_duration_since(START).as_nanos() / self.second.as_nanos();
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    /// From when on requests are counted.
    pub(super) fn counted_from(&self) -> Instant {
        self.at_second(WARM_UP)
    }

    /// The longest latency there is.
    pub(super) fn patience(&self) -> Duration {
        self.second * PATIENCE
    }
}

/// Any of so many.
pub(super) fn below(random: &mut SplitMix64, count: usize) -> usize {
    usize::try_from(random.below(count as u64)).unwrap_or_else(|_| unreachable!("below a usize"))
}
