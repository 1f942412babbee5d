//! The machine that the guide "Driving a machine" runs in three ways.

extern crate alloc;

use alloc::collections::VecDeque;
use core::convert::Infallible;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::time::Instant;

/// How often a heartbeat is sent.
pub const INTERVAL: Duration = Duration::from_millis(50);
/// How long a silence is taken for a loss.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// Sends heartbeats to a peer, and reports when the peer falls silent or is heard again.
#[derive(Debug)]
pub struct Heartbeat {
    next_beat: Instant,
    lost_at: Option<Instant>,
    outputs: VecDeque<Output>,
}

/// What the driver has to carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a heartbeat to the peer.
    Beat,
    /// Tell the application that the peer fell silent.
    PeerLost,
    /// Tell the application that the peer is heard again.
    PeerFound,
}

impl Heartbeat {
    /// A machine that beats at once and gives the peer its full patience.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            next_beat: now,
            lost_at: Some(now + PATIENCE),
            outputs: VecDeque::new(),
        }
    }

    /// Whether the peer is silent.
    #[must_use]
    pub const fn is_peer_lost(&self) -> bool {
        self.lost_at.is_none()
    }
}

impl Machine for Heartbeat {
    /// A heartbeat of the peer has arrived.
    type Input = ();
    type Output = Output;
    type Error = Infallible;

    fn handle(&mut self, now: Instant, (): ()) -> Result<(), Infallible> {
        if self.lost_at.replace(now + PATIENCE).is_none() {
            self.outputs.push_back(Output::PeerFound);
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.next_beat <= now {
            self.next_beat = now + INTERVAL;
            self.outputs.push_back(Output::Beat);
        }
        if self.lost_at.take_if(|lost_at| *lost_at <= now).is_some() {
            self.outputs.push_back(Output::PeerLost);
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [Some(self.next_beat), self.lost_at];
        deadlines.into_iter().flatten().min()
    }
}
