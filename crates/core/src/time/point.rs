use core::fmt;
use core::ops::{Add, AddAssign, Sub, SubAssign};
use core::time::Duration;

/// A moment of one [`Clock`](super::Clock): nanoseconds since that clock's origin.
///
/// The origin is the clock's own (for [`SystemClock`](super::SystemClock) the moment the process
/// made its first), so instants of different clocks must not be compared and an instant means
/// nothing in another process: send a [`UnixTime`] instead. The range is 584 years.
///
/// Arithmetic saturates at [`Instant::ORIGIN`] and [`Instant::MAX`] and never panics; subtracting a
/// later instant from an earlier one gives zero. A clock that steps backwards can therefore never
/// produce a negative, huge or wrapped interval.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::time::Instant;
///
/// let start = Instant::from_millis(100);
/// let later = start + Duration::from_millis(20);
/// assert_eq!(later - start, Duration::from_millis(20));
/// assert_eq!(start - later, Duration::ZERO);
/// assert_eq!(start - Duration::from_secs(1), Instant::ORIGIN);
/// assert_eq!(later.to_string(), "0.120000000s");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A moment of civil time: nanoseconds since 1970-01-01T00:00:00Z, not counting leap seconds
/// (POSIX).
///
/// For what must mean something in another process or after a restart: ids, hybrid logical clocks,
/// retention, exported state. It reaches to the year 2554; earlier than 1970 cannot be expressed.
/// Civil time jumps (NTP, operators, virtual machines), so intervals inside a process belong to
/// [`Instant`]. Arithmetic saturates, as [`Instant`]'s does.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::time::UnixTime;
///
/// let time = UnixTime::from_secs(1_700_000_000);
/// assert_eq!((time + Duration::from_millis(5)).as_millis(), 1_700_000_000_005);
/// assert_eq!(UnixTime::EPOCH - Duration::from_secs(1), UnixTime::EPOCH);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct UnixTime(u64);

impl Instant {
    /// The clock's origin, the earliest instant.
    pub const ORIGIN: Self = Self(0);
}

impl UnixTime {
    /// 1970-01-01T00:00:00Z, the earliest time.
    pub const EPOCH: Self = Self(0);
}

/// A duration's nanoseconds, [`u64::MAX`] where they do not fit (from 584 years on).
const fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(duration.subsec_nanos() as u64)
}

/// What [`Instant`] and [`UnixTime`] share: both are saturating points on a line of nanoseconds.
macro_rules! time_point {
    ($point:ident, $origin:literal) => {
        impl $point {
            /// The last moment that can be expressed; arithmetic saturates here. It serves as "never".
            pub const MAX: Self = Self(u64::MAX);

            #[doc = concat!("The moment this many nanoseconds after ", $origin, ".")]
            #[must_use]
            pub const fn from_nanos(nanos: u64) -> Self {
                Self(nanos)
            }

            #[doc = concat!("The moment this many microseconds after ", $origin, ", at most [`Self::MAX`].")]
            #[must_use]
            pub const fn from_micros(micros: u64) -> Self {
                Self(micros.saturating_mul(1_000))
            }

            #[doc = concat!("The moment this many milliseconds after ", $origin, ", at most [`Self::MAX`].")]
            #[must_use]
            pub const fn from_millis(millis: u64) -> Self {
                Self(millis.saturating_mul(1_000_000))
            }

            #[doc = concat!("The moment this many seconds after ", $origin, ", at most [`Self::MAX`].")]
            #[must_use]
            pub const fn from_secs(secs: u64) -> Self {
                Self(secs.saturating_mul(1_000_000_000))
            }

            #[doc = concat!("Nanoseconds since ", $origin, ".")]
            #[must_use]
            pub const fn as_nanos(self) -> u64 {
                self.0
            }

            #[doc = concat!("Whole milliseconds since ", $origin, ", rounded down.")]
            #[must_use]
            pub const fn as_millis(self) -> u64 {
                self.0 / 1_000_000
            }

            /// The time from `earlier` to `self`, or `None` when `earlier` is the later of the two.
            #[must_use]
            pub const fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
                match self.0.checked_sub(earlier.0) {
                    Some(nanos) => Some(Duration::from_nanos(nanos)),
                    None => None,
                }
            }

            /// The time from `earlier` to `self`, zero when `earlier` is the later of the two. The same as `self - earlier`.
            #[must_use]
            pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
                Duration::from_nanos(self.0.saturating_sub(earlier.0))
            }

            /// `self + duration`, or `None` past [`Self::MAX`].
            #[must_use]
            pub const fn checked_add(self, duration: Duration) -> Option<Self> {
                // A duration too long for u64 clamps to u64::MAX, which overflows from every point but zero.
                match (duration.as_nanos() > u64::MAX as u128, self.0.checked_add(nanos(duration))) {
                    (false, Some(nanos)) => Some(Self(nanos)),
                    _ => None,
                }
            }

            /// `self + duration`, at most [`Self::MAX`]. The same as the operator, usable in constants.
            #[must_use]
            pub const fn saturating_add(self, duration: Duration) -> Self {
                Self(self.0.saturating_add(nanos(duration)))
            }

            /// `self - duration`, at least the zero point. The same as the operator, usable in constants.
            #[must_use]
            pub const fn saturating_sub(self, duration: Duration) -> Self {
                Self(self.0.saturating_sub(nanos(duration)))
            }
        }

        impl Add<Duration> for $point {
            type Output = Self;
            fn add(self, duration: Duration) -> Self {
                self.saturating_add(duration)
            }
        }

        impl AddAssign<Duration> for $point {
            fn add_assign(&mut self, duration: Duration) {
                *self = *self + duration;
            }
        }

        impl Sub<Duration> for $point {
            type Output = Self;
            fn sub(self, duration: Duration) -> Self {
                self.saturating_sub(duration)
            }
        }

        impl SubAssign<Duration> for $point {
            fn sub_assign(&mut self, duration: Duration) {
                *self = *self - duration;
            }
        }

        impl Sub for $point {
            type Output = Duration;
            fn sub(self, earlier: Self) -> Duration {
                self.saturating_duration_since(earlier)
            }
        }

        impl fmt::Display for $point {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
            }
        }

        impl fmt::Debug for $point {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($point), "({})"), self)
            }
        }
    };
}

time_point!(Instant, "the clock's origin");
time_point!(UnixTime, "the Unix epoch");

/// A time before 1970 becomes [`UnixTime::EPOCH`], one after the year 2554 [`UnixTime::MAX`].
#[cfg(feature = "std")]
impl From<std::time::SystemTime> for UnixTime {
    fn from(time: std::time::SystemTime) -> Self {
        time.duration_since(std::time::UNIX_EPOCH)
            .map_or(Self::EPOCH, |since| Self(nanos(since)))
    }
}
