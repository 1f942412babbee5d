//! What is tested, and how a failure is told.

use crate::Capabilities;
use crate::policy::Policy;
use alloc::boxed::Box;
use core::fmt;

/// A policy under test: how it is built and what it promises.
pub struct Subject<'a> {
    capabilities: Capabilities,
    build: Box<dyn Fn(usize) -> Box<dyn Policy + 'a> + 'a>,
}

impl<'a> Subject<'a> {
    /// A subject that is built for a capacity by `build` and promises `capabilities`.
    ///
    /// A policy that draws random numbers must be built with the same seed each time.
    pub fn new<P: Policy + 'a>(
        capabilities: Capabilities,
        build: impl Fn(usize) -> P + 'a,
    ) -> Self {
        Self {
            capabilities,
            build: Box::new(move |capacity| Box::new(build(capacity))),
        }
    }

    /// What it promises.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub(super) fn build(&self, capacity: usize) -> Box<dyn Policy + 'a> {
        (self.build)(capacity)
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
    /// Runs the property. A panic of the policy itself becomes a failure of the property.
    #[cfg(feature = "std")]
    #[track_caller]
    pub(super) fn guard(self, run: impl FnOnce()) {
        use core::panic::AssertUnwindSafe;
        use std::panic::{catch_unwind, resume_unwind};
        // What the policy left behind is not looked at again.
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
        self.fail(format_args!("the policy panicked: {message}"))
    }

    /// Runs the property. Without `std` a panic of the policy tells neither property nor seed.
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
}
