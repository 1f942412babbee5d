//! Time as a parameter: instants, the clocks that read them and the timers that wait for them.
//!
//! Every time-dependent call in purlin takes `now: Instant`, or is a thin wrapper that reads a
//! [`Clock`] first. An [`Instant`] is a `u64` of nanoseconds, so it fits an atomic word, can be
//! made at will in a test, and never appears as an associated type in a signature.
//!
//! | question | answer |
//! |---|---|
//! | how long since / until, inside one process | [`Instant`] from a [`Clock`] |
//! | a moment another process must understand | [`UnixTime`] from a [`WallClock`] |
//! | wait until then | [`Timer`] |

mod clock;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod manual;
mod point;
#[cfg(feature = "std")]
mod system;
#[cfg(feature = "tokio")]
mod tokio;

pub use clock::{Clock, Timer, WallClock};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use manual::{ManualClock, ManualSleep};
pub use point::{Instant, UnixTime};
#[cfg(feature = "std")]
pub use system::SystemClock;
#[cfg(feature = "tokio")]
pub use tokio::TokioTimer;
