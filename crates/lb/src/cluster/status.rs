//! Changes of status: a bit, and no rebuild.

use super::Cluster;
use crate::balancer::Balancer;
use crate::error::UpdateError;
use crate::status::{Health, Status};
use crate::sync::lock;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

impl<T, P: Balancer> Cluster<T, P> {
    /// What an active health check says. One that becomes available again is in slow start from now
    /// on, if there is such a thing. Answers whether anything changed.
    ///
    /// The next pick knows of it. O(log endpoints); O(endpoints / 64) where a panic begins or ends.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn set_health_at(
        &self,
        now: Instant,
        id: NodeId,
        health: Health,
    ) -> Result<bool, UpdateError> {
        self.flip(now, id, |status| status.with_health(health))
    }

    /// Puts an endpoint out for as long as [`readmit_at`](Self::readmit_at) is not called. Answers
    /// whether it was in.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn eject(&self, id: NodeId) -> Result<bool, UpdateError> {
        self.flip(Instant::ORIGIN, id, |status| status.with_ejected(true))
    }

    /// Lets an endpoint in again. Answers whether it was out.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn readmit_at(&self, now: Instant, id: NodeId) -> Result<bool, UpdateError> {
        self.flip(now, id, |status| status.with_ejected(false))
    }

    /// No new requests to this endpoint, in no panic either; those in flight end in peace, and
    /// [`is_idle`](crate::State::is_idle) tells when the last one has. Answers whether that is new.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn drain(&self, id: NodeId) -> Result<bool, UpdateError> {
        self.flip(Instant::ORIGIN, id, |status| status.with_draining(true))
    }

    /// The end of [`drain`](Self::drain). Answers whether there was one.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Unknown`].
    pub fn undrain_at(&self, now: Instant, id: NodeId) -> Result<bool, UpdateError> {
        self.flip(now, id, |status| status.with_draining(false))
    }

    fn flip(
        &self,
        now: Instant,
        id: NodeId,
        change: impl FnOnce(Status) -> Status,
    ) -> Result<bool, UpdateError> {
        let _turn = lock(&self.inner.turn);
        let snapshot = self.inner.present.load();
        let position = snapshot.membership.find(id)?;
        let pool = snapshot.pool();
        let state = pool.state(position);
        let before = state.status();
        let after = change(before);
        if after == before {
            return Ok(false);
        }
        state.set_status(after);
        if after.takes_in_panic() {
            state.seal();
        }
        if after.is_available() && !before.is_available() {
            snapshot.open.warm_up(state, now);
        }
        snapshot.open.refresh(position, pool.status(position));
        snapshot.policy.flipped(pool, position);
        state.seal();
        Ok(true)
    }

    /// Checks the cluster's own invariants and its policy's. O(endpoints); for tests and fuzzing.
    ///
    /// # Panics
    ///
    /// When one does not hold.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        let _turn = lock(&self.inner.turn);
        let snapshot = self.inner.present.load();
        snapshot.membership.check_invariants();
        snapshot.open.check_invariants(snapshot.len());
        let pool = snapshot.pool();
        for position in 0..pool.len() {
            let (status, weight) = pool.status(position);
            let works = !weight.is_drain();
            let open = works
                && if pool.is_panicking() {
                    status.takes_in_panic()
                } else {
                    status.is_available()
                };
            assert_eq!(pool.is_open(position), open, "whether {position} is open");
            let found = pool.find(pool.id(position));
            assert_eq!(found, Some(position), "the position of an identity");
        }
        snapshot.policy.check_invariants(pool);
    }
}
