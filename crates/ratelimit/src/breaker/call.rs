use super::state::{State, Transition};
use super::word::{Pass, Word};
use crate::Instant;
use core::time::Duration;

/// A call that was let through: to be handed back with its outcome. It is neither `Copy` nor
/// `Clone`, so that a probe gives back one place and no more. One that is dropped is as if the call
/// had never ended, which for a probe holds its place until the
/// [`probe_timeout`](super::BreakerConfig::probe_timeout).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a probe that is not reported holds its place until the probe timeout"]
pub struct Call {
    pub(super) started: Instant,
    pub(super) pass: Pass,
}

impl Call {
    /// When it was let through.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// The step that letting it through took: from open to half-open, for the first probe.
    #[must_use]
    pub const fn transition(&self) -> Option<Transition> {
        if self.pass.half_opened() {
            let (from, to) = (State::Open, State::HalfOpen);
            return Some(Transition { from, to });
        }
        None
    }
}

/// The circuit lets no call through now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit is {state:?}, a call may pass in {retry_after:?}")]
#[non_exhaustive]
pub struct Open {
    /// [`State::Open`], [`State::ForcedOpen`], or [`State::HalfOpen`] with all probes out.
    pub state: State,
    /// The least time after which a call would pass if nothing else happened until then: no probe
    /// reported, nobody reset the circuit. [`Duration::MAX`] when forced open.
    pub retry_after: Duration,
}

impl Word {
    pub(super) const fn refusal(self, retry_after: Duration) -> Open {
        let state = self.state();
        Open { state, retry_after }
    }
}
