//! Every policy of the registry: it does what it promises, and promises all that it does.

use allocation_counter::measure;
use core::panic::AssertUnwindSafe;
use purlin_cache::Capabilities;
use purlin_cache::conformance::{self, Subject};
use purlin_cache::registry::{Algorithm, VARIANTS};
use purlin_core::time::SystemClock;
use std::panic::{catch_unwind, resume_unwind};

/// The variant, as promising something.
fn subject(algorithm: Algorithm, promises: Capabilities) -> Subject<'static> {
    Subject::new(promises, move |capacity| algorithm.build(capacity, 7))
}

#[test]
fn all_conform() {
    for variant in VARIANTS {
        println!("{}", variant.name);
        let subject = subject(variant.algorithm, variant.capabilities);
        for seed in 0..300 {
            conformance::all(&subject, seed);
        }
    }
}

/// What a variant does not promise fails for some seed: or else it could promise it.
#[test]
fn no_capability_is_withheld() {
    type Property = fn(&Subject<'_>, u64);
    for variant in VARIANTS {
        let can = variant.capabilities;
        let properties: [(&str, bool, Property); 4] = [
            ("ignores_slots", can.ignores_slots, conformance::relocation),
            (
                "remembers",
                !can.remembers,
                conformance::hashes_do_not_matter,
            ),
            ("exact_order", can.exact_order, conformance::order),
            (
                "hot_key_stays",
                can.hot_key_stays,
                conformance::hot_key_stays,
            ),
        ];
        let subject = subject(variant.algorithm, can);
        for (name, promised, property) in properties {
            let holds = (0..300).all(|seed| {
                let run = AssertUnwindSafe(|| property(&subject, seed));
                catch_unwind(run).is_ok()
            });
            assert_eq!(promised, holds, "{}: {name}", variant.name);
        }
    }
}

#[test]
fn nothing_is_allocated_once_a_cache_is_full() {
    for variant in VARIANTS {
        let subject = subject(variant.algorithm, variant.capabilities);
        for (capacity, seed) in [(1, 1), (10, 2), (100, 3), (1_000, 4)] {
            let mut requests = conformance::steady_state(&subject, capacity, seed);
            let counted = measure(|| requests(20 * capacity + 1_000));
            // Some arrays have an element for what there may be more of than ever, and double then: a frequency
            // that occurs in LFU, a departed key that is remembered in LIRS (and its node in the stack).
            let arrays = match variant.algorithm {
                Algorithm::Lfu => 2,
                Algorithm::Lirs => 7,
                _ => 0,
            };
            let doublings = arrays * u64::from(capacity.ilog2() + 1);
            let (name, count) = (variant.name, counted.count_total);
            assert!(
                count <= doublings,
                "{name} of {capacity} entries: {count} allocations"
            );
        }
    }
}

/// The time is the machine's, on which others may be at work: one good run of three will do.
#[test]
fn a_request_takes_constant_time() {
    for variant in VARIANTS {
        println!("{}", variant.name);
        let subject = subject(variant.algorithm, variant.capabilities);
        let run = |_| {
            let run = || conformance::constant_work(&subject, 1, &SystemClock::new());
            catch_unwind(AssertUnwindSafe(run)).err()
        };
        let failures: Option<Vec<_>> = (0..3).map(run).collect();
        if let Some(last) = failures.and_then(|mut failures| failures.pop()) {
            resume_unwind(last);
        }
    }
}

#[test]
fn rows_are_in_the_order_of_the_enum_and_named_once() {
    for variant in VARIANTS {
        assert_eq!(variant.algorithm.variant(), variant);
        assert_eq!(variant.algorithm.to_string(), variant.name);
        assert_eq!(variant.name.parse(), Ok(variant.algorithm));
        assert_eq!(
            variant.name.replace('_', "-").parse(),
            Ok(variant.algorithm)
        );
        let json = serde_json::to_string(&variant.algorithm).unwrap();
        assert_eq!(json, format!("{:?}", variant.name));
        assert_eq!(
            serde_json::from_str::<Algorithm>(&json).unwrap(),
            variant.algorithm
        );
    }
    let unknown = "lruu".parse::<Algorithm>().unwrap_err().to_string();
    assert!(unknown.contains("\"lruu\"; there are "), "{unknown}");
    assert!(unknown.contains("fifo, lru"), "{unknown}");
}
