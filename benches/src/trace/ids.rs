//! Words to dense ids.

use std::collections::HashMap;

use super::error::Reason;

/// How much memory the distinct keys of a trace may take, in bytes (about; what the table itself
/// needs is estimated).
pub const KEY_BYTES_MAX: usize = 2 << 30;

/// What one key costs besides its bytes: its box, its id and its place in the table.
const OVERHEAD: usize = 40;

/// How many distinct ids fit the same memory.
pub(super) const KEYS_MAX: usize = KEY_BYTES_MAX / OVERHEAD;

/// Gives each distinct key the next number, in the order they are first seen. Exact: keys are kept,
/// not hashed away.
///
/// O(key length) a lookup; memory is that of the distinct keys, at most [`KEY_BYTES_MAX`].
#[derive(Debug)]
pub(super) struct Ids {
    ids: HashMap<Box<[u8]>, u64>,
    bytes_left: usize,
}

impl Ids {
    pub(super) fn new() -> Self {
        Self::with_limit(KEY_BYTES_MAX)
    }

    fn with_limit(bytes: usize) -> Self {
        Self {
            ids: HashMap::new(),
            bytes_left: bytes,
        }
    }

    pub(super) fn id(&mut self, key: &[u8]) -> Result<u64, Reason> {
        if key.is_empty() {
            return Err(Reason::EmptyKey);
        }
        if let Some(id) = self.ids.get(key) {
            return Ok(*id);
        }
        self.bytes_left = self
            .bytes_left
            .checked_sub(key.len() + OVERHEAD)
            .ok_or(Reason::TooManyKeys)?;
        let id = self.ids.len() as u64;
        self.ids.insert(key.into(), id);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_in_first_seen_order() {
        let mut ids = Ids::new();
        let given: Vec<_> = ["b", "a", "b", "c", "a"]
            .iter()
            .map(|key| ids.id(key.as_bytes()).ok())
            .collect();
        assert_eq!(given, [0, 1, 0, 2, 1].map(Some));
    }

    #[test]
    fn memory_is_bounded() {
        let mut ids = Ids::with_limit(2 * (OVERHEAD + 1));
        assert!(ids.id(b"a").is_ok() && ids.id(b"b").is_ok());
        assert!(matches!(ids.id(b"c"), Err(Reason::TooManyKeys)));
        assert_eq!(ids.id(b"a").ok(), Some(0), "known keys cost nothing");
    }
}
