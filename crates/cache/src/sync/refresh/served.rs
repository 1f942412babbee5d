use crate::load::LoadError;
use core::convert::Infallible;
use core::time::Duration;

/// How old values may be served, and when they are to be loaded again. See the [module](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staleness {
    pub(super) refresh_after_write: Option<Duration>,
    pub(super) stale_while_revalidate: Duration,
    pub(super) stale_if_error: Duration,
}

impl Staleness {
    /// Nothing is served after its time, and nothing is refreshed before.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            refresh_after_write: None,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
        }
    }

    /// Values that are so old are loaded again by the next caller, and served to the others meanwhile.
    #[must_use]
    pub const fn refresh_after_write(mut self, age: Duration) -> Self {
        self.refresh_after_write = Some(age);
        self
    }

    /// For so long after its time is over a value is served to those who do not load it.
    #[must_use]
    pub const fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window;
        self
    }

    /// For so long after its time is over a value is served when its load has failed.
    #[must_use]
    pub const fn stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window;
        self
    }

    /// How long an entry is of use after its time is over. "For ever" has an end, so that a deadline does not become none.
    pub(super) fn grace(self) -> Duration {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        self.stale_while_revalidate
            .max(self.stale_if_error)
            .min(CENTURY)
    }
}

/// A value, and how it comes that it is this one.
#[derive(Clone, Debug)]
pub enum Served<V, E = Infallible> {
    /// It was here.
    Fresh(V),
    /// It was here, is due, and is or has to be loaded by somebody.
    Stale {
        /// The value.
        value: V,
        /// How long ago it was put in.
        age: Duration,
    },
    /// It was loaded, by this caller or by somebody it has waited for.
    Loaded(V),
    /// It was here, and could not be loaded again.
    StaleIfError {
        /// The value.
        value: V,
        /// How long ago it was put in.
        age: Duration,
        /// Why it could not be loaded.
        error: LoadError<E>,
    },
}

impl<V, E> Served<V, E> {
    /// The value.
    pub fn into_value(self) -> V {
        match self {
            Self::Fresh(value)
            | Self::Stale { value, .. }
            | Self::Loaded(value)
            | Self::StaleIfError { value, .. } => value,
        }
    }

    /// After a load has failed: the old value, if there is one.
    pub(super) fn in_spite_of(
        error: LoadError<E>,
        old: Option<Old<V>>,
    ) -> Result<Self, LoadError<E>> {
        match old {
            Some(Old { value, age, .. }) => Ok(Self::StaleIfError { value, age, error }),
            None => Err(error),
        }
    }

    /// While somebody loads: the old value, if it may be served then.
    pub(super) fn while_revalidating(old: Old<V>) -> Option<Self> {
        let Old { value, age, .. } = old;
        old.serves.then_some(Self::Stale { value, age })
    }
}

/// A value that is not fresh.
#[derive(Debug)]
pub(super) struct Old<V> {
    pub(super) value: V,
    pub(super) age: Duration,
    /// Whether it may be served before it is known whether a load fails.
    pub(super) serves: bool,
}
