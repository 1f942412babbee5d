use super::word::{Phase, Word};

/// Where a circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls pass and are watched.
    Closed,
    /// Calls are refused until some time.
    Open,
    /// A few calls pass as probes.
    HalfOpen,
    /// Calls are refused until [`CircuitBreaker::reset`](super::CircuitBreaker::reset).
    ForcedOpen,
    /// Calls pass and are counted, and nothing opens the circuit.
    Disabled,
}

/// A step of a circuit from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transition {
    /// The state that was left.
    pub from: State,
    /// The state that was entered.
    pub to: State,
}

impl Word {
    pub(super) const fn state(self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen(_) => State::HalfOpen,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::Disabled => State::Disabled,
        }
    }

    pub(super) const fn transition_to(self, next: Self) -> Transition {
        let (from, to) = (self.state(), next.state());
        Transition { from, to }
    }
}
