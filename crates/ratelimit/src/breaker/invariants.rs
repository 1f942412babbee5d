use super::CircuitBreaker;
use super::word::{Phase, Word};
use crate::Instant;

impl CircuitBreaker {
    /// Panics when the state is one that no history leads to.
    #[expect(clippy::missing_panics_doc, reason = "its first line says when")]
    pub fn check_invariants(&self, now: Instant) {
        let rules = &self.rules;
        match Word::unpack(self.load()).phase {
            Phase::Closed {
                consecutive_failures,
            } => {
                assert!(
                    !rules.too_many_failures(consecutive_failures),
                    "it should be open"
                );
            }
            Phase::HalfOpen(probing) => {
                assert!(probing.out <= rules.probes(), "too many probes");
                assert!(
                    probing.good < rules.probe_successes(),
                    "it should be closed"
                );
                assert!(probing.bad < rules.probe_failures(), "it should be open");
            }
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => {}
        }
        let stats = self.stats_at(now);
        assert!(stats.failures <= stats.calls, "more failures than calls");
        assert!(
            stats.slow_calls <= stats.calls,
            "more slow calls than calls"
        );
    }
}
