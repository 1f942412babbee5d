//! The adaptive algorithms in closed loops with a server, and on any samples at all.

use core::cmp::Reverse;
use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::Instant;
use purlin_ratelimit::concurrency::{
    Aimd, Gradient2, LimitAlgorithm, Outcome, Sample, Statistic, Vegas, Windowed,
};
use std::collections::BinaryHeap;

const MILLI: u64 = 1_000_000;

/// So many workers behind a queue, each call 10 ms or a little more; and callers that always have
/// another call, so that the limit is all that holds them back.
struct Server {
    now: u64,
    service: u64,
    /// When each worker is free.
    workers: BinaryHeap<Reverse<u64>>,
    /// End, start and number in flight of each call.
    calls: BinaryHeap<Reverse<(u64, u64, u32)>>,
    served: u64,
}

impl Server {
    fn new(workers: usize) -> Self {
        Self {
            now: 0,
            service: 10 * MILLI,
            workers: (0..workers).map(|_| Reverse(0)).collect(),
            calls: BinaryHeap::new(),
            served: 0,
        }
    }

    fn admit(&mut self) {
        let Reverse(free) = self.workers.pop().expect("there are workers");
        let jitter = self.served * 7_919 % 1_000 * (self.service / 10_000);
        let end = free.max(self.now) + self.service + jitter;
        self.workers.push(Reverse(end));
        let in_flight = u32::try_from(self.calls.len()).expect("few") + 1;
        self.calls.push(Reverse((end, self.now, in_flight)));
        self.served += 1;
    }

    /// Serves so many calls under the limit; the least and the greatest of the second half.
    /// Calls longer than the `timeout` end as dropped.
    fn serve(
        &mut self,
        algorithm: &mut impl LimitAlgorithm,
        calls: u64,
        timeout: Duration,
    ) -> (u32, u32) {
        let (mut least, mut greatest) = (u32::MAX, 0);
        for nth in 0..calls {
            while self.calls.len() < algorithm.limit() as usize {
                self.admit();
            }
            let Reverse((end, started, in_flight)) = self.calls.pop().expect("it admits");
            self.now = end;
            let rtt = Duration::from_nanos(end - started);
            let is_late = rtt > timeout;
            algorithm.update(&Sample {
                started: Instant::from_nanos(started),
                rtt,
                in_flight,
                outcome: if is_late {
                    Outcome::Dropped
                } else {
                    Outcome::Success
                },
            });
            if nth >= calls / 2 {
                least = least.min(algorithm.limit());
                greatest = greatest.max(algorithm.limit());
            }
        }
        (least, greatest)
    }
}

const PATIENT: Duration = Duration::MAX;

/// 2 million calls are hundreds of probes: an estimate that drifts by a call each would be far off.
#[test]
fn vegas_finds_the_capacity_and_does_not_drift() {
    let mut vegas = Vegas::builder().build().expect("valid");
    let mut server = Server::new(50);
    let (least, greatest) = server.serve(&mut vegas, 2_000_000, PATIENT);
    println!(
        "vegas: {least}..={greatest}, no-load {:?}",
        vegas.rtt_noload()
    );
    // At half the limit while it probes.
    assert!((25..=30).contains(&least), "{least}");
    assert!((53..=75).contains(&greatest), "{greatest}");
    let rtt = vegas.rtt_noload().expect("it has seen calls");
    assert!((10_000..11_200).contains(&rtt.as_micros()), "{rtt:?}");
}

#[test]
fn probing_costs_vegas_little() {
    let mut vegas = Vegas::builder().build().expect("valid");
    let mut server = Server::new(50);
    server.serve(&mut vegas, 1_000_000, PATIENT);
    let ideal = 1_000_000.0 / 50.0 * 10.5e6;
    let efficiency = ideal / server.now as f64;
    println!("vegas: {:.1} % of the capacity", efficiency * 100.0);
    assert!(efficiency > 0.94, "{efficiency}");
}

#[test]
fn vegas_follows_a_server_that_became_slower_for_good() {
    let mut vegas = Vegas::builder().build().expect("valid");
    let mut server = Server::new(50);
    server.serve(&mut vegas, 50_000, PATIENT);
    server.service *= 3;
    let (_, greatest) = server.serve(&mut vegas, 200_000, PATIENT);
    let rtt = vegas.rtt_noload().expect("it has seen calls");
    assert!((30_000..33_600).contains(&rtt.as_micros()), "{rtt:?}");
    assert!((53..=75).contains(&greatest), "{greatest}");
}

#[test]
fn vegas_does_not_believe_a_quick_refusal() {
    let mut vegas = Vegas::builder().build().expect("valid");
    let mut server = Server::new(50);
    server.serve(&mut vegas, 10_000, PATIENT);
    let before = (vegas.rtt_noload(), vegas.limit());
    vegas.update(&Sample {
        started: Instant::from_nanos(server.now),
        rtt: Duration::from_micros(3),
        in_flight: before.1,
        outcome: Outcome::Dropped,
    });
    assert_eq!(
        (vegas.rtt_noload(), vegas.limit()),
        (before.0, before.1 - 1)
    );
}

#[test]
fn vegas_never_believes_more_than_its_bound() {
    let bound = Duration::from_millis(12);
    let vegas = Vegas::builder().max_rtt_noload(bound);
    let mut vegas = vegas.build().expect("valid");
    let mut server = Server::new(50);
    server.service = 40 * MILLI;
    server.serve(&mut vegas, 10_000, PATIENT);
    assert_eq!(vegas.rtt_noload(), Some(bound));
}

/// A call takes 21 ms when about 100 are in flight. The saw's teeth are as high as the limit grows
/// in one round trip, and the server is never left without work.
#[test]
fn aimd_saws_around_the_timeout() {
    let mut aimd = Aimd::builder().max(1_000).build().expect("valid");
    let timeout = Duration::from_millis(21);
    let (least, greatest) = Server::new(50).serve(&mut aimd, 200_000, timeout);
    println!("aimd: {least}..={greatest}");
    assert!((50..100).contains(&least), "{least}");
    assert!((100..=220).contains(&greatest), "{greatest}");

    let late = Duration::from_millis(5);
    let mut strict = Aimd::builder().timeout(late).build().expect("valid");
    let (least, greatest) = Server::new(50).serve(&mut strict, 1_000, PATIENT);
    assert_eq!(
        (least, greatest),
        (1, 1),
        "an rtt above the timeout is a drop"
    );
}

fn sample(rtt_ms: u64, in_flight: u32) -> Sample {
    Sample {
        started: Instant::ORIGIN,
        rtt: Duration::from_millis(rtt_ms),
        in_flight,
        outcome: Outcome::Success,
    }
}

#[test]
fn gradient2_sheds_in_a_surge_and_recovers() {
    let mut gradient = Gradient2::builder().max(100).build().expect("valid");
    let mut feed = |rtt_ms, times| {
        for _ in 0..times {
            gradient.update(&sample(rtt_ms, gradient.limit()));
        }
        gradient.limit()
    };
    assert_eq!(feed(10, 1_000), 100, "nothing queues");
    // By half at most a sample, a fifth of which is taken over at once.
    assert_eq!(feed(100, 1), 90);
    assert!(feed(100, 20) < 20);
    assert_eq!(feed(10, 1_000), 100);
}

/// After long overload the average is far up; each quick call takes a twentieth off.
#[test]
fn gradient2_soon_forgets_an_overload() {
    let mut gradient = Gradient2::builder().build().expect("valid");
    for _ in 0..5_000 {
        gradient.update(&sample(1_000, 20));
    }
    let average = gradient.long_rtt();
    assert_eq!(average.as_millis().abs_diff(1_000), 0);
    for _ in 0..80 {
        gradient.update(&sample(10, 20));
    }
    // Smoothing alone, of 600, would have left three quarters.
    assert!(
        gradient.long_rtt() < Duration::from_millis(25),
        "{:?}",
        gradient.long_rtt()
    );
}

/// Netflix has it ignore drops, and grow by a quick one.
#[test]
fn gradient2_shrinks_on_a_drop() {
    let mut gradient = Gradient2::builder().initial(100).build().expect("valid");
    gradient.update(&sample(10, 100));
    let (limit, average) = (gradient.limit(), gradient.long_rtt());
    let outcome = Outcome::Dropped;
    let refused = Sample {
        outcome,
        ..sample(0, 100)
    };
    assert!(gradient.update(&refused) <= limit - 10);
    assert_eq!(gradient.long_rtt(), average);
}

/// Notes the samples it is given.
#[derive(Clone, Debug, Default)]
struct Notes(Vec<Sample>);

impl LimitAlgorithm for Notes {
    fn update(&mut self, sample: &Sample) -> u32 {
        self.0.push(*sample);
        self.limit()
    }
    fn limit(&self) -> u32 {
        10
    }
}

/// One window of these rtts in milliseconds; the only sample that comes of it.
fn window_of(statistic: Statistic, rtts_ms: &[u64]) -> Sample {
    let samples = u32::try_from(rtts_ms.len()).expect("few");
    let windowed = Windowed::builder(Notes::default())
        .min_window(Duration::ZERO)
        .min_samples(samples)
        .statistic(statistic);
    let mut windowed = windowed.build().expect("valid");
    let base = Instant::from_secs(100);
    for (nth, rtt_ms) in rtts_ms.iter().enumerate() {
        // The last ends long after, so that the window is over.
        let wait = if nth + 1 == rtts_ms.len() { 100 } else { 0 };
        windowed.update(&Sample {
            started: base + Duration::from_secs(wait),
            ..sample(*rtt_ms, 1)
        });
    }
    assert_eq!(windowed.inner().0.len(), 1);
    windowed.inner().0[0]
}

/// The values are those of Netflix's tests of its two windows.
#[test]
fn a_window_stands_for_its_rtts() {
    let ms = Duration::from_millis;
    let percentile = Statistic::Percentile;
    let of = |statistic, rtts: &[u64]| window_of(statistic, rtts).rtt;
    assert_eq!(of(percentile(0.5), &[5_000, 500, 10]), ms(500));
    assert_eq!(of(percentile(0.999), &[5_000, 500, 10]), ms(5_000));
    assert_eq!(of(percentile(0.999), &[500, 10, 5_000, 10]), ms(5_000));
    assert_eq!(of(percentile(1e-9), &[5_000, 500, 10]), ms(10));
    assert_eq!(
        of(Statistic::Average, &[5_000, 500, 10]),
        Duration::from_nanos(1_836_666_666)
    );
}

#[test]
fn a_window_ends_by_time_and_number_and_two_rtts() {
    let windowed = Windowed::builder(Notes::default());
    let mut windowed = windowed.min_samples(3).build().expect("valid");
    let mut at = |ended_ms: u64, rtt_ms: u64, in_flight, outcome| {
        windowed.update(&Sample {
            started: Instant::from_millis(ended_ms - rtt_ms),
            outcome,
            ..sample(rtt_ms, in_flight)
        });
        windowed.inner().0.len()
    };
    assert_eq!(at(10_000, 10, 4, Outcome::Success), 0);
    assert_eq!(at(11_500, 10, 9, Outcome::Dropped), 0, "two are too few");
    assert_eq!(at(11_600, 40, 5, Outcome::Success), 1);
    assert_eq!(at(20_000, 900, 1, Outcome::Success), 1);
    assert_eq!(at(21_000, 900, 1, Outcome::Success), 1);
    assert_eq!(at(21_799, 900, 1, Outcome::Success), 1, "not yet two rtts");
    assert_eq!(at(21_800, 900, 1, Outcome::Success), 2);
    // A step back does not hold the window open until the clock has caught up.
    assert_eq!(at(9_000_000, 10, 1, Outcome::Success), 2);
    assert_eq!(at(1_000, 10, 1, Outcome::Success), 2);
    assert_eq!(at(2_000, 10, 1, Outcome::Success), 3);

    let first = windowed.inner().0[0];
    assert_eq!((first.rtt, first.in_flight), (Duration::from_millis(20), 9));
    assert_eq!(first.outcome, Outcome::Dropped);
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let rtt = prop_oneof![0..100_000_000_u64, Just(u64::MAX), any::<u64>()];
    let sample = (
        any::<u64>(),
        rtt,
        prop_oneof![0..300_u32, any::<u32>()],
        any::<bool>(),
    );
    let sample = sample.prop_map(|(started, rtt, in_flight, dropped)| Sample {
        started: Instant::from_nanos(started),
        rtt: if rtt == u64::MAX {
            Duration::MAX
        } else {
            Duration::from_nanos(rtt)
        },
        in_flight,
        outcome: if dropped {
            Outcome::Dropped
        } else {
            Outcome::Success
        },
    });
    prop::collection::vec(sample, 1..300)
}

/// Whatever comes: within the bounds, and what `update` answers is the limit.
fn stays_within(mut algorithm: impl LimitAlgorithm, samples: &[Sample], min: u32, max: u32) {
    for sample in samples {
        let before = algorithm.limit();
        let limit = algorithm.update(sample);
        assert_eq!(limit, algorithm.limit());
        assert!((min..=max).contains(&limit));
        if sample.outcome == Outcome::Dropped {
            assert!(limit <= before, "a drop never raises it");
        }
    }
}

proptest! {
    #[test]
    fn limits_stay_within_their_bounds(
        samples in samples(),
        bounds in prop::array::uniform3(1..400_u32),
        part in 0.01..1.0_f64,
        multiplier in 1..20_u32,
    ) {
        let [mut min, mut initial, mut max] = bounds;
        if min > max { core::mem::swap(&mut min, &mut max); }
        initial = initial.clamp(min, max);
        let aimd = Aimd::builder().min(min).initial(initial).max(max);
        let aimd = aimd.backoff(0.5 + part / 2.1).build().expect("valid");
        stays_within(aimd, &samples, min, max);
        let gradient = Gradient2::builder().min(min).initial(initial).max(max);
        let gradient = gradient.smoothing(part).build().expect("valid");
        stays_within(gradient, &samples, min, max);
        let vegas = Vegas::builder().min(min).initial(initial).max(max).smoothing(part);
        let vegas = vegas.probe_multiplier(multiplier).build().expect("valid");
        let windowed = Windowed::builder(vegas.clone()).min_samples(1).max_samples(3);
        let mut windowed = windowed.statistic(Statistic::Percentile(part)).build().expect("valid");
        for sample in &samples {
            prop_assert!((min..=max).contains(&windowed.update(sample)));
        }
        stays_within(vegas, &samples, min, max);
    }
}
