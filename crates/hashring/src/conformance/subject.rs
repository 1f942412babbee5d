//! What is tested, and how a failure is told.

use crate::{BuildError, Capabilities, Member, Membership, Weight};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// How a placement under test is built: of numbers, which name themselves.
pub type Build<'a> =
    dyn Fn(Vec<Member<u64>>) -> Result<Box<dyn Membership<Node = u64>>, BuildError> + 'a;

/// A placement under test: how it is built and what it promises.
pub struct Subject<'a> {
    capabilities: Capabilities,
    build: Box<Build<'a>>,
    max_nodes: usize,
}

impl<'a> Subject<'a> {
    /// A subject that is built by `build` and promises `capabilities`.
    pub fn new(
        capabilities: Capabilities,
        build: impl Fn(Vec<Member<u64>>) -> Result<Box<dyn Membership<Node = u64>>, BuildError> + 'a,
    ) -> Self {
        Self {
            capabilities,
            build: Box::new(build),
            max_nodes: 24,
        }
    }

    /// The same, tried with at most this many nodes at once, and never with fewer than 4; 24 unless
    /// said otherwise.
    #[must_use]
    pub fn max_nodes(self, max_nodes: usize) -> Self {
        Self {
            max_nodes: max_nodes.max(4),
            ..self
        }
    }

    /// What it promises.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub(super) fn most_nodes(&self) -> usize {
        self.max_nodes
    }

    /// Whether a node can have this weight.
    pub(super) fn can_weigh(&self, weight: Weight) -> bool {
        match weight.get() {
            0 => self.capabilities.drain,
            1 => true,
            _ => self.capabilities.weighted,
        }
    }

    pub(super) fn try_build(
        &self,
        members: Vec<Member<u64>>,
    ) -> Result<Box<dyn Membership<Node = u64>>, BuildError> {
        (self.build)(members)
    }

    /// Builds of members that must be accepted.
    #[track_caller]
    pub(super) fn build(
        &self,
        case: Case,
        members: Vec<Member<u64>>,
    ) -> Box<dyn Membership<Node = u64>> {
        match self.try_build(members) {
            Ok(placement) => {
                placement.check_invariants();
                placement
            }
            Err(error) => case.fail(format_args!("good members were refused: {error}")),
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
}
