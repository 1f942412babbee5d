use super::{Clock, Instant, Timer};
use core::time::Duration;

/// Tokio's clock and timer.
///
/// It follows `tokio::time::pause` and `advance`, so code under test in a paused runtime sees the
/// runtime's time. The origin is the moment of construction: make one and copy it, for instants of
/// two separately made timers must not be compared.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use core::time::Duration;
/// use purlin_core::time::{Clock, Instant, Timer, TokioTimer};
///
/// let timer = TokioTimer::new();
/// timer.sleep_until(Instant::from_secs(3_600)).await; // paused: returns at once
/// assert_eq!(timer.now(), Instant::from_secs(3_600));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokioTimer {
    origin: tokio::time::Instant,
}

impl TokioTimer {
    /// A timer whose origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: tokio::time::Instant::now(),
        }
    }
}

impl Default for TokioTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioTimer {
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }
}

impl Timer for TokioTimer {
    type Sleep = tokio::time::Sleep;

    /// # Panics
    ///
    /// Outside a Tokio runtime that has its time driver enabled, as `tokio::time::sleep` does.
    fn sleep_until(&self, deadline: Instant) -> tokio::time::Sleep {
        // Tokio's wheel rounds up to its millisecond, so the sleep never ends early.
        let after_origin = Duration::from_nanos(deadline.as_nanos());
        match self.origin.checked_add(after_origin) {
            Some(deadline) => tokio::time::sleep_until(deadline),
            None => tokio::time::sleep(Duration::MAX),
        }
    }
}
