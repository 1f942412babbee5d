//! Published facts about the generators and hashes: every case of `tests/vectors/*.json`.

use purlin_core::hash::{KeyHash, KeyHasher, SipHash13, SipHash24, Xxh3};
use purlin_core::random::{Random, SplitMix64, Xoshiro256PlusPlus};
use purlin_vectors::{Case, Hex};

#[test]
fn vectors() {
    purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "core", |suite| {
        suite.schema("core/split_mix64@1", |file| {
            file.cases("cases", |case| {
                words(case, SplitMix64::new(case.read("seed")));
            });
        });
        suite.schema("core/xoshiro256plusplus@1", |file| {
            file.cases("cases", |case| {
                let random = Xoshiro256PlusPlus::from_state(case.read("state"));
                words(case, random.expect("a state that is not all zero"));
            });
        });
        suite.schema("core/xxh3@1", |file| {
            file.cases("cases", |case| {
                let hash =
                    Xxh3::with_seed(case.read("seed")).hash_bytes(&sanity_buffer(case.read("len")));
                case.check_eq("hash", hash, KeyHash(case.read("hash")));
            });
        });
        suite.schema("core/siphash13@1", |file| {
            file.cases("cases", |case| sip(case, &SipHash13::new(key(case))));
        });
        suite.schema("core/siphash24@1", |file| {
            file.cases("cases", |case| sip(case, &SipHash24::new(key(case))));
        });
    });
}

fn words(case: &Case<'_>, mut random: impl Random) {
    let expected: Vec<u64> = case.read("words");
    let actual: Vec<u64> = expected.iter().map(|_| random.next_u64()).collect();
    case.check("there are words", !expected.is_empty());
    case.check_eq("words", actual, expected);
}

/// The input of xxHash's own checks, as the file's `semantics` describe it.
fn sanity_buffer(len: usize) -> Vec<u8> {
    let words = core::iter::successors(Some(2_654_435_761_u64), |word| {
        Some(word.wrapping_mul(11_400_714_785_074_694_797))
    });
    words.map(|word| word.to_be_bytes()[0]).take(len).collect()
}

fn key(case: &Case<'_>) -> [u8; 16] {
    let Hex(key) = case.read("key");
    key.try_into().expect("a key of 16 bytes")
}

fn sip(case: &Case<'_>, hasher: &impl KeyHasher) {
    let Hex(message) = case.read("message");
    let KeyHash(hash) = hasher.hash_bytes(&message);
    case.check_eq("hash", Hex(hash.to_le_bytes().to_vec()), case.read("hash"));
}
