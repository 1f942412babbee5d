//! What was admitted, and the most that may have been.

use super::model::nanos;
use super::subject::Case;
use crate::{Bound, Quota};
use alloc::vec::Vec;

/// All admissions, in the order of the calls. A clock that went back is taken for one that stood
/// still since the latest admission, whatever was taken back of that one later: where that was for a
/// later instant and all of it was taken back, since the call.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    bound: Bound,
    quota: Quota,
    admitted: Vec<Admission>,
}

#[derive(Clone, Copy, Debug)]
struct Admission {
    called: u64,
    at: u64,
    /// When its turn was, of which `at` may be the next whole nanosecond.
    due: u64,
    tokens: u64,
    taken_back: u64,
}

impl Admission {
    fn kept(&self) -> u64 {
        self.tokens - self.taken_back
    }

    /// Before which none of those that came later counts, as an admission and as when its turn was.
    fn holds(&self) -> (u64, u64) {
        if self.kept() == 0 {
            (self.called, self.called)
        } else {
            (self.at, self.due)
        }
    }
}

impl Ledger {
    pub(super) fn new(bound: Bound, quota: Quota) -> Self {
        Self {
            bound,
            quota,
            admitted: Vec::new(),
        }
    }

    pub(super) fn admit(&mut self, at: u64, tokens: u64) -> usize {
        self.admitted.push(Admission {
            called: at,
            at,
            due: at,
            tokens,
            taken_back: 0,
        });
        self.admitted.len() - 1
    }

    /// Admitted for an instant to come.
    pub(super) fn promise(&mut self, called: u64, at: u64, tokens: u64) -> usize {
        let number = self.admit(at, tokens);
        self.admitted[number].called = called;
        self.admitted[number].due = at - 1;
        number
    }

    /// A reservation of so many tokens was cancelled: nobody acts by it. Those of its tokens that were
    /// taken back before were others' then.
    pub(super) fn strike(&mut self, number: usize, tokens: u64) {
        let struck = &mut self.admitted[number];
        let kept = struck.kept();
        (struck.tokens, struck.taken_back) = (0, 0);
        self.take_back(tokens - kept);
    }

    /// How much of what was admitted can be put back at `now`: what is there still; if the clock went
    /// back, of that what was admitted since it was at its latest, for which no other tokens can have
    /// come.
    pub(super) fn refundable(&self, now: u64) -> u128 {
        let admitted = || self.admitted.iter().filter(|it| it.tokens > 0);
        let latest = admitted().map(|it| it.holds().0).max();
        let clock_went_back = latest.is_some_and(|latest| now < latest);
        admitted()
            .skip_while(|it| clock_went_back && Some(it.holds().0) < latest)
            .map(|it| u128::from(it.kept()))
            .sum()
    }

    /// What was admitted last was not carried out.
    pub(super) fn take_back(&mut self, mut tokens: u64) {
        for admission in self.admitted.iter_mut().rev() {
            let back = tokens.min(admission.kept());
            admission.taken_back += back;
            tokens -= back;
        }
    }

    /// Every span from one admission to another.
    #[track_caller]
    pub(super) fn check(&self, case: Case) {
        let (mut latest, mut latest_due) = (0, 0);
        let mut held = Vec::with_capacity(self.admitted.len());
        for admission in self
            .admitted
            .iter()
            .filter(|admission| admission.tokens > 0)
        {
            let (at, due) = admission.holds();
            (latest, latest_due) = (at.max(latest), due.max(latest_due));
            held.push(Admission {
                at: latest,
                due: latest_due,
                ..*admission
            });
        }
        for (first, from) in held.iter().enumerate() {
            let mut sum = 0_u128;
            for to in &held[first..] {
                sum += u128::from(to.kept());
                let (from, to, quota) = (from.due, to.at, self.quota);
                case.check(
                    self.allows(from, to, sum),
                    format_args!("{sum} were admitted from {from} to {to} ns, by {quota}"),
                );
            }
        }
    }

    /// Whether so many may be admitted from an instant to another, both included. Exact.
    fn allows(&self, from: u64, to: u64, sum: u128) -> bool {
        let period = nanos(&self.quota);
        let count = u128::from(self.quota.count());
        let burst = u128::from(self.quota.burst());
        let over = sum.saturating_sub(burst);
        match self.bound {
            // A product too large for its integer is larger than the other side, which never is.
            Bound::Even => (over.checked_mul(period.into()))
                .is_some_and(|over| over <= count * u128::from(to - from)),
            Bound::Stepped => over <= count * u128::from(to / period - from / period),
            Bound::Window => to - from >= period || sum <= count,
            Bound::SubWindows(parts) => {
                let (parts, apart) = (u128::from(parts), u128::from(to - from));
                let part_less = apart * parts < u128::from(period) * (parts - 1);
                to - from >= period || sum < 2 * count && (!part_less || sum <= count)
            }
        }
    }
}
