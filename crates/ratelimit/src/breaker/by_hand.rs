//! What an operator may do to a circuit.

use super::word::{Phase, Word};
use super::{CircuitBreaker, Transition};

impl CircuitBreaker {
    /// Refuses all calls until [`reset`](Self::reset) or [`disable`](Self::disable).
    pub fn force_open(&self) -> Option<Transition> {
        self.set(Phase::ForcedOpen)
    }

    /// Lets all calls through, still counting, until [`reset`](Self::reset) or
    /// [`force_open`](Self::force_open).
    pub fn disable(&self) -> Option<Transition> {
        self.set(Phase::Disabled)
    }

    /// Closes the circuit and forgets what it has seen. Calls that are out will not count.
    pub fn reset(&self) -> Option<Transition> {
        self.clear();
        self.set(Word::CLOSED.phase)
    }

    /// Steps to a new period; `None` when the state is the same.
    fn set(&self, phase: Phase) -> Option<Transition> {
        let mut seen = self.load();
        loop {
            let word = Word::unpack(seen);
            let next = word.step_to(phase);
            match self.replace(seen, next) {
                Ok(()) => {
                    let transition = word.transition_to(next);
                    return (transition.from != transition.to).then_some(transition);
                }
                Err(now_there) => seen = now_there,
            }
        }
    }
}
