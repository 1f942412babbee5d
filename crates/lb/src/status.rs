//! Whether an endpoint takes requests, and if not, who says so.

use core::fmt;

/// Who says what of an endpoint: each in a bit of its own, so that a health checker, an outlier
/// detector and an operator do not undo one another's work.
///
/// ```
/// use purlin_lb::{Health, Status};
///
/// let status = Status::default();
/// assert!(status.is_available());
/// assert_eq!(status.health(), Health::Healthy);
/// assert_eq!(status.to_string(), "available");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Status(u32);

/// What an active health check, or discovery, says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Health {
    /// Takes requests.
    #[default]
    Healthy,
    /// Takes requests, but [priorities](crate::policy::Priority) prefer others.
    Degraded,
    /// Takes none, but in a panic.
    Unhealthy,
}

impl Status {
    const UNHEALTHY: u32 = 1;
    const DEGRADED: u32 = 1 << 1;
    const EJECTED: u32 = 1 << 2;
    const DRAINING: u32 = 1 << 3;
    const REMOVED: u32 = 1 << 4;

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// What the health check says.
    #[must_use]
    pub const fn health(self) -> Health {
        if self.0 & Self::UNHEALTHY != 0 {
            Health::Unhealthy
        } else if self.0 & Self::DEGRADED != 0 {
            Health::Degraded
        } else {
            Health::Healthy
        }
    }

    /// Whether passive outlier detection has put it out for a while.
    #[must_use]
    pub const fn is_ejected(self) -> bool {
        self.0 & Self::EJECTED != 0
    }

    /// Whether it is to get no new requests, while those in flight end in peace.
    #[must_use]
    pub const fn is_draining(self) -> bool {
        self.0 & Self::DRAINING != 0
    }

    /// Whether it is no endpoint of its cluster any more.
    #[must_use]
    pub const fn is_removed(self) -> bool {
        self.0 & Self::REMOVED != 0
    }

    /// Whether nothing speaks against it. Its weight may still be 0.
    #[must_use]
    pub const fn is_available(self) -> bool {
        self.0 & !Self::DEGRADED == 0
    }

    /// Whether it would get requests in a panic: all but drained ones do.
    pub(crate) const fn takes_in_panic(self) -> bool {
        self.0 & (Self::DRAINING | Self::REMOVED) == 0
    }

    /// Whether requests of sessions that are there still go there: drained or not.
    pub(crate) const fn keeps_sessions(self) -> bool {
        self.0 & !(Self::DEGRADED | Self::DRAINING) == 0
    }

    pub(crate) const fn with_health(self, health: Health) -> Self {
        let others = self.0 & !(Self::UNHEALTHY | Self::DEGRADED);
        Self(match health {
            Health::Healthy => others,
            Health::Degraded => others | Self::DEGRADED,
            Health::Unhealthy => others | Self::UNHEALTHY,
        })
    }

    pub(crate) const fn with_ejected(self, ejected: bool) -> Self {
        self.with(Self::EJECTED, ejected)
    }

    pub(crate) const fn with_draining(self, draining: bool) -> Self {
        self.with(Self::DRAINING, draining)
    }

    pub(crate) const fn removed(self) -> Self {
        self.with(Self::REMOVED, true)
    }

    const fn with(self, bit: u32, on: bool) -> Self {
        Self(if on { self.0 | bit } else { self.0 & !bit })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WORDS: [&str; 5] = ["unhealthy", "degraded", "ejected", "draining", "removed"];
        let mut said = false;
        for (bit, word) in WORDS.into_iter().enumerate() {
            if self.0 & (1 << bit) != 0 {
                write!(f, "{}{word}", if said { ", " } else { "" })?;
                said = true;
            }
        }
        if said {
            Ok(())
        } else {
            f.write_str("available")
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}
