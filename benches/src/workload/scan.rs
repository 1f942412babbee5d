//! Keys that are asked for once.

use super::Keys;

/// `start`, `start + 1`, ... : a sequential scan in which no key comes twice. After `u64::MAX`
/// follows 0. O(1) a key.
///
/// # Examples
///
/// ```
/// use purlin_benches::workload::{Keys, Scan};
///
/// assert_eq!(Scan::from(100).take_keys(3), [100, 101, 102]);
/// ```
#[derive(Debug, Clone)]
pub struct Scan {
    next: u64,
}

impl From<u64> for Scan {
    /// A scan from this key on.
    fn from(start: u64) -> Self {
        Self { next: start }
    }
}

impl Keys for Scan {
    fn next_key(&mut self) -> u64 {
        let key = self.next;
        self.next = key.wrapping_add(1);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_key_is_followed_by_the_first() {
        assert_eq!(Scan::from(u64::MAX).take_keys(2), [u64::MAX, 0]);
    }
}
