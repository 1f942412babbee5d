use super::Entry;
use crate::listener::RemovalCause;
use alloc::vec::Vec;

/// What an operation took out of a shard: told to the listener, and dropped, when the lock is gone.
///
/// Nearly always it is one entry, which needs no memory of its own.
#[derive(Debug)]
pub(crate) struct Outbox<K, V> {
    first: Option<(Entry<K, V>, RemovalCause)>,
    rest: Vec<(Entry<K, V>, RemovalCause)>,
}

impl<K, V> Outbox<K, V> {
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            rest: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, entry: Entry<K, V>, cause: RemovalCause) {
        if self.first.is_none() {
            self.first = Some((entry, cause));
        } else {
            self.rest.push((entry, cause));
        }
    }

    /// All of it, in the order in which it left.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (Entry<K, V>, RemovalCause)> {
        self.first.into_iter().chain(self.rest)
    }
}
