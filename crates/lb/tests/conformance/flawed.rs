//! Policies with a flaw each, and the property that finds it.

use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicUsize, Ordering};
use purlin_lb::conformance::{self, Subject};
use purlin_lb::{AnyBalancer, Balancer, Capabilities, Instant, Pool, Request, Shares};
use std::panic::catch_unwind;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// Asks about endpoints that are closed as well.
    IgnoresStatus,
    /// Sends a retry where it failed.
    IgnoresExclusion,
    /// Looks at a few and then gives up.
    GivesUp,
    /// Begins at its first endpoint again after each update.
    Restarts,
    /// The one after a closed endpoint gets its share.
    Neighbour,
    /// Never takes the endpoint in the last position.
    OffByOne,
    /// Where a key goes depends on positions, and with them on who came when.
    ByPosition,
    /// Remembers how many endpoints there were at first.
    NeverRebuilt,
    /// Draws from the process.
    Unseeded,
}

#[derive(Debug)]
struct Flawed {
    flaw: Flaw,
    turn: AtomicUsize,
    first_len: Option<usize>,
}

impl Clone for Flawed {
    fn clone(&self) -> Self {
        Self {
            turn: AtomicUsize::new(self.turn.load(Ordering::Relaxed)),
            ..*self
        }
    }
}

impl Balancer for Flawed {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, _now: Instant) -> Option<usize> {
        let mut len = pool.len();
        let admits = |at: usize| match self.flaw {
            Flaw::IgnoresStatus => !request.excludes(pool.id(at)),
            Flaw::IgnoresExclusion => pool.is_open(at),
            _ => pool.admits(at, request),
        };
        if self.flaw == Flaw::OffByOne {
            len = len.saturating_sub(1).max(len.min(1));
        }
        if self.flaw == Flaw::NeverRebuilt {
            len = len.min(self.first_len.unwrap_or(len));
        }
        let start = match (self.flaw, request.hash()) {
            (Flaw::ByPosition, Some(hash)) => usize::try_from(hash.0 >> 33).ok()?,
            (Flaw::Unseeded, _) => std::process::id() as usize ^ self.clock(),
            (Flaw::Neighbour, _) => self.turn.fetch_add(1, Ordering::Relaxed),
            _ => {
                // A sound round robin: the next that is open, and on from there.
                let found = (0..len)
                    .map(|more| (self.turn.load(Ordering::Relaxed) + more) % len)
                    .take(if self.flaw == Flaw::GivesUp { 4 } else { len })
                    .find(|at| admits(*at))?;
                self.turn.store(found + 1, Ordering::Relaxed);
                return Some(found);
            }
        };
        (0..len)
            .map(|more| (start + more) % len)
            .find(|at| admits(*at))
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        let len = (!pool.is_empty()).then(|| pool.len());
        self.first_len = self.first_len.or(len);
        if self.flaw == Flaw::Restarts {
            self.turn = AtomicUsize::new(0);
        }
    }
}

impl Flawed {
    /// An address that differs from one object to the next.
    fn clock(&self) -> usize {
        core::ptr::from_ref(self).addr() >> 4
    }
}

fn subject(flaw: Flaw) -> Subject<'static> {
    let mut promises = Capabilities::ANY;
    match flaw {
        Flaw::ByPosition => promises.keyed = true,
        Flaw::Unseeded => {}
        _ => promises.shares = Shares::Equal,
    }
    Subject::new(promises, move |_seed| {
        AnyBalancer::new(Flawed {
            flaw,
            turn: AtomicUsize::new(0),
            first_len: None,
        })
    })
}

fn holds(flaw: Flaw, property: fn(&Subject<'_>, u64)) -> bool {
    let subject = subject(flaw);
    (0..10).all(|seed| catch_unwind(AssertUnwindSafe(|| property(&subject, seed))).is_ok())
}

#[test]
fn without_a_flaw_all_holds() {
    assert!(holds(Flaw::None, conformance::all));
}

#[test]
fn each_flaw_is_found_by_the_property_that_is_about_it() {
    for (flaw, property) in [
        (
            Flaw::IgnoresStatus,
            conformance::any_history as fn(&Subject<'_>, u64),
        ),
        (Flaw::IgnoresExclusion, conformance::any_history),
        (Flaw::GivesUp, conformance::finds_the_last),
        (Flaw::Restarts, conformance::shares_through_updates),
        (Flaw::Neighbour, conformance::shares),
        (Flaw::OffByOne, conformance::finds_the_last),
        (Flaw::ByPosition, conformance::equals_a_fresh_build),
        (Flaw::NeverRebuilt, conformance::any_history),
        (Flaw::Unseeded, conformance::picks_count_nothing),
    ] {
        assert!(!holds(flaw, property), "{flaw:?} was not found");
    }
}
