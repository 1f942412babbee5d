//! What came of a run.

use core::ops::RangeBounds;
use core::time::Duration;

use purlin_lb::Instant;

use super::arena::Arena;

/// How one request fared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When it was sent.
    pub(super) at: Instant,
    pub(super) latency: Duration,
    pub(super) server: usize,
    pub(super) success: bool,
}

/// How all of them did that were sent after the warm-up.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Of those that succeeded, in milliseconds, ascending.
    latencies: Vec<f64>,
    /// Requests by server.
    requests: Vec<u64>,
    /// In which second of the scenario each was sent, and whether it failed.
    fates: Vec<(u32, bool)>,
}

impl Outcome {
    pub(super) fn new(arena: &Arena, samples: &[Sample]) -> Self {
        let mut requests = vec![0; arena.servers()];
        for sample in samples {
            requests[sample.server] += 1;
        }
        let succeeded = samples.iter().filter(|sample| sample.success);
        let mut latencies: Vec<f64> = succeeded
            .map(|sample| sample.latency.as_secs_f64() * 1e3)
            .collect();
        latencies.sort_unstable_by(f64::total_cmp);
        let fate = |sample: &Sample| (arena.second_of(sample.at), !sample.success);
        Self {
            latencies,
            requests,
            fates: samples.iter().map(fate).collect(),
        }
    }

    pub(super) fn mean(&self) -> f64 {
        self.latencies.iter().sum::<f64>() / self.latencies.len() as f64
    }

    /// The latency, in milliseconds, that this part of the requests does not exceed: the nearest
    /// rank.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to the number of latencies"
        )]
        let rank = (part * self.latencies.len() as f64).ceil() as usize;
        let index = rank.saturating_sub(1);
        self.latencies.get(index).copied().unwrap_or(f64::NAN)
    }

    /// How many were counted.
    #[cfg(test)]
    pub(super) fn requests(&self) -> u64 {
        self.requests.iter().sum()
    }

    /// The part of all requests that a server got.
    pub(super) fn share(&self, server: usize) -> f64 {
        self.requests[server] as f64 / self.fates.len() as f64
    }

    /// The part of requests that failed, of those that were sent in these seconds of the scenario.
    pub(super) fn errors(&self, seconds: impl RangeBounds<u32>) -> f64 {
        let within = |(second, _): &&(u32, bool)| seconds.contains(second);
        let (mut sent, mut failed) = (0_u64, 0_u64);
        for (_, failure) in self.fates.iter().filter(within) {
            sent += 1;
            failed += u64::from(*failure);
        }
        failed as f64 / sent as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(latencies: &[f64], fates: &[(u32, bool)]) -> Outcome {
        Outcome {
            latencies: latencies.to_vec(),
            requests: vec![1, 3],
            fates: fates.to_vec(),
        }
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let outcome = outcome(&[15.0, 20.0, 35.0, 40.0, 50.0], &[]);
        let found = [0.05, 0.3, 0.4, 0.5, 1.0].map(|part| outcome.quantile(part));
        assert!(
            found
                .iter()
                .zip([15.0, 20.0, 20.0, 35.0, 50.0])
                .all(|(a, b)| a.total_cmp(&b).is_eq()),
            "{found:?}"
        );
    }

    #[test]
    fn errors_are_those_of_the_seconds_asked_for() {
        let fates = [(10, true), (10, false), (11, true), (12, false)];
        let outcome = outcome(&[1.0, 2.0], &fates);
        let found = [
            outcome.errors(..),
            outcome.errors(10..11),
            outcome.errors(12..),
        ];
        assert!(
            found
                .iter()
                .zip([0.5, 0.5, 0.0])
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{found:?}"
        );
        assert!((outcome.share(1) - 0.75).abs() < 1e-12);
    }
}
