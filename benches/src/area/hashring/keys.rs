//! The keys that are placed: made ones, or the user's own.

use core::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use purlin_core::hash::{KeyHash, KeyHasher as _, Xxh3};
use purlin_core::random::{Random as _, SplitMix64};

use crate::error::LabError;
use crate::settings::Settings;
use crate::table::Cell;
use crate::trace::{KEY_BYTES_MAX, Reason, each_key};

/// How many keys a timed contest goes over: more than a branch predictor learns by heart.
pub(super) const TIMED: usize = 1 << 16;

/// A key of 16 random bytes.
///
/// Its [`Hash`] feeds the bytes alone, which is the least that a hasher can be given: no rival pays
/// for a length or a terminator that ours does without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// Its XXH3, for crates that take a number.
    #[inline]
    pub(super) fn xxh3(&self) -> KeyHash {
        Xxh3::new().hash_bytes(&self.0)
    }
}

impl AsRef<[u8]> for Key {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// Random keys.
pub(super) fn random(count: usize, seed: u64) -> Vec<Key> {
    let mut random = SplitMix64::new(seed);
    let mut half = || random.next_u64().to_le_bytes();
    let key = |_| {
        let (mut key, (low, high)) = ([0; 16], (half(), half()));
        key[..8].copy_from_slice(&low);
        key[8..].copy_from_slice(&high);
        Key(key)
    };
    (0..count).map(key).collect()
}

/// The hashes of random keys.
pub(super) fn hashes(count: usize, seed: u64) -> Vec<KeyHash> {
    random(count, seed).iter().map(Key::xxh3).collect()
}

/// Hashes at equal distances over the whole range, each in the middle of its share.
///
/// Where an algorithm owns ranges, these measure the ranges and not the luck of a sample.
pub(super) fn evenly_spaced(bits: u32) -> impl Iterator<Item = KeyHash> {
    (0..1_u64 << bits).map(move |index| KeyHash((2 * index + 1) << (63 - bits)))
}

/// Arguments of the area's own.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options")]
pub(super) struct KeysArgument {
    /// Your keys, one a line: how evenly they fall and how many move, and nothing else. Hashed by
    /// XXH3. A key that is there twice counts twice; an empty line is an error
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// The keys of a run: the user's, otherwise `made` random ones.
pub(super) struct Keys {
    pub(super) hashes: Vec<KeyHash>,
    /// Whether they are the user's.
    pub(super) brought: bool,
    /// For the notes below the tables.
    pub(super) described: String,
}

impl Keys {
    /// # Errors
    ///
    /// When the user's file cannot be read, with the line.
    pub(super) fn of(settings: &Settings, made: usize) -> Result<Self, LabError> {
        // Commands without the argument do not know its name.
        let file = settings.arguments.try_get_one::<PathBuf>("keys");
        match file.ok().flatten() {
            Some(path) => Self::read(path),
            None => Ok(Self {
                hashes: hashes(made, settings.seed),
                brought: false,
                described: format!("{} random keys", Cell::count(made as u64)),
            }),
        }
    }

    fn read(path: &Path) -> Result<Self, LabError> {
        const KEYS_MAX: usize = KEY_BYTES_MAX / size_of::<KeyHash>();
        let mut hashes = Vec::new();
        each_key(path, |key| {
            if hashes.len() == KEYS_MAX {
                return Err(Reason::TooManyKeys);
            }
            hashes.push(Xxh3::new().hash_bytes(key));
            Ok(())
        })?;
        if hashes.is_empty() {
            return Err(LabError::Usage(format!("{}: no keys", path.display())));
        }
        let count = Cell::count(hashes.len() as u64);
        let described = format!("the {count} keys of {}", path.display());
        Ok(Self {
            hashes,
            brought: true,
            described,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenly_spaced_hashes_are_the_middles_of_equal_shares() {
        let hashes: Vec<_> = evenly_spaced(2).map(|KeyHash(hash)| hash).collect();
        let share = u64::MAX / 4 + 1;
        let middles: Vec<_> = (0..4).map(|index| index * share + share / 2).collect();
        assert_eq!(hashes, middles);
    }

    #[test]
    fn a_hasher_is_fed_the_bytes_and_nothing_else() {
        use core::hash::BuildHasher as _;
        let state = std::hash::RandomState::new();
        let key = random(1, 7)[0];
        let mut hasher = state.build_hasher();
        hasher.write(key.as_ref());
        assert_eq!(state.hash_one(key), hasher.finish());
        assert_eq!(key.as_ref().len(), 16);
    }
}
