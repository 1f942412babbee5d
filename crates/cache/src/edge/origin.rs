use super::{Freshness, Held};

/// Where a node gets its values.
///
/// # Implementing
///
/// Do return an error for what a stale copy should stand in for: no answer, a timeout, the statuses 500, 502, 503 and 504
/// (RFC 5861, 4). Do return [`Response::NotFound`] for what is not there: it takes the place of a stale copy. Where there is a stale copy, ask
/// the origin by its version whether it is still the same, and answer [`Held::renewed`] then. Do not ask the
/// node for the same key.
///
/// A function of a key is an origin, which does without the stale copy.
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::edge::{Edge, Freshness, Held, Origin, Response, State};
///
/// struct Articles;
///
/// impl Origin<u32, String> for Articles {
///     type Error = &'static str;
///
///     fn fetch(&self, key: &u32, held: Option<&Held<String>>) -> Result<Response<String>, Self::Error> {
///         let current = 3; // from a cheap question to the database
///         let freshness = Freshness::new(Duration::from_secs(60)).version(current);
///         Ok(match held {
///             Some(held) if held.version() == Some(current) => held.renewed(freshness),
///             _ => Response::Found(format!("article {key}"), freshness),
///         })
///     }
/// }
///
/// let edge = Edge::with_capacity(100, Articles);
/// assert_eq!(edge.get(&7)?.value.as_deref(), Some("article 7"));
/// # Ok::<_, purlin_cache::LoadError<&'static str>>(())
/// ```
pub trait Origin<K, V> {
    /// Why there is no response.
    type Error;

    /// What there is under a key. `held` is a copy that was stale, if the node has one.
    ///
    /// # Errors
    ///
    /// There is no response, or one that a stale copy may stand in for.
    fn fetch(&self, key: &K, held: Option<&Held<V>>) -> Result<Response<V>, Self::Error>;
}

/// What an origin says about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response<V> {
    /// This, and how long it may be used.
    Found(V, Freshness),
    /// Nothing is there, and how long that may be assumed; the node's own answer to that if the origin has none.
    NotFound(Option<Freshness>),
}

impl<K, V, E, F> Origin<K, V> for F
where
    F: Fn(&K) -> Result<Response<V>, E>,
{
    type Error = E;

    fn fetch(&self, key: &K, _: Option<&Held<V>>) -> Result<Response<V>, E> {
        self(key)
    }
}
