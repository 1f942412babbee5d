//! What came of a run.

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
    /// When a request failed.
    errors: Vec<Instant>,
    /// When any was sent, ascending.
    sent: Vec<Instant>,
}

impl Outcome {
    pub(super) fn new(arena: &Arena, samples: Vec<Sample>) -> Self {
        let mut requests = vec![0; arena.servers()];
        for sample in &samples {
            requests[sample.server] += 1;
        }
        let succeeded = samples.iter().filter(|sample| sample.success);
        let mut latencies: Vec<f64> = succeeded
            .map(|sample| sample.latency.as_secs_f64() * 1e3)
            .collect();
        latencies.sort_unstable_by(f64::total_cmp);
        let failed = samples.iter().filter(|sample| !sample.success);
        let errors = failed.map(|sample| sample.at).collect();
        let mut sent: Vec<_> = samples.iter().map(|sample| sample.at).collect();
        sent.sort_unstable();
        Self {
            latencies,
            requests,
            errors,
            sent,
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

    /// The part of all requests that a server got.
    pub(super) fn share(&self, server: usize) -> f64 {
        self.requests[server] as f64 / self.sent.len() as f64
    }

    /// The part of requests that failed.
    pub(super) fn errors(&self) -> f64 {
        self.errors.len() as f64 / self.sent.len() as f64
    }

    /// The part of requests that failed of those that were sent from `from` to before `until`.
    pub(super) fn errors_between(&self, from: Instant, until: Instant) -> f64 {
        let within = |at: &&Instant| (from..until).contains(*at);
        let failed = self.errors.iter().filter(within).count();
        failed as f64 / self.sent.iter().filter(within).count() as f64
    }
}
