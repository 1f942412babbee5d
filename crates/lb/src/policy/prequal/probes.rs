//! The probes of a [`Prequal`](super::Prequal), to be sent and answered.

use super::shared::Shared;
use crate::sync::{Mutex, lock};
use alloc::sync::Arc;
use core::convert::Infallible;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// A question for an endpoint: how many requests it has in flight, and how long they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// Whom to ask.
    pub endpoint: NodeId,
    /// Which question it is: no number comes twice.
    pub number: u64,
}

/// What an endpoint said. A [`ServerLoad`](super::ServerLoad) there knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The number of the [`Probe`].
    pub number: u64,
    /// Requests in flight there.
    pub rif: u32,
    /// How long requests take there that come when so many are in flight.
    pub latency: Duration,
}

/// The probes of a [`Prequal`](super::Prequal): what to ask of whom, and where answers go. A
/// [`Machine`] over the policy's own pool; a clone is a handle to the same. Made by
/// [`Prequal::probes`](super::Prequal::probes).
///
/// Requests make probes: whoever picks fetches outputs afterwards, or wakes a task that does. How a
/// probe travels, over a connection of its own or in the headers of something else, is the driver's
/// affair; the faster it is, the better. A probe that fails is not answered.
///
/// * An answer counts once. Answers that come later than [`max_age`](super::Prequal::max_age) after
///   the question, or to a question that nobody asked, are ignored; those of endpoints that are gone
///   are not used.
/// * As many probes as the pool holds wait for the driver to fetch them, and 1,024 for an answer;
///   beyond that, requests ask for none.
///
/// Any call is O(pool) under a short lock that it shares with the picks.
#[derive(Clone, Debug)]
pub struct Probes {
    shared: Arc<Mutex<Shared>>,
}

impl Probes {
    pub(super) const fn new(shared: Arc<Mutex<Shared>>) -> Self {
        Self { shared }
    }
}

impl Machine for Probes {
    type Input = Answer;
    type Output = Probe;
    type Error = Infallible;

    /// # Errors
    ///
    /// None: an answer may always be late.
    fn handle(&mut self, now: Instant, answer: Answer) -> Result<(), Infallible> {
        lock(&self.shared).answered(now, answer);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        lock(&self.shared).ask_again(now);
    }

    fn poll_output(&mut self) -> Option<Probe> {
        lock(&self.shared).outstanding.fetch()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        lock(&self.shared).idle_at()
    }
}
