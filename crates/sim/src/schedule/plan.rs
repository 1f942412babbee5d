use super::{Duration, Fault, Incident, Instant, Schedule};
use crate::{ClockStep, Latency, NodeSet, Probability};
use purlin_core::node::NodeId;
use purlin_core::random::{Random, RandomExt, Xoshiro256PlusPlus};

/// The kinds of [`Fault`] a plan draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// [`Fault::Crash`] or [`Fault::CrashInStep`].
    Crash,
    /// [`Fault::Wipe`]. Not in a plan unless asked for: losing a disk is beyond what most protocols
    /// promise to survive.
    Wipe,
    /// [`Fault::Pause`].
    Pause,
    /// [`Fault::Slow`].
    Slow,
    /// [`Fault::Cut`] of one node's messages to another, or to all others.
    Cut,
    /// [`Fault::Split`] of a random minority.
    Split,
    /// [`Fault::Loss`].
    Loss,
    /// [`Fault::Delay`].
    Delay,
    /// [`Fault::SyncErrors`].
    SyncErrors,
    /// [`Fault::SlowDisk`].
    SlowDisk,
    /// [`Fault::ClockStep`].
    ClockStep,
    /// [`Fault::WallClockStep`].
    WallClockStep,
    /// [`Fault::ClockDrift`].
    ClockDrift,
}

impl FaultKind {
    /// What a plan draws from unless told otherwise: all but [`Wipe`](Self::Wipe).
    pub const USUAL: [Self; 12] = [
        Self::Crash,
        Self::Pause,
        Self::Slow,
        Self::Cut,
        Self::Split,
        Self::Loss,
        Self::Delay,
        Self::SyncErrors,
        Self::SlowDisk,
        Self::ClockStep,
        Self::WallClockStep,
        Self::ClockDrift,
    ];
}

/// Generates random schedules.
///
/// Incidents begin as a Poisson process and last for exponentially distributed times; all end
/// before the plan does, so that a run may go on in peace and be checked for recovery.
///
/// ```
/// use core::time::Duration;
/// use purlin_sim::{FaultKind, FaultPlan};
///
/// let plan = FaultPlan::new(5, Duration::from_secs(60)).intensity(200).kinds(&[FaultKind::Crash, FaultKind::Split]);
/// let schedule = plan.schedule(42);
/// assert!(schedule.len() > 60); // about two a second
/// assert!(schedule.incidents().iter().all(|incident| incident.until().as_millis() <= 60_000));
/// assert_eq!(schedule, plan.schedule(42));
/// ```
#[derive(Clone, Debug)]
pub struct FaultPlan {
    nodes: usize,
    until: Duration,
    intensity: u32,
    mean_length: Duration,
    max_down: usize,
    kinds: Vec<FaultKind>,
}

impl FaultPlan {
    /// A plan for nodes `0..nodes` from the start of a run `until` then: intensity 100, incidents
    /// of 500 ms on average, at most a minority of the nodes down at once, of the
    /// [usual](FaultKind::USUAL) kinds.
    #[must_use]
    pub fn new(nodes: usize, until: Duration) -> Self {
        Self {
            nodes,
            until,
            intensity: 100,
            mean_length: Duration::from_millis(500),
            max_down: nodes.saturating_sub(1) / 2,
            kinds: FaultKind::USUAL.to_vec(),
        }
    }

    /// How many incidents begin in 100 simulated seconds, on average, in the whole cluster; 0 for
    /// none.
    #[must_use]
    pub const fn intensity(mut self, per_100_seconds: u32) -> Self {
        self.intensity = per_100_seconds;
        self
    }

    /// How long an incident lasts on average.
    #[must_use]
    pub const fn mean_length(mut self, mean: Duration) -> Self {
        self.mean_length = mean;
        self
    }

    /// How many nodes may be crashed or wiped at the same time.
    #[must_use]
    pub const fn max_down(mut self, nodes: usize) -> Self {
        self.max_down = nodes;
        self
    }

    /// Draws only from these kinds, each as likely as the others; repeat one to make it more
    /// likely.
    #[must_use]
    pub fn kinds(mut self, kinds: &[FaultKind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// The schedule of a seed.
    #[must_use]
    pub fn schedule(&self, seed: u64) -> Schedule {
        if self.intensity == 0 || self.kinds.is_empty() || self.nodes == 0 {
            return Schedule::new();
        }
        let mut random = Xoshiro256PlusPlus::from_seed(seed);
        let gap = Latency::Exponential {
            min: Duration::from_nanos(1),
            mean: Duration::from_secs(100) / self.intensity,
        };
        let length = Latency::Exponential {
            min: Duration::from_millis(1),
            mean: self.mean_length,
        };
        let end = Instant::ORIGIN + self.until;
        let mut exactly = Instant::ORIGIN;
        let mut incidents: Vec<Incident> = Vec::new();
        let mut stops: Vec<Incident> = Vec::new();
        loop {
            // Whole microseconds, so that a schedule prints short. Rounding must not stop the time
            // of an intense plan.
            exactly += gap.sample(&mut random);
            let at = whole_micros(exactly);
            if exactly >= end {
                return incidents.into_iter().collect();
            }
            let lasts = length.sample(&mut random).min(end - at);
            let incident = Incident {
                at,
                lasts: Duration::from_micros(u64::try_from(lasts.as_micros()).unwrap_or(u64::MAX)),
                fault: self.fault(&mut random),
            };
            stops.retain(|stop| stop.until() >= at);
            let is_stop = incident.fault.stops_its_node();
            if is_stop {
                if !self.leaves_enough_up(&stops, &incident) {
                    continue;
                }
                stops.push(incident.clone());
            }
            incidents.push(incident);
        }
    }

    /// Whether at most `max_down` nodes are down at once with this stop, beside those that still
    /// last.
    fn leaves_enough_up(&self, lasting: &[Incident], stop: &Incident) -> bool {
        let stops = lasting.iter().chain([stop]);
        let down: NodeSet = stops.filter_map(|stop| stop.fault.node()).collect();
        down.len() <= self.max_down
    }

    fn fault(&self, random: &mut Xoshiro256PlusPlus) -> Fault {
        let node = self.node(random);
        match self.kinds[index_below(random, self.kinds.len())] {
            FaultKind::Crash if random.below(2) == 0 => Fault::CrashInStep(node),
            FaultKind::Crash => Fault::Crash(node),
            FaultKind::Wipe => Fault::Wipe(node),
            FaultKind::Pause => Fault::Pause(node),
            FaultKind::Slow => Fault::Slow(node, millis_below(random, 20)),
            FaultKind::Cut => {
                let other = self.node(random);
                let from: NodeSet = [node].into_iter().collect();
                let to = match random.below(2) {
                    0 => [other].into_iter().collect(),
                    _ => from.complement(self.nodes),
                };
                // Half of the one-way cuts deafen instead of muting.
                match random.below(2) {
                    0 => Fault::Cut { from, to },
                    _ => Fault::Cut { from: to, to: from },
                }
            }
            FaultKind::Split => Fault::Split(self.minority(random)),
            FaultKind::Loss => Fault::Loss(Probability::percent(5 + percent_below(random, 60))),
            FaultKind::Delay => Fault::Delay(millis_below(random, 200)),
            FaultKind::SyncErrors => Fault::SyncErrors(node),
            FaultKind::SlowDisk => Fault::SlowDisk(node, millis_below(random, 200)),
            FaultKind::ClockStep => Fault::ClockStep(node, step(random)),
            FaultKind::WallClockStep => Fault::WallClockStep(node, step(random)),
            FaultKind::ClockDrift => {
                let ppm = i32::try_from(random.below(100_001)).unwrap_or(0) - 50_000;
                Fault::ClockDrift(node, ppm)
            }
        }
    }

    fn node(&self, random: &mut impl Random) -> NodeId {
        NodeId(random.below(self.nodes as u64))
    }

    /// Between one node and half of them.
    fn minority(&self, random: &mut impl Random) -> NodeSet {
        let mut members = vec![0; 1 + index_below(random, (self.nodes / 2).max(1))];
        let count = random.sample(self.nodes, &mut members);
        members[..count]
            .iter()
            .map(|member| NodeId(*member as u64))
            .collect()
    }
}

fn step(random: &mut impl Random) -> ClockStep {
    let by = millis_below(random, 2_000);
    match random.below(2) {
        0 => ClockStep::Forward(by),
        _ => ClockStep::Back(by),
    }
}

fn whole_micros(at: Instant) -> Instant {
    Instant::from_micros(at.as_nanos() / 1_000)
}

fn index_below(random: &mut impl Random, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).unwrap_or(0)
}

fn percent_below(random: &mut impl Random, bound: u32) -> u32 {
    u32::try_from(random.below(u64::from(bound))).unwrap_or(0)
}

/// At least one millisecond, below the bound and one.
fn millis_below(random: &mut impl Random, bound: u64) -> Duration {
    Duration::from_millis(1 + random.below(bound))
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind, FaultPlan};
    use core::time::Duration;
    use std::collections::HashSet;

    #[test]
    fn a_plan_keeps_its_promises() {
        let plan = FaultPlan::new(5, Duration::from_secs(100))
            .intensity(3_000)
            .kinds(&[FaultKind::Crash, FaultKind::Wipe, FaultKind::Split])
            .max_down(2);
        for seed in 0..20 {
            let schedule = plan.schedule(seed);
            assert!(
                schedule.len() > 500,
                "splits alone are about a thousand, not {}",
                schedule.len()
            );
            let incidents = schedule.incidents();
            assert!(incidents.is_sorted_by_key(|incident| incident.at));
            for incident in incidents {
                let down: HashSet<_> = incidents
                    .iter()
                    .filter(|other| other.at <= incident.at && other.until() >= incident.at)
                    .filter(|other| other.fault.stops_its_node())
                    .filter_map(|other| other.fault.node())
                    .collect();
                assert!(down.len() <= 2, "{down:?} are down at {}", incident.at);
                if let Fault::Split(side) = &incident.fault {
                    assert!((1..=2).contains(&side.len()));
                }
            }
        }
    }

    #[test]
    fn every_kind_is_drawn_and_only_those_asked_for() {
        let kinds = |plan: FaultPlan| -> HashSet<_> {
            let schedule = plan.intensity(2_000).schedule(1);
            schedule
                .incidents()
                .iter()
                .map(|incident| core::mem::discriminant(&incident.fault))
                .collect()
        };
        assert_eq!(
            kinds(FaultPlan::new(4, Duration::from_secs(100))).len(),
            FaultKind::USUAL.len() + 1, // a crash comes in two forms
        );
        assert_eq!(
            kinds(FaultPlan::new(4, Duration::from_secs(100)).kinds(&[FaultKind::Loss])).len(),
            1
        );
        assert!(kinds(FaultPlan::new(0, Duration::from_secs(100))).is_empty());
        assert!(
            FaultPlan::new(4, Duration::from_secs(100))
                .intensity(0)
                .schedule(1)
                .is_empty()
        );
    }
}
