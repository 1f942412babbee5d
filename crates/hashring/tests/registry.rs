//! The registry: names, options, and every promise of every algorithm.

use purlin_core::hash::{KeyHasher, Xxh3};
use purlin_hashring::conformance::{self, Subject};
use purlin_hashring::registry::{Algorithm, AnyPlacement, Options, VARIANTS};
use purlin_hashring::{BuildError, Maglev, Placement, Ring, SlotTable};

/// Small enough for thousands of histories.
fn options(algorithm: Algorithm) -> Options {
    let mut options = Options::default();
    match algorithm {
        Algorithm::SlotTable => options.slots = Some(1_024),
        Algorithm::Ring => options.points_per_weight = Some(40),
        Algorithm::Maglev => options.table_size = Some(1_009),
        Algorithm::Anchor => options.capacity = Some(64),
        _ => {}
    }
    options
}

fn subject(algorithm: Algorithm, options: Options) -> Subject<'static> {
    Subject::new(algorithm.capabilities(&options), move |members| {
        Ok(algorithm.build(&options, members)?)
    })
}

#[test]
fn every_variant_keeps_its_promises() {
    for variant in VARIANTS {
        for seed in 0..8 {
            println!("{} with seed {seed}", variant.name);
            let mut options = options(variant.algorithm);
            options.seed = seed % 3;
            conformance::all(&subject(variant.algorithm, options), seed);
        }
    }
}

/// A table remembers replicas, too, or limits what a node may own, or both.
#[test]
fn slot_tables_keep_their_promises_with_all_options() {
    for (replicas, percent) in [
        (3, None),
        (5, None),
        (1, Some(5)),
        (1, Some(0)),
        (3, Some(20)),
    ] {
        let mut options = Options::default();
        options.slots = Some(1_024);
        options.replicas = Some(replicas);
        options.max_overload_percent = percent;
        for seed in 0..4 {
            println!("{options:?} with seed {seed}");
            conformance::all(&subject(Algorithm::SlotTable, options.clone()), seed);
        }
    }
}

/// By default options: up to chance, but for the ring, whose arcs are of chance themselves.
#[test]
fn shares_are_even() {
    for variant in VARIANTS {
        let subject = subject(variant.algorithm, Options::default());
        let excess = match variant.algorithm {
            Algorithm::Ring => 0.25,
            // 65,536 slots fall on some dozens of nodes by chance, too.
            Algorithm::SlotTable => 0.05,
            _ => 0.0,
        };
        for seed in 0..4 {
            println!("{} with seed {seed}", variant.name);
            conformance::balance(&subject, seed, excess);
        }
    }
}

#[test]
fn ranges_are_whole() {
    for (seed, nodes) in (0..).zip([0_u32, 1, 2, 3, 24]) {
        let ring = Ring::builder().points_per_weight(8).build(0..nodes);
        conformance::ranges(&ring.expect("few nodes"), seed);
        let table = SlotTable::builder().slots(128).replicas(2).build(0..nodes);
        conformance::ranges(&table.expect("few nodes"), seed);
        let table = Maglev::builder().table_size(251).build(0..nodes);
        conformance::ranges(&table.expect("few nodes"), seed);
    }
    let ranged = VARIANTS
        .iter()
        .filter(|variant| variant.capabilities.ranged);
    let names: Vec<_> = ranged.map(|variant| variant.name).collect();
    assert_eq!(
        names,
        ["slot_table", "ring", "maglev"],
        "another one is to be tested here"
    );
}

#[test]
fn every_variant_spreads_replicas() {
    assert!(VARIANTS.iter().all(|variant| variant.capabilities.spread));
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

/// An option and how it is set.
type Setting = (&'static str, fn(&mut Options));

/// A misplaced option is a mistake that its author should hear of.
#[test]
fn options_of_other_algorithms_are_refused() {
    let settings: [Setting; 7] = [
        ("slots", |options| options.slots = Some(61)),
        ("replicas", |options| options.replicas = Some(61)),
        ("max_overload_percent", |options| {
            options.max_overload_percent = Some(61);
        }),
        ("points_per_weight", |options| {
            options.points_per_weight = Some(61);
        }),
        ("max_points", |options| options.max_points = Some(61)),
        ("table_size", |options| options.table_size = Some(61)),
        ("capacity", |options| options.capacity = Some(61)),
    ];
    for variant in VARIANTS {
        for (name, set) in settings {
            let mut options = Options::default();
            set(&mut options);
            let refused = variant.algorithm.build(&options, Vec::<u32>::new()).err();
            let unknown = BuildError::NoSuchOption {
                option: name,
                algorithm: variant.name,
            };
            // An option that it has may be refused for its value.
            let has = variant.options.contains(&name);
            assert_eq!(refused != Some(unknown), has, "{name} of {}", variant.name);
        }
        let known = |name| settings.iter().any(|(setting, _)| setting == name);
        assert!(
            variant.options.iter().all(known),
            "{}: an option is not tested here",
            variant.name
        );
    }
}

/// An option that is passed on makes a difference.
#[test]
fn options_reach_their_algorithm() {
    let refused = |name: &str, set: fn(&mut Options), nodes: u32| {
        let algorithm: Algorithm = name.parse().expect("a name");
        let mut options = Options::default();
        set(&mut options);
        let refused = algorithm.build(&options, 0..nodes).err();
        refused
            .unwrap_or_else(|| panic!("{name} of {nodes} nodes"))
            .to_string()
    };
    let message = refused("ring", |options| options.max_points = Some(1_000), 7);
    assert!(
        message.contains("1120 points, its limit is 1000"),
        "{message}"
    );
    let points = |options: &mut Options| options.points_per_weight = Some(1 << 24);
    assert!(refused("ring", points, 2).contains("33554432 points"));
    assert!(refused("maglev", |options| options.table_size = Some(60), 2).contains("table_size"));
    assert!(refused("slot_table", |options| options.slots = Some(65), 2).contains("slots"));
    assert!(refused("slot_table", |options| options.replicas = Some(0), 2).contains("replicas"));
    let percent = |options: &mut Options| options.max_overload_percent = Some(1_001);
    assert!(refused("slot_table", percent, 2).contains("max_overload_percent"));
    assert!(refused("anchor", |options| options.capacity = Some(3), 4).contains("limit is 3"));
}

/// What a snapshot or a configuration file holds.
#[test]
fn options_are_serialized_by_name() {
    let mut options = Options::default();
    options.seed = 7;
    options.capacity = Some(100);
    let text = serde_json::to_string(&options).expect("numbers");
    assert_eq!(
        serde_json::from_str::<Options>(&text).expect("what was written"),
        options
    );
    let sparse = r#"{"seed": 7, "capacity": 100}"#;
    assert_eq!(
        serde_json::from_str::<Options>(sparse).expect("two options"),
        options
    );
    assert!(serde_json::from_str::<Options>(r#"{"capacities": 100}"#).is_err());
}

#[test]
fn another_seed_is_another_placement() {
    for variant in VARIANTS {
        let build = |seed| -> AnyPlacement<u32> {
            let mut options = options(variant.algorithm);
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
