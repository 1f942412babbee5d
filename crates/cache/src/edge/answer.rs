use super::Held;
use core::time::Duration;
use purlin_core::time::Instant;

/// What a node says about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<V, R> {
    /// The value; none if there is nothing under the key.
    pub value: Option<V>,
    /// Where it comes from.
    pub state: State,
    /// How old it is: what HTTP has in the field `Age` (RFC 9111, 5.1).
    pub age: Duration,
    /// If it is stale and nobody else is at it: to be run when the answer is out. One that is dropped leaves it to the next
    /// who asks.
    pub revalidation: Option<R>,
}

impl<V: Clone, R> Answer<V, R> {
    pub(super) fn new(held: &Held<V>, state: State, now: Instant) -> Self {
        Self {
            value: held.value().cloned(),
            state,
            age: held.age_at(now),
            revalidation: None,
        }
    }
}

/// Where an answer comes from. The words are those of the field `Cache-Status` (RFC 9211), as far as it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum State {
    /// A fresh copy.
    Hit,
    /// A stale copy, in the time in which it may be used while it is revalidated (RFC 5861, 3).
    Stale,
    /// A stale copy, as the origin failed (RFC 5861, 4).
    StaleIfError,
    /// The origin, asked by this call or one at the same time.
    Miss,
}
