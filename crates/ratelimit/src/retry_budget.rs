//! A bound on retries as a share of the requests: what keeps retries from bringing down a server
//! that is only slow.

mod deposits;
mod reserve;

use crate::{ConfigError, Instant};
use core::time::Duration;
use deposits::Deposits;
use reserve::Reserve;

/// So many retries per hundred requests, and a few per second whatever the traffic.
///
/// Each request makes a deposit, each retry a withdrawal; when neither the deposits nor the reserve
/// cover it, the retry is refused and the failure goes to the caller. A backoff spreads one client's
/// retries; the budget bounds the load of all of them together (Finagle's `RetryBudget`; Google's
/// "Site Reliability Engineering", chapter 21).
///
/// * **Deposits** pay for `percent` retries per hundred requests, exactly: in whole requests, no
///   fractions are rounded. Each expires after `ttl`, at the earliest after half of it (two
///   generations of half a `ttl` each).
/// * **The reserve** gives `min_per_sec` retries a second and saves them up for one `ttl`, so it
///   holds `min_per_sec * ttl`, at least one, when nobody retries, and at the beginning. Deposits are
///   spent first.
///
/// Within any time `t` at most `percent` of the requests of `t` and of the `ttl` before it, plus
/// `min_per_sec * (ttl + t)` retries pass. A clock that steps back gives nothing twice. Deposits are
/// bounded: what would take those of half a `ttl` above 2^20 parts is dropped, where a retry costs
/// 100 parts, fewer where `percent` and 100 have a common divisor (at 20 percent 5). So at least
/// 10,000 retries per half `ttl` are covered.
///
/// Lock-free: two atomic words, one for each of the two parts, which know nothing of each other. Any
/// number of threads may use it at once.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::retry_budget::{BudgetExhausted, RetryBudget};
///
/// let budget = RetryBudget::new(Duration::from_secs(10), 20, 0)?;
/// let now = Instant::from_secs(1);
/// for _request in 0..100 {
///     budget.deposit_at(now);
/// }
/// let passed = (0..100).filter(|_| budget.try_withdraw_at(now).is_ok()).count();
/// assert_eq!(passed, 20);
/// assert_eq!(budget.try_withdraw_at(now), Err(BudgetExhausted));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct RetryBudget {
    /// `None` at 0 percent.
    deposits: Option<Deposits>,
    /// `None` at 0 per second.
    reserve: Option<Reserve>,
}

/// The retry is not paid for. Give the first failure to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the retry budget is exhausted")]
pub struct BudgetExhausted;

/// What a [`RetryBudget`] holds at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetStats {
    /// Retries that the deposits pay for.
    pub from_deposits: u64,
    /// Retries in the reserve.
    pub from_reserve: u64,
}

/// The most percent: ten retries per request.
const MAX_PERCENT: u32 = 1_000;
/// One a nanosecond.
const MAX_PER_SEC: u32 = 1_000_000_000;

impl RetryBudget {
    /// A budget of `percent` retries per hundred requests of the last `ttl`, and `min_per_sec`
    /// retries a second besides. Finagle's and linkerd's defaults are 10 s, 20 % and 10 a second.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for `ttl`, or for `percent` when `min_per_sec` is 0 too: no retry would
    /// ever pass. [`ConfigError::TooLarge`] for more than 1,000 percent, 10^9 a second, or a `ttl`
    /// above 584 years.
    pub fn new(ttl: Duration, percent: u32, min_per_sec: u32) -> Result<Self, ConfigError> {
        if ttl.is_zero() {
            return Err(ConfigError::Zero { field: "ttl" });
        }
        at_most("ttl", ttl.as_nanos(), u64::MAX.into())?;
        at_most("percent", percent.into(), MAX_PERCENT.into())?;
        at_most("min_per_sec", min_per_sec.into(), MAX_PER_SEC.into())?;
        if percent == 0 && min_per_sec == 0 {
            return Err(ConfigError::Zero { field: "percent" });
        }
        let ttl = Instant::ORIGIN.saturating_add(ttl).as_nanos();
        Ok(Self {
            deposits: (percent > 0).then(|| Deposits::new(ttl, percent)),
            reserve: (min_per_sec > 0).then(|| Reserve::new(ttl, min_per_sec)),
        })
    }

    /// Counts a request (not a retry). O(1), one atomic update.
    pub fn deposit_at(&self, now: Instant) {
        if let Some(deposits) = &self.deposits {
            deposits.deposit(now.as_nanos());
        }
    }

    /// Takes a retry out of the budget. O(1), at most two atomic updates.
    ///
    /// # Errors
    ///
    /// [`BudgetExhausted`] when there is none; then nothing has changed.
    pub fn try_withdraw_at(&self, now: Instant) -> Result<(), BudgetExhausted> {
        let now = now.as_nanos();
        // Deposits expire whether used or not; the reserve keeps.
        let paid = self.deposits.as_ref().is_some_and(|d| d.try_withdraw(now))
            || self.reserve.as_ref().is_some_and(|r| r.try_withdraw(now));
        paid.then_some(()).ok_or(BudgetExhausted)
    }

    /// How many retries would pass now.
    #[must_use]
    pub fn stats_at(&self, now: Instant) -> BudgetStats {
        let now = now.as_nanos();
        BudgetStats {
            from_deposits: self.deposits.as_ref().map_or(0, |d| d.available(now)),
            from_reserve: self.reserve.as_ref().map_or(0, |r| r.available(now)),
        }
    }
}

fn at_most(field: &'static str, value: u128, max: u128) -> Result<(), ConfigError> {
    if value > max {
        return Err(ConfigError::TooLarge { field, value, max });
    }
    Ok(())
}
