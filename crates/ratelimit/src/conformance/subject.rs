//! What is tested, and how a failure is told.

use crate::{Capabilities, ConfigError, Instant, Limiter, Quota};
use alloc::boxed::Box;
use core::fmt;

/// How a limiter under test is built.
pub type Build<'a> = dyn Fn(Quota) -> Result<Box<dyn Limiter>, ConfigError> + 'a;

/// A limiter under test: how it is built and what it promises.
pub struct Subject<'a> {
    capabilities: Capabilities,
    build: Box<Build<'a>>,
    exact: Box<dyn Fn(&Quota) -> bool + 'a>,
    horizon: Instant,
}

impl<'a> Subject<'a> {
    /// A subject that is built by `build` and promises `capabilities`.
    ///
    /// What it is built by is drawn at random; a window takes the count of the quota for its limit
    /// and the period for its length.
    pub fn new(
        capabilities: Capabilities,
        build: impl Fn(Quota) -> Result<Box<dyn Limiter>, ConfigError> + 'a,
    ) -> Self {
        Self {
            capabilities,
            build: Box::new(build),
            exact: Box::new(move |_| capabilities.exact),
            // What one word counts at least.
            horizon: Instant::from_nanos((1 << 57) - 1),
        }
    }

    /// The same, which promises to round nothing for those quotas only of which this is true.
    #[must_use]
    pub fn exact_if(self, exact: impl Fn(&Quota) -> bool + 'a) -> Self {
        let exact = Box::new(exact);
        Self { exact, ..self }
    }

    /// The same, which promises to go on until that instant, included; one nanosecond less than two to
    /// the power of 57 of them unless said otherwise. After it nothing need be admitted any more.
    #[must_use]
    pub fn horizon(self, horizon: Instant) -> Self {
        Self { horizon, ..self }
    }

    /// What it promises.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// How late an answer may be by that quota, in nanoseconds.
    pub(super) fn slack(&self, quota: &Quota) -> u64 {
        u64::from(!(self.exact)(quota))
    }

    pub(super) fn last_instant(&self) -> u64 {
        self.horizon.as_nanos()
    }

    pub(super) fn try_build(&self, quota: Quota) -> Result<Box<dyn Limiter>, ConfigError> {
        (self.build)(quota)
    }

    /// Builds by a quota that must be accepted.
    #[track_caller]
    pub(super) fn build(&self, case: Case, quota: Quota) -> Box<dyn Limiter> {
        match self.try_build(quota) {
            Ok(limiter) => limiter,
            Err(error) => case.fail(format_args!("{quota} was refused: {error}")),
        }
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

/// One run of a property: what a failure is told with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) property: &'static str,
    pub(super) seed: u64,
}

impl Case {
    /// Runs the property. A panic of the limiter itself becomes a failure of the property.
    #[cfg(feature = "std")]
    #[track_caller]
    pub(super) fn guard(self, run: impl FnOnce()) {
        use core::panic::AssertUnwindSafe;
        use std::panic::{catch_unwind, resume_unwind};
        // What the limiter left behind is not looked at again.
        let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else {
            return;
        };
        let text = payload.downcast_ref::<alloc::string::String>();
        let text = text.map(|text| &**text);
        let message = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let own = alloc::format!("{} does not hold (seed ", self.property);
        if message.is_some_and(|message| message.starts_with(&own)) {
            resume_unwind(payload);
        }
        let message = message.unwrap_or("without a message");
        self.fail(format_args!("the limiter panicked: {message}"))
    }

    /// Runs the property. Without `std` a panic of the limiter tells neither property nor seed.
    #[cfg(not(feature = "std"))]
    #[track_caller]
    #[expect(
        clippy::unused_self,
        reason = "told with what is caught, where `std` can"
    )]
    pub(super) fn guard(self, run: impl FnOnce()) {
        run();
    }

    #[track_caller]
    pub(super) fn fail(self, what: fmt::Arguments<'_>) -> ! {
        panic!(
            "{} does not hold (seed {}): {what}",
            self.property, self.seed
        )
    }

    #[track_caller]
    pub(super) fn check(self, holds: bool, what: fmt::Arguments<'_>) {
        if !holds {
            self.fail(what);
        }
    }

    #[track_caller]
    pub(super) fn equal<V: PartialEq + fmt::Debug>(
        self,
        found: &V,
        expected: &V,
        what: fmt::Arguments<'_>,
    ) {
        if found != expected {
            self.fail(format_args!(
                "{what}: found {found:?}, expected {expected:?}"
            ));
        }
    }

    /// That a number is the expected one, or less than it or more by no more than so much.
    #[track_caller]
    pub(super) fn between(
        self,
        found: u64,
        expected: u64,
        below: u64,
        above: u64,
        what: fmt::Arguments<'_>,
    ) {
        if expected.saturating_sub(found) > below || found.saturating_sub(expected) > above {
            self.fail(format_args!("{what}: found {found}, expected {expected}"));
        }
    }
}
