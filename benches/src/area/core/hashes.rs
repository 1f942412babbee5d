//! Hashing a key.
//!
//! Keys are boxed slices, so that no contender knows their length when it is compiled: it is read
//! together with the pointer, as from a `String`.

#[cfg(feature = "rivals")]
use core::hint::black_box;
use purlin_core::hash::{KeyHasher, SipHash13, SipHash24, Xxh3};
use purlin_core::random::{Random as _, SplitMix64};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over};

/// The names of our hashes.
pub(super) const VARIANTS: [&str; 3] = ["xxh3", "siphash-1-3", "siphash-2-4"];

/// The secret of the keyed hashes; which one does not matter to their speed.
pub(super) const SECRET: [u8; 16] = *b"a secret of ours";

/// The longest key: beyond it the figure is the memory's.
pub(super) const LENGTH_MAX: u64 = 1 << 20;

type Key = Box<[u8]>;

/// Random keys of that length: as many as fit the first-level cache, within reason.
fn keys(length: u64, seed: u64) -> Result<Over<Key>, LabError> {
    let fits = usize::try_from(length)
        .ok()
        .filter(|_| length <= LENGTH_MAX);
    let length = fits.ok_or_else(|| {
        LabError::Usage(format!(
            "a key of {length} bytes: the longest is {LENGTH_MAX}"
        ))
    })?;
    let mut random = SplitMix64::new(seed);
    let key = |_| {
        (0..length)
            .map(|_| random.next_u64().to_le_bytes()[0])
            .collect()
    };
    Ok(Contest::over(
        (0..(16 << 10) / length.max(1))
            .take(512)
            .chain([0; 8])
            .map(key)
            .collect(),
    ))
}

/// One of [`VARIANTS`] alone.
pub(super) fn ours(variant: &str, length: u64, settings: &Settings) -> Result<Contest, LabError> {
    let keys = keys(length, settings.seed)?;
    let contest = match variant {
        "xxh3" => enter(keys, variant, Xxh3::new()),
        "siphash-1-3" => enter(keys, variant, SipHash13::new(SECRET)),
        _ => enter(keys, variant, SipHash24::new(SECRET)),
    };
    Ok(contest.build())
}

fn enter(keys: Over<Key>, name: &str, hasher: impl KeyHasher + 'static) -> Over<Key> {
    keys.ours(name, move |key| hasher.hash_bytes(key))
}

/// Reading the key: the exclusive or of its words.
fn with_floor(contest: Over<Key>) -> Over<Key> {
    contest.floor("xor of the words", |key| {
        let (words, _) = key.as_chunks::<8>();
        words
            .iter()
            .fold(0, |sum, word| sum ^ u64::from_le_bytes(*word))
    })
}

/// [`Xxh3`] beside the crate it wraps, and the fast hashes of hash tables (of which only rapidhash
/// promises the same value tomorrow).
pub(super) fn xxh3<const LENGTH: u64>(settings: &Settings) -> Result<Contest, LabError> {
    let contest = with_floor(enter(keys(LENGTH, settings.seed)?, "Xxh3", Xxh3::new()));
    #[cfg(feature = "rivals")]
    let contest = {
        let ahash = through(ahash::RandomState::with_seeds(1, 2, 3, 4));
        let foldhash = through(foldhash::fast::FixedState::with_seed(settings.seed));
        contest
            .rival("xxhash-rust xxh3_64", |key| xxhash_rust::xxh3::xxh3_64(key))
            // The very function that ours calls; the one above, which users call, has no seed.
            .rival("xxhash-rust with_seed", move |key| {
                xxhash_rust::xxh3::xxh3_64_with_seed(key, black_box(0))
            })
            .rival("rapidhash v3", |key| rapidhash::v3::rapidhash_v3(key))
            .rival("ahash", ahash)
            .rival("foldhash fast", foldhash)
            .rival("std DefaultHasher", through(std::hash::RandomState::new()))
    };
    Ok(contest.build())
}

/// [`SipHash13`] beside the crate it wraps, and std's.
pub(super) fn sip_hash_13<const LENGTH: u64>(settings: &Settings) -> Result<Contest, LabError> {
    let contest = with_floor(enter(
        keys(LENGTH, settings.seed)?,
        "SipHash13",
        SipHash13::new(SECRET),
    ));
    #[cfg(feature = "rivals")]
    let contest = {
        let original = siphasher::sip::SipHasher13::new_with_key(&SECRET);
        contest
            .rival("siphasher SipHasher13", move |key| original.hash(key))
            .rival("std DefaultHasher", through(std::hash::RandomState::new()))
    };
    Ok(contest.build())
}

/// A hash of hash tables, fed the bytes alone: `Hash for [u8]` would add the length, which ours do
/// without.
#[cfg(feature = "rivals")]
fn through(state: impl core::hash::BuildHasher) -> impl FnMut(&Key) -> u64 {
    use core::hash::Hasher as _;
    move |key| {
        let mut hasher = state.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}
