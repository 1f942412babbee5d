//! The sliding-window counter.

mod grid;
mod rule;
mod word;

use crate::algorithm::fixed_window::check_window;
use crate::algorithm::gcra::Width;
use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::{Decision, Denied, Reservation};
use crate::error::ConfigError;
use core::marker::PhantomData;
use core::time::Duration;
use grid::Grid;
use purlin_core::time::Instant;
use word::{Layout, Word};

/// About `limit` tokens in every span of length `window`, by two counts in one word: this window's and
/// the one's before, weighted by how much of it is still in sight.
///
/// A request is admitted if `previous * (1 - part) + current + cost` is at most `limit`, where `part`
/// of the current window has passed: the rule that is known from Cloudflare's edge, in exact
/// arithmetic. It takes the tokens of the previous window as spread evenly. They need not be, and this
/// is what the options are for:
///
/// | | in every `window` | in every `window * (1 - 1/k)` |
/// |---|---|---|
/// | `new` | below `2 * limit` | - |
/// | [`with_sub_windows(k)`](Self::with_sub_windows) | at most `limit` and what came in one sub-window, so `limit * (1 + 1/k)` where the tokens came evenly | at most `limit` |
/// | [`strict`](Self::strict) | at most `limit` | at most `limit` |
///
/// With sub-windows it remembers `k` whole ones and weights only the one that is half out of sight.
/// Strict, it counts that one as a whole: then the limit holds whatever comes, and up to `1 / (k + 1)`
/// of it lies idle.
///
/// # Size
///
/// The state is `[index | k + 1 counts]`. A `u64` is enough for limits up to 262,143 in a second and
/// 2,097,151 in a minute, with `k` sub-windows for the `2 / (k + 1)`-th part of those 18 or 21 bits;
/// the error of the constructor names the largest limit that fits. [`wide`](Self::wide) makes it 128
/// bits, for a [`Locked`](crate::Locked), [`Local`](crate::Local) or [`Stored`](crate::Stored).
///
/// # Reservations
///
/// A reservation is booked at the first instant at which it fits. Until the sub-window of that instant
/// begins nobody else is admitted, so that nobody overtakes.
///
/// # Time
///
/// Windows count from an origin, that of the clock unless [`starting_at`](Self::starting_at) says
/// otherwise; what is earlier is taken for it. They end at the [`horizon`](Self::horizon), four and a
/// half years later, from which on time stands still: a clock that counts from 1970 needs an origin
/// near the present. A clock that goes back to an earlier sub-window than the last one used finds no
/// tokens until that one begins.
///
/// A decision is O(k), without a division where `k` is one. `retry_after` is exact, and costs a
/// division when it is asked for.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Instant, Limiter, Shared, SlidingWindowCounter};
///
/// let limiter = Shared::new(SlidingWindowCounter::new(100, Duration::from_secs(60))?);
/// assert!(limiter.try_acquire_at(Instant::from_secs(59), 100).is_ok());
///
/// // A second into the next window 59/60 of the hundred still count.
/// let now = Instant::from_secs(61);
/// assert_eq!(limiter.peek_at(now, 0).remaining, 1);
/// // Ten are free when 90 count, after six of the sixty seconds.
/// let denied = limiter.try_acquire_at(now, 10).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Instant::from_secs(66)));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
///
/// Strict, a tenth of the window at a time:
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Instant, Limiter, Locked, SlidingWindowCounter};
///
/// let rule = SlidingWindowCounter::wide(100, Duration::from_secs(60))?;
/// let limiter = Locked::new(rule.with_sub_windows(10)?.strict());
/// assert!(limiter.try_acquire_at(Instant::from_secs(59), 100).is_ok());
///
/// // Second 59 is out of sight at 119, and its six seconds at 120.
/// let denied = limiter.try_acquire_at(Instant::from_secs(61), 1).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Instant::from_secs(120)));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SlidingWindowCounter<W: Width = u64> {
    grid: Grid,
    layout: Layout,
    limit: u64,
    /// What of the time that passed in a sub-window lets the oldest one count less: all, or nothing.
    fading: u64,
    word: PhantomData<W>,
}

impl SlidingWindowCounter {
    /// `limit` tokens in a window of that length, in a word.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a limit or a window of zero. [`ConfigError::TooLarge`] for a window
    /// of more than four and a half years (2⁵⁷ ns), and for a limit that does not fit.
    pub fn new(limit: u64, window: Duration) -> Result<Self, ConfigError> {
        Self::of_width(limit, window)
    }
}

impl SlidingWindowCounter<u128> {
    /// `limit` tokens in a window of that length, in 128 bits.
    ///
    /// # Errors
    ///
    /// Those of [`new`](SlidingWindowCounter::new). Limits of 35 bits and more always fit.
    pub fn wide(limit: u64, window: Duration) -> Result<Self, ConfigError> {
        Self::of_width(limit, window)
    }
}

#[expect(private_bounds, reason = "sealed")]
impl<W: Word> SlidingWindowCounter<W> {
    fn of_width(limit: u64, window: Duration) -> Result<Self, ConfigError> {
        check_window(limit, window)?;
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Self::on(Grid::new(window, 1, Instant::default()), limit, u64::MAX)
    }

    fn on(grid: Grid, limit: u64, fading: u64) -> Result<Self, ConfigError> {
        let fit = |grid: &Grid, parts: u32| Layout::new::<W>(grid.last(), parts + 1);
        let parts = u32::try_from(grid.parts()).unwrap_or(u32::MAX);
        let Some(layout) = fit(&grid, parts) else {
            let fits = |parts: &u32| fit(&grid.in_parts(*parts), *parts).is_some();
            return Err(ConfigError::TooLarge {
                field: "sub_windows",
                value: parts.into(),
                max: (1..parts).rev().find(fits).unwrap_or(0).into(),
            });
        };
        if limit > layout.max() {
            return Err(ConfigError::TooLarge {
                field: "limit",
                value: limit.into(),
                max: layout.max().into(),
            });
        }
        Ok(Self {
            grid,
            layout,
            limit,
            fading,
            word: PhantomData,
        })
    }

    /// The same with the window in `k` parts: the more, the nearer to a
    /// [`SlidingWindowLog`](crate::SlidingWindowLog), and the smaller the limits that fit. They need
    /// not divide the window: nothing is rounded.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for none. [`ConfigError::TooLarge`] for more than 60, or than there are
    /// bits for, and if the limit does not fit any more.
    pub fn with_sub_windows(self, k: u32) -> Result<Self, ConfigError> {
        let field = "sub_windows";
        if k == 0 {
            return Err(ConfigError::Zero { field });
        }
        if k > Grid::MAX_PARTS {
            return Err(ConfigError::TooLarge {
                field,
                value: k.into(),
                max: Grid::MAX_PARTS.into(),
            });
        }
        Self::on(self.grid.in_parts(k), self.limit, self.fading)
    }

    /// The same, but it never admits more than the limit in any span of the window's length: the
    /// sub-window that is partly out of sight counts as a whole. Up to `1 / (k + 1)` of the limit lies
    /// idle for it, which without sub-windows is half.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { fading: 0, ..self }
    }

    /// With windows that are counted from `origin`: so that one begins there, and for a clock that
    /// does not count from about the time at which this limiter starts.
    #[must_use]
    pub fn starting_at(self, origin: Instant) -> Self {
        let grid = self.grid.starting_at(origin);
        Self { grid, ..self }
    }

    /// The length of the window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.grid.window()
    }

    /// The last instant that it counts.
    #[must_use]
    pub fn horizon(&self) -> Instant {
        self.grid.horizon()
    }
}

impl<W: Word> Algorithm for SlidingWindowCounter<W> {
    type State = W;

    #[inline]
    fn decide(&self, state: &mut W, now: Instant, cost: u64) -> Result<(), Denied> {
        self.decide_word(state, now, cost)
    }

    fn inspect(&self, state: &W, now: Instant, cost: u64) -> Decision {
        let mut copy = *state;
        Decision {
            outcome: self.decide_word(&mut copy, now, cost),
            limit: self.limit,
            remaining: self.remaining(*state, now),
            reset_after: self.reset_after(*state, now),
            window: self.window(),
        }
    }

    fn reserve(
        &self,
        state: &mut W,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let before = *state;
        let Err(denied) = self.decide_word(state, now, cost) else {
            return Ok(Reservation::new(now, cost, before.into()));
        };
        let ready = denied.retry_at().filter(|ready| {
            let wait = ready.saturating_duration_since(now);
            wait <= max_wait && self.decide_word(state, *ready, cost).is_ok()
        });
        let ready = ready.ok_or(denied)?;
        Ok(Reservation::new(ready, cost, before.into()))
    }

    /// The newest one leaves the word as it was before; an older one is taken out of the count of its
    /// sub-window, and those that were built upon it keep their instants.
    fn cancel(&self, state: &mut W, now: Instant, reservation: &Reservation) -> u64 {
        let Ok(before) = W::try_from(reservation.mark) else {
            return 0;
        };
        if now > reservation.ready {
            return 0;
        }
        let mut after = before;
        let booked = self.decide_word(&mut after, reservation.ready, reservation.cost);
        if booked.is_ok() && after == *state {
            *state = before;
            return reservation.cost;
        }
        self.take_at(state, reservation.ready, reservation.cost)
    }

    fn refund(&self, state: &mut W, now: Instant, cost: u64) {
        self.take_newest(state, now, cost);
    }

    fn is_idle(&self, state: &W, now: Instant) -> bool {
        self.idle(*state, now)
    }

    /// To whole sub-windows, so that nothing is forgotten early: up to one of them late, unless both
    /// instants are equally far in one.
    fn rebase(&self, state: &W, from: Instant, to: Instant) -> W {
        self.rebased(*state, from, to)
    }

    fn limit(&self) -> u64 {
        self.limit
    }

    fn fingerprint(&self) -> u64 {
        self.grid
            .fingerprint()
            .and(u64::from(W::BITS))
            .and(self.limit)
            .and(self.fading)
            .hash()
    }
}

/// Where windows, sub-windows or origins differ, what counts at `now` counts as if it had been taken
/// then.
impl<W: Word> Reconfigure for SlidingWindowCounter<W> {
    fn migrate(&self, old: &Self, state: &W, now: Instant, carry: Carry) -> W {
        self.migrated(old, *state, now, carry)
    }
}
