//! What became of one request.

use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// The most tries a request can have.
pub const MAX_TRIES: usize = 8;

/// The tries of one request: where they went, how many are under way, and when the next is due.
///
/// A plain value; nothing is allocated.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::hedge::{Exhausted, Hedge};
/// use purlin_lb::{Instant, NodeId};
///
/// let mut attempts = Hedge::after(Duration::from_millis(20)).tries(2)?.begin();
/// attempts.start_at(Instant::ORIGIN, NodeId(7))?;
/// attempts.failed(); // none is under way: retry when you like, but elsewhere
/// assert!(attempts.can_try() && attempts.hedge_at().is_none());
/// assert_eq!(attempts.tried(), [NodeId(7)]);
///
/// attempts.start_at(Instant::from_millis(5), NodeId(8))?;
/// attempts.failed();
/// assert_eq!(attempts.start_at(Instant::from_millis(9), NodeId(9)), Err(Exhausted));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    tried: [NodeId; MAX_TRIES],
    started: usize,
    under_way: usize,
    tries: usize,
    copies: usize,
    delay: Option<Duration>,
    last: Instant,
}

/// There were as many tries as there may be, or as many copies are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has been tried often enough")]
pub struct Exhausted;

impl Attempts {
    pub(super) const fn new(tries: usize, copies: usize, delay: Option<Duration>) -> Self {
        Self {
            tried: [NodeId(0); MAX_TRIES],
            started: 0,
            under_way: 0,
            tries,
            copies,
            delay,
            last: Instant::ORIGIN,
        }
    }

    /// Where it was tried, in that order: what the next one is to
    /// [exclude](crate::Request::exclude).
    #[must_use]
    pub fn tried(&self) -> &[NodeId] {
        &self.tried[..self.started]
    }

    /// How many copies are under way.
    #[must_use]
    pub const fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether one more may be sent: as a retry if none is under way, else as a hedge.
    #[must_use]
    pub const fn can_try(&self) -> bool {
        self.started < self.tries && self.under_way < self.copies
    }

    /// A copy is sent to this endpoint.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if it [may not be](Self::can_try). Nothing has changed.
    pub fn start_at(&mut self, now: Instant, endpoint: NodeId) -> Result<(), Exhausted> {
        if !self.can_try() {
            return Err(Exhausted);
        }
        self.tried[self.started] = endpoint;
        self.started += 1;
        self.under_way += 1;
        self.last = now;
        Ok(())
    }

    /// One of those under way failed. Nothing changes if there is none.
    pub fn failed(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// When the next copy is to be sent if there is no answer until then; `None` if none is to be:
    /// nothing is under way, enough is, or too little is known of latencies.
    #[must_use]
    pub fn hedge_at(&self) -> Option<Instant> {
        let delay = self
            .delay
            .filter(|_| self.under_way > 0 && self.can_try())?;
        Some(self.last.saturating_add(delay))
    }
}
