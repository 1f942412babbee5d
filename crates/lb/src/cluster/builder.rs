//! What a cluster can be told when it is made.

use super::membership::Membership;
use super::picker::Version;
use super::{Cluster, Inner, Snapshot, refresh};
use crate::balancer::Balancer;
use crate::error::{ConfigError, UpdateError};
use crate::estimator::Estimator;
use crate::pool::{OpenSet, Settings};
use crate::slow_start::SlowStart;
use crate::sync::{Mutex, Swap};
use crate::upstream::Upstream;
use alloc::sync::Arc;
use purlin_core::node::Epoch;
use purlin_hashring::Identity;

/// Makes a [`Cluster`].
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::policy::RoundRobin;
/// use purlin_lb::{ClusterBuilder, SlowStart, Upstream};
///
/// let cluster = ClusterBuilder::new(RoundRobin::new())
///     .panic_threshold(50)?
///     .slow_start(SlowStart::new(Duration::from_secs(30))?)
///     .build(["a", "b", "c"].map(Upstream::new))?;
/// assert_eq!(cluster.load().len(), 3);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClusterBuilder<P> {
    policy: P,
    settings: Settings,
    estimator: Estimator,
}

impl<P: Balancer> ClusterBuilder<P> {
    /// With this policy, and the defaults that the other methods tell.
    pub fn new(policy: P) -> Self {
        Self {
            estimator: policy.estimator().unwrap_or(Estimator::none()),
            policy,
            settings: Settings {
                panic_threshold: Some(1),
                slow_start: None,
            },
        }
    }

    /// When fewer than so many percent of the endpoints are available, unhealthy and ejected ones get
    /// requests too: a panic. Draining ones and those of weight 0 never do, nor do they count.
    ///
    /// 1 unless said otherwise: with up to 100 endpoints that is when none is available, as health
    /// checks that fail everywhere are wrong more often than not. 50 is Envoy's default, 0 is never.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn panic_threshold(mut self, percent: u8) -> Result<Self, ConfigError> {
        if percent > 100 {
            return Err(ConfigError::OutOfRange {
                field: "panic_threshold",
                expected: "from 0 to 100",
            });
        }
        self.settings.panic_threshold = Some(percent);
        Ok(self)
    }

    /// Endpoints that come, or are healthy again, get their share little by little. Those that a
    /// cluster is built with have all of it. Off unless said otherwise.
    #[must_use]
    pub fn slow_start(mut self, ramp: SlowStart) -> Self {
        self.settings.slow_start = Some(ramp);
        self
    }

    /// Averages latencies otherwise than the policy asks for, or for a policy that does not ask.
    #[must_use]
    pub fn estimator(mut self, estimator: Estimator) -> Self {
        self.estimator = estimator;
        self
    }

    /// A cluster of these endpoints. O(endpoints log endpoints), and the policy's tables.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Duplicate`] where two have one identity, or [`UpdateError::Full`].
    pub fn build<T: Identity>(
        self,
        upstreams: impl IntoIterator<Item = Upstream<T>>,
    ) -> Result<Cluster<T, P>, UpdateError> {
        let estimator = Arc::new(self.estimator);
        let (membership, _) = Membership::of(upstreams, None, &estimator)?;
        let len = membership.len();
        let open = OpenSet::new(len, self.settings);
        refresh(membership.pool(&open), &open, 0..len);
        let mut policy = self.policy;
        policy.rebuild(membership.pool(&open));
        Ok(Cluster {
            inner: Arc::new(Inner {
                present: Swap::new(Snapshot {
                    membership,
                    open,
                    policy,
                    epoch: Epoch::default().next(),
                }),
                version: Version::new(),
                estimator,
                turn: Mutex::new(()),
            }),
        })
    }
}
