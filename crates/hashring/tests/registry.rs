//! The registry: names, options, and every promise of every algorithm.

use purlin_core::hash::{KeyHasher, Xxh3};
use purlin_hashring::Placement;
use purlin_hashring::conformance::{self, Subject};
use purlin_hashring::registry::{Algorithm, AnyPlacement, Options, VARIANTS, Variant};

/// Small enough for thousands of histories.
fn options(variant: &Variant) -> Options {
    let options = Options::default();
    _ = variant;
    options
}

fn subject(variant: &'static Variant, seed: u64) -> Subject<'static> {
    let mut options = options(variant);
    options.seed = seed;
    Subject::new(variant.capabilities, move |members| {
        Ok(variant.algorithm.build(&options, members)?)
    })
}

#[test]
fn every_variant_keeps_its_promises() {
    for variant in VARIANTS {
        for seed in 0..12 {
            println!("{} with seed {seed}", variant.name);
            conformance::all(&subject(variant, seed % 3), seed);
        }
    }
}

#[test]
fn names_are_parsed_and_printed() {
    for variant in VARIANTS {
        assert_eq!(variant.name.parse(), Ok(variant.algorithm));
        assert_eq!(variant.algorithm.to_string(), variant.name);
        assert_eq!(variant.algorithm.variant(), variant);
        assert_eq!(
            format!("{:>20}", variant.algorithm),
            format!("{:>20}", variant.name)
        );
    }
}

#[test]
fn an_unknown_name_is_answered_by_those_there_are() {
    for name in ["", "Ring", "ring ", "mod-n"] {
        let unknown = name.parse::<Algorithm>().expect_err("no such algorithm");
        assert_eq!(unknown.name, name);
        let message = unknown.to_string();
        assert!(message.starts_with(&format!("there is no algorithm {name:?}; there are ")));
        assert!(
            VARIANTS
                .iter()
                .all(|variant| message.contains(variant.name)),
            "{message}"
        );
    }
}

#[test]
fn serialized_as_the_name() {
    for variant in VARIANTS {
        let text = serde_json::to_string(&variant.algorithm).expect("a name");
        assert_eq!(text, format!("{:?}", variant.name));
        assert_eq!(
            serde_json::from_str::<Algorithm>(&text).expect("a name"),
            variant.algorithm
        );
    }
    assert!(serde_json::from_str::<Algorithm>("\"mod-n\"").is_err());
}

#[test]
fn another_seed_is_another_placement() {
    for variant in VARIANTS {
        let build = |seed| -> AnyPlacement<u32> {
            let mut options = options(variant);
            options.seed = seed;
            variant
                .algorithm
                .build(&options, 0..20_u32)
                .expect("twenty nodes")
        };
        let (one, same, other) = (build(1), build(1), build(2));
        let keys = (0..400_u64).map(|key| Xxh3::new().hash_u64(key));
        let moved = keys
            .clone()
            .filter(|&key| one.owner(key) != other.owner(key))
            .count();
        assert!(
            keys.clone().all(|key| one.owner(key) == same.owner(key)),
            "{}",
            variant.name
        );
        // 95 % in expectation.
        assert!(moved > 300, "{}: {moved} of 400 keys differ", variant.name);
    }
}
