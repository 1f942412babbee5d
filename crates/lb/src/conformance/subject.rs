//! What is tried, and where it fails.

use super::world::World;
use crate::any::AnyBalancer;
use crate::capabilities::Capabilities;
use crate::slow_start::SlowStart;
use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

/// A policy to be tried: how to build it, and what it promises.
pub struct Subject<'a> {
    capabilities: Capabilities,
    build: Box<dyn Fn(u64) -> AnyBalancer + 'a>,
}

impl<'a> Subject<'a> {
    /// A policy that promises this, and is built from a seed; one that takes none may ignore it.
    pub fn new(capabilities: Capabilities, build: impl Fn(u64) -> AnyBalancer + 'a) -> Self {
        Self {
            capabilities,
            build: Box::new(build),
        }
    }

    /// What it promises.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub(super) fn build(&self, seed: u64) -> AnyBalancer {
        (self.build)(seed)
    }

    /// A cluster without endpoints, under this policy, to be changed step by step.
    #[must_use]
    pub fn world(&self, panic_threshold: u8, seed: u64) -> World {
        self.world_of("world", panic_threshold.min(100), seed)
    }

    pub(super) fn world_of(&self, property: &'static str, threshold: u8, seed: u64) -> World {
        self.world_with(property, threshold, seed, None)
    }

    /// With slow start, for every second seed.
    pub(super) fn world_that_may_warm_up(
        &self,
        property: &'static str,
        threshold: u8,
        seed: u64,
    ) -> World {
        let ramp = SlowStart::new(Duration::from_secs(30)).ok();
        self.world_with(property, threshold, seed, ramp.filter(|_| seed % 2 == 1))
    }

    fn world_with(
        &self,
        property: &'static str,
        threshold: u8,
        seed: u64,
        ramp: Option<SlowStart>,
    ) -> World {
        let case = Case { property, seed };
        let policy = self.build(seed);
        World::new(case, policy, threshold, self.capabilities.own_panic, ramp)
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

/// Which property, by which seed: told with what does not hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) property: &'static str,
    pub(super) seed: u64,
}

impl Case {
    #[track_caller]
    #[expect(
        clippy::panic,
        reason = "a property that does not hold is told by a panic"
    )]
    pub(super) fn fail(self, what: impl fmt::Display) -> ! {
        panic!(
            "{} does not hold (seed {}): {what}",
            self.property, self.seed
        )
    }

    #[track_caller]
    pub(super) fn check(self, holds: bool, what: impl fmt::Display) {
        if !holds {
            self.fail(what);
        }
    }

    #[track_caller]
    pub(super) fn equal<V: PartialEq + fmt::Debug>(
        self,
        found: &V,
        expected: &V,
        what: impl fmt::Display,
    ) {
        if found != expected {
            self.fail(format_args!(
                "{what}: found {found:?}, expected {expected:?}"
            ));
        }
    }
}
