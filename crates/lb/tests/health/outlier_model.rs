//! The detector against a naive model that keeps each request and works out everything from them.

use crate::traffic::{cluster, lease, sweep};
use alloc::collections::BTreeMap;
use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::health::{Detector, OutlierConfig, OutlierDetector, Verdict};
use purlin_lb::{Instant, NodeId, Upstream};

const INTERVAL: u64 = 10;

#[derive(Clone, Copy, Debug)]
struct Rules {
    base: u64,
    max: u64,
    max_percent: u8,
    strict: bool,
    min_ejected: u32,
    row: u32,
    factor: f64,
    hosts: u32,
    volume: u32,
    percent: u8,
    /// Of 100: 0 or 100.
    enforced: [u8; 3],
}

fn rules() -> impl Strategy<Value = Rules> {
    let enforced = || prop_oneof![1 => Just(0_u8), 3 => Just(100)];
    (
        (1..40_u64, 1..90_u64),
        (0..=100_u8, any::<bool>(), 0..3_u32),
        (1..8_u32, 0.0..2.5_f64, 0..5_u32, 0..8_u32, 0..=100_u8),
        [enforced(), enforced(), enforced()],
    )
        .prop_map(|((base, max), limit, found_by, enforced)| Rules {
            base,
            max,
            max_percent: limit.0,
            strict: limit.1,
            min_ejected: limit.2,
            row: found_by.0,
            factor: found_by.1,
            hosts: found_by.2,
            volume: found_by.3,
            percent: found_by.4,
            enforced,
        })
}

impl Rules {
    fn config(&self) -> OutlierConfig {
        let config = OutlierConfig::new()
            .interval(Duration::from_secs(INTERVAL))
            .and_then(|it| it.base_ejection_time(Duration::from_secs(self.base)))
            .and_then(|it| it.max_ejection_percent(self.max_percent))
            .and_then(|it| it.consecutive_failures(self.row))
            .and_then(|it| it.success_rate_stdev_factor(self.factor))
            .and_then(|it| it.failure_percentage_threshold(self.percent))
            .and_then(|it| it.enforcing_consecutive_failures(self.enforced[0]))
            .and_then(|it| it.enforcing_success_rate(self.enforced[1]))
            .and_then(|it| it.enforcing_failure_percentage(self.enforced[2]));
        config
            .expect("valid")
            .max_ejection_time(Duration::from_secs(self.max))
            .strict_percent(self.strict)
            .min_ejected(self.min_ejected)
            .success_rate_minimum_hosts(self.hosts)
            .success_rate_request_volume(self.volume)
            .failure_percentage_minimum_hosts(self.hosts)
            .failure_percentage_request_volume(self.volume)
    }
}

#[derive(Clone, Debug, Default)]
struct Host {
    /// Since the last sweep.
    requests: Vec<bool>,
    /// Since its failures in a row were last judged.
    row: Vec<bool>,
    out: Option<(u64, u64)>,
    multiplier: u64,
}

impl Host {
    fn failed_last(&self) -> usize {
        self.row.iter().rev().take_while(|well| !**well).count()
    }

    fn rate(&self) -> f64 {
        let well = self.requests.iter().filter(|well| **well).count();
        well as f64 / self.requests.len() as f64
    }
}

struct Model {
    rules: Rules,
    hosts: BTreeMap<u64, Host>,
}

impl Model {
    fn eject(&mut self, now: u64, id: u64, detector: Detector) -> Option<Verdict> {
        let (rules, all) = (self.rules, self.hosts.len() as f64);
        let out = self
            .hosts
            .values()
            .filter(|host| host.out.is_some())
            .count() as f64;
        let enforced = rules.enforced[match detector {
            Detector::ConsecutiveFailures => 0,
            Detector::SuccessRate => 1,
            Detector::FailurePercentage => 2,
        }];
        let most = f64::from(rules.max_percent);
        let by_percent = if rules.strict {
            (out + 1.0) * 100.0 / all <= most + 1e-9
        } else {
            out * 100.0 / all < most - 1e-9
        };
        if !(by_percent || out < f64::from(rules.min_ejected)) || enforced == 0 {
            return None;
        }
        let host = self.hosts.get_mut(&id).expect("it is there");
        let longest = rules.base.max(rules.max);
        host.multiplier = (host.multiplier + 1).min(longest.div_ceil(rules.base));
        let time = (rules.base * host.multiplier).min(longest);
        host.out = Some((now, now + time));
        Some(Verdict::Eject {
            id: NodeId(id),
            detector,
            until: Instant::from_secs(now + time),
        })
    }

    fn observe(&mut self, now: u64, id: u64) -> Option<Verdict> {
        let host = self.hosts.get_mut(&id).expect("it is there");
        if host.out.is_some() || host.failed_last() < self.rules.row as usize {
            return None;
        }
        host.row.clear();
        self.eject(now, id, Detector::ConsecutiveFailures)
    }

    /// Those that are in and had enough requests, by their rate.
    fn rates(&self) -> Vec<(f64, u64)> {
        let least = self.rules.volume.max(1) as usize;
        let in_and_asked = |host: &Host| host.out.is_none() && host.requests.len() >= least;
        let hosts = self.hosts.iter().filter(|(_, host)| in_and_asked(host));
        let mut rates: Vec<_> = hosts.map(|(id, host)| (host.rate(), *id)).collect();
        rates.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        rates
    }

    /// Answers the verdicts, or nothing where rounding may decide.
    fn sweep(&mut self, now: u64) -> Option<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        let mut failed: Vec<_> = self
            .hosts
            .iter()
            .map(|(id, host)| (host.failed_last(), *id))
            .collect();
        failed.sort_by_key(|(count, id)| (usize::MAX - count, *id));
        for (_, id) in failed {
            verdicts.extend(self.observe(now, id));
        }

        let rates = self.rates();
        if rates.len() >= self.rules.hosts as usize {
            let of = rates.len() as f64;
            let mean = rates.iter().map(|(rate, _)| rate).sum::<f64>() / of;
            let square = rates.iter().map(|(rate, _)| rate * rate).sum::<f64>() / of;
            let deviation = (square - mean * mean).max(0.0).sqrt();
            let threshold = mean - deviation * self.rules.factor;
            // All alike: none is worse than the others.
            let alike = rates.first().map(|it| it.0) == rates.last().map(|it| it.0);
            for (rate, id) in rates.into_iter().filter(|_| !alike) {
                if (rate - threshold).abs() < 1e-7 {
                    return None;
                }
                if rate < threshold {
                    verdicts.extend(self.eject(now, id, Detector::SuccessRate));
                }
            }
        }

        let rates = self.rates();
        if rates.len() >= self.rules.hosts as usize {
            for (_, id) in rates {
                let requests = &self.hosts[&id].requests;
                let failed = requests.iter().filter(|well| !**well).count();
                if failed * 100 > usize::from(self.rules.percent) * requests.len() {
                    verdicts.extend(self.eject(now, id, Detector::FailurePercentage));
                }
            }
        }

        for (id, host) in &mut self.hosts {
            host.requests.clear();
            match host.out {
                None => host.multiplier = host.multiplier.saturating_sub(1),
                Some((_, until)) if now > until => {
                    host.out = None;
                    host.row.clear();
                    verdicts.push(Verdict::Readmit { id: NodeId(*id) });
                }
                Some(_) => {}
            }
        }
        Some(verdicts)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Requests {
        id: u64,
        observed: bool,
        outcomes: Vec<bool>,
    },
    Sweep {
        late: u64,
    },
    Early,
    Remove(u64),
    Add(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    let outcomes =
        (0.0..=1.0_f64, any::<[u8; 12]>(), 0..12_usize).prop_map(|(share, draws, len)| {
            let well = draws.map(|draw| f64::from(draw) / 256.0 < share);
            well[..len].to_vec()
        });
    prop_oneof![
        12 => (0..7_u64, any::<bool>(), outcomes)
            .prop_map(|(id, observed, outcomes)| Step::Requests { id, observed, outcomes }),
        5 => (0..4_u64).prop_map(|late| Step::Sweep { late }),
        1 => Just(Step::Early),
        1 => (0..7_u64).prop_map(Step::Remove),
        2 => (0..7_u64).prop_map(Step::Add),
    ]
}

proptest! {
    #[test]
    fn the_detector_does_as_a_list_of_all_requests_says(
        rules in rules(), steps in proptest::collection::vec(steps(), 1..120), seed: u64,
    ) {
        let cluster = cluster(5);
        let mut detector = OutlierDetector::seeded(rules.config(), seed);
        prop_assert_eq!(sweep(&mut detector, &cluster, Instant::ORIGIN), []);
        let hosts = (0..5).map(|id| (id, Host::default())).collect();
        let mut model = Model { rules, hosts };
        let mut now = 0;
        for step in steps {
            match step {
                Step::Requests { id, observed, outcomes } if model.hosts.contains_key(&id) => {
                    for well in outcomes {
                        let lease = lease(&cluster, id);
                        let endpoint = lease.endpoint().clone();
                        let host = model.hosts.get_mut(&id).expect("it is there");
                        host.requests.push(well);
                        host.row.push(well);
                        if well {
                            lease.success_at(Instant::ORIGIN);
                        } else {
                            lease.failure_at(Instant::ORIGIN);
                        }
                        if observed && rules.config().suspects(&endpoint) {
                            let at = Instant::from_secs(now);
                            let verdict = detector.observe_at(at, &endpoint);
                            prop_assert_eq!(verdict, model.observe(now, id));
                            crate::traffic::apply(&cluster, at, Vec::from_iter(verdict));
                        }
                    }
                }
                Step::Sweep { late } => {
                    now += INTERVAL + late;
                    let found = sweep(&mut detector, &cluster, Instant::from_secs(now));
                    match model.sweep(now) {
                        Some(expected) => prop_assert_eq!(found, expected),
                        None => return Ok(()),
                    }
                }
                Step::Early => {
                    let early = now.saturating_add(INTERVAL) - 1;
                    prop_assert_eq!(sweep(&mut detector, &cluster, Instant::from_secs(early)), []);
                    prop_assert_eq!(sweep(&mut detector, &cluster, Instant::ORIGIN), []);
                }
                Step::Remove(id) => {
                    let removed = cluster.remove(NodeId(id)).is_ok();
                    prop_assert_eq!(removed, model.hosts.remove(&id).is_some());
                    // That the detector learns of it, as the model did.
                    now += INTERVAL;
                    let found = sweep(&mut detector, &cluster, Instant::from_secs(now));
                    match model.sweep(now) {
                        Some(expected) => prop_assert_eq!(found, expected),
                        None => return Ok(()),
                    }
                }
                Step::Add(id) if !model.hosts.contains_key(&id) => {
                    let added = cluster.insert_at(Instant::ORIGIN, Upstream::new(NodeId(id)));
                    prop_assert!(added.is_ok());
                    model.hosts.insert(id, Host::default());
                    now += INTERVAL;
                    let found = sweep(&mut detector, &cluster, Instant::from_secs(now));
                    match model.sweep(now) {
                        Some(expected) => prop_assert_eq!(found, expected),
                        None => return Ok(()),
                    }
                }
                Step::Requests { .. } | Step::Add(_) => {}
            }
            let stats = detector.stats();
            let out = model.hosts.values().filter(|host| host.out.is_some()).count();
            prop_assert_eq!(stats.ejected, out);
            prop_assert_eq!(stats.ejected, crate::traffic::ejected(&cluster).len());
        }
    }
}
