use super::Response;
use crate::expiry::Expiry;
use crate::tags::Ticket;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::Instant;

/// How long a response may be used, and what it depends on. The [`Default`] may not be used again at all.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::edge::Freshness;
///
/// let minute = Duration::from_secs(60);
/// let said = Freshness::new(minute).stale_while_revalidate(minute * 2);
/// let header = Freshness::from_cache_control("max-age=60, stale-while-revalidate=120");
/// assert_eq!(said, header);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct Freshness {
    /// How long it is fresh: the freshness lifetime of RFC 9111, section 4.2.1.
    pub ttl: Duration,
    /// How long after that it may be used while it is revalidated (RFC 5861, section 3).
    pub stale_while_revalidate: Duration,
    /// How long after its `ttl` it may be used where the origin fails (RFC 5861, section 4).
    pub stale_if_error: Duration,
    /// How old it was when it came from the origin, which may be a node itself: the field `Age` (RFC 9111, sections 4.2.3
    /// and 5.1).
    pub age: Duration,
    /// What it can be purged by: the fields `Surrogate-Key` or `Cache-Tag` of other nodes.
    pub tags: Vec<String>,
    /// Never takes the place of a copy with a greater one.
    pub version: Option<u64>,
}

impl Freshness {
    /// Fresh for so long, and of no use after that.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            ..Self::default()
        }
    }

    /// Sets [`stale_while_revalidate`](Self#structfield.stale_while_revalidate).
    #[must_use]
    pub fn stale_while_revalidate(mut self, duration: Duration) -> Self {
        self.stale_while_revalidate = duration;
        self
    }

    /// Sets [`stale_if_error`](Self#structfield.stale_if_error).
    #[must_use]
    pub fn stale_if_error(mut self, duration: Duration) -> Self {
        self.stale_if_error = duration;
        self
    }

    /// Sets [`age`](Self#structfield.age).
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets [`tags`](Self#structfield.tags).
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`version`](Self#structfield.version).
    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }
}

/// A copy in a node.
#[derive(Clone, Debug)]
pub struct Held<V> {
    body: Body<V>,
    version: Option<u64>,
    requested: Instant,
    initial_age: Duration,
    fresh_until: Instant,
    stale_until: Instant,
    stands_in_until: Instant,
    ticket: Ticket,
}

#[derive(Clone, Debug)]
enum Body<V> {
    Value(V),
    NotFound,
    /// Not a copy: what keeps older versions out.
    Tombstone,
}

impl<V> Held<V> {
    /// `ttl` in place of the one in `freshness`.
    pub(super) fn new(
        value: Option<V>,
        requested: Instant,
        ttl: Duration,
        freshness: &Freshness,
        ticket: Ticket,
    ) -> Self {
        let until =
            |window: Duration| requested + ttl.saturating_add(window).saturating_sub(freshness.age);
        Self {
            body: value.map_or(Body::NotFound, Body::Value),
            version: freshness.version,
            requested,
            initial_age: freshness.age,
            fresh_until: until(Duration::ZERO),
            stale_until: until(freshness.stale_while_revalidate),
            stands_in_until: until(freshness.stale_if_error),
            ticket,
        }
    }

    pub(super) fn purged(version: u64) -> Self {
        Self {
            body: Body::Tombstone,
            version: Some(version),
            requested: Instant::ORIGIN,
            initial_age: Duration::ZERO,
            fresh_until: Instant::ORIGIN,
            stale_until: Instant::ORIGIN,
            stands_in_until: Instant::ORIGIN,
            ticket: Ticket::default(),
        }
    }

    /// The value; none if it is known that there is nothing.
    pub const fn value(&self) -> Option<&V> {
        match &self.body {
            Body::Value(value) => Some(value),
            Body::NotFound | Body::Tombstone => None,
        }
    }

    /// The version that the origin said.
    #[must_use]
    pub const fn version(&self) -> Option<u64> {
        self.version
    }

    /// How old it is (RFC 9111, 4.2.3).
    #[must_use]
    pub fn age_at(&self, now: Instant) -> Duration {
        self.initial_age.saturating_add(now - self.requested)
    }

    /// The response of an origin that says that this copy is still good, and for how long: status 304 (RFC 9111, 4.3.3).
    #[must_use]
    pub fn renewed(&self, freshness: Freshness) -> Response<V>
    where
        V: Clone,
    {
        match self.value() {
            Some(value) => Response::Found(value.clone(), freshness),
            None => Response::NotFound(Some(freshness)),
        }
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now < self.fresh_until
    }

    pub(super) fn may_be_stale(&self, now: Instant) -> bool {
        now < self.stale_until
    }

    pub(super) fn may_stand_in(&self, now: Instant) -> bool {
        now < self.stands_in_until && self.is_alive()
    }

    pub(super) fn is_alive(&self) -> bool {
        self.ticket.is_alive()
    }

    pub(super) const fn is_tombstone(&self) -> bool {
        matches!(self.body, Body::Tombstone)
    }

    /// Not by time if it is a tombstone.
    fn useful_until(&self) -> Option<Instant> {
        let until = self.stale_until.max(self.stands_in_until);
        (!self.is_tombstone() && until < Instant::MAX).then_some(until)
    }

    pub(super) fn is_useless(&self, now: Instant) -> bool {
        self.useful_until().is_some_and(|until| until <= now)
    }

    /// Whether this is not known to be an older version.
    pub(super) fn may_replace(&self, old: &Self) -> bool {
        match (self.version, old.version) {
            (Some(new), Some(old)) => new >= old,
            _ => true,
        }
    }
}

/// Copies leave when they cannot be used any more.
pub(super) struct UntilUseless;

impl<K, V> Expiry<K, Held<V>> for UntilUseless {
    fn expire_after_create(&self, _: &K, held: &Held<V>, now: Instant) -> Option<Duration> {
        held.useful_until().map(|until| until - now)
    }

    fn expire_after_update(
        &self,
        key: &K,
        held: &Held<V>,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, held, now)
    }
}
