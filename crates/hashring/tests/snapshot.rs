//! Snapshots: what is restored answers as the original did, today and from files that earlier
//! versions wrote.

use purlin_core::random::{RandomExt, SplitMix64, Xoshiro256PlusPlus};
use purlin_hashring::registry::{
    Algorithm, AnyPlacement, Options, Registered, RestoreError, Snapshot, VARIANTS,
};
use purlin_hashring::{
    Epoch, Identity, KeyHash, Locality, Member, Membership, NodeId, NodeIdx, Ring, SlotTable,
    Weight,
};
use serde_json::{Value, json};

/// A placement with a past: members came, went, and came back.
fn with_history(algorithm: Algorithm, seed: u64) -> AnyPlacement<String> {
    let mut random = Xoshiro256PlusPlus::from_seed(seed);
    let mut options = Options::default();
    options.seed = seed;
    match algorithm {
        Algorithm::SlotTable => options.slots = Some(256),
        Algorithm::Ring => options.points_per_weight = Some(8),
        Algorithm::Maglev => options.table_size = Some(251),
        Algorithm::Anchor => options.capacity = Some(40),
        _ => {}
    }
    let weighted = algorithm.variant().capabilities.weighted;
    let nobody: [String; 0] = [];
    let mut nodes = algorithm
        .build(&options, nobody)
        .expect("the options are fine");
    for _ in 0..60 {
        let mut pick = |bound: u64| usize::try_from(random.below(bound)).expect("it is small");
        let name = format!("node-{}", pick(20));
        let weight = if weighted { [0, 1, 2, 3][pick(4)] } else { 1 };
        let zone = ["a", "b", "c"][pick(3)];
        let member = Member::new(name.clone())
            .weight(weight)
            .locality(Locality::zone(zone));
        if nodes.add(member).is_err() {
            // Where only the last can go, most are refused.
            let _ = nodes.remove(name.id());
        }
    }
    nodes
}

/// All that lookups answer for some keys, as indices.
fn answers(nodes: &dyn Registered<Node = String>) -> Vec<Vec<u32>> {
    let replicas = |key| {
        let mut replicas = [NodeIdx(0); 3];
        let found = nodes.replicas(KeyHash(SplitMix64::mix(key)), &mut replicas);
        replicas[..found].iter().map(|node| node.0).collect()
    };
    (0..64).map(replicas).collect()
}

#[test]
fn what_is_restored_is_the_same_and_goes_on_the_same() {
    for variant in VARIANTS {
        for seed in 0..20 {
            let mut nodes = with_history(variant.algorithm, seed);
            let text = serde_json::to_string(&Snapshot::of(&*nodes)).unwrap();
            let snapshot: Snapshot<String> = serde_json::from_str(&text).unwrap();
            assert_eq!(snapshot, Snapshot::of(&*nodes));
            let mut restored = snapshot.restore().unwrap();
            restored.check_invariants();
            assert_eq!(restored.epoch(), nodes.epoch());
            assert_eq!(restored.options(), nodes.options());
            assert_eq!(
                answers(&*restored),
                answers(&*nodes),
                "{} {seed}",
                variant.name
            );
            // Indices are given out in the same order, too.
            for name in ["late-1", "late-2", "late-3"] {
                let index = nodes.add(Member::new(name.into())).unwrap();
                assert_eq!(restored.add(Member::new(name.into())).unwrap(), index);
            }
            assert_eq!(
                answers(&*restored),
                answers(&*nodes),
                "{} {seed}",
                variant.name
            );
        }
    }
}

/// The same snapshots and answers in every version: this file is only ever added to.
#[test]
fn snapshots_of_earlier_versions_give_the_same_answers() {
    let file = include_str!("fixtures/snapshots-format-1.json");
    let fixtures: Vec<Value> = serde_json::from_str(file).unwrap();
    assert_eq!(fixtures.len(), VARIANTS.len());
    for fixture in fixtures {
        let snapshot: Snapshot<String> =
            serde_json::from_value(fixture["snapshot"].clone()).unwrap();
        let expected: Vec<Vec<u32>> = serde_json::from_value(fixture["replicas"].clone()).unwrap();
        let name = snapshot.algorithm();
        let nodes = snapshot.restore().unwrap();
        assert_eq!(answers(&*nodes), expected, "{name}");
    }
}

fn altered(alter: impl FnOnce(&mut Value)) -> Result<AnyPlacement<String>, RestoreError> {
    let mut ring = Ring::new(["a", "b", "c"].map(String::from)).expect("it is possible");
    ring.remove("b".id()).expect("it is possible");
    let mut value = serde_json::to_value(Snapshot::of(&ring)).expect("it is possible");
    alter(&mut value);
    serde_json::from_value::<Snapshot<String>>(value)
        .expect("it is a snapshot")
        .restore()
}

#[test]
fn what_was_tampered_with_is_refused() {
    assert!(altered(|_| ()).is_ok());
    let format = altered(|value| value["format"] = json!(2));
    assert_eq!(format.unwrap_err(), RestoreError::Format { found: 2 });
    let gaps = altered(|value| value["gaps"] = json!([3]));
    assert_eq!(gaps.unwrap_err(), RestoreError::Gaps);
    let gaps = altered(|value| value["gaps"] = json!([1, 1]));
    assert_eq!(gaps.unwrap_err(), RestoreError::Gaps);
    let no_gaps_in_buckets = altered(|value| {
        value["algorithm"] = json!("flip");
        value["options"] = json!({});
    });
    assert_eq!(no_gaps_in_buckets.unwrap_err(), RestoreError::Gaps);
    let identity = altered(|value| value["members"][0]["node"] = json!("z"));
    let (was, is) = ("a".id(), "z".id());
    assert_eq!(
        identity.unwrap_err(),
        RestoreError::Identity {
            index: NodeIdx(0),
            was,
            is
        }
    );
    let twice = altered(|value| value["members"][0] = value["members"][1].clone());
    assert!(matches!(twice.unwrap_err(), RestoreError::Build(_)));
    let option = altered(|value| value["options"]["slots"] = json!(64));
    assert!(matches!(option.unwrap_err(), RestoreError::Build(_)));
    let points = altered(|value| value["options"]["max_points"] = json!(10));
    assert!(matches!(points.unwrap_err(), RestoreError::Build(_)));
}

#[test]
fn a_type_takes_its_own_snapshots_only() {
    let table = SlotTable::builder()
        .slots(64)
        .seed(9)
        .build([1_u64, 2, 3])
        .unwrap();
    let snapshot = Snapshot::of(&table);
    assert_eq!(
        SlotTable::try_from(snapshot.clone()).unwrap().to_builder(),
        table.to_builder()
    );
    let refused = Ring::try_from(snapshot).unwrap_err();
    let (found, expected) = (Algorithm::SlotTable, Algorithm::Ring);
    assert_eq!(refused, RestoreError::Algorithm { found, expected });
}

/// What it looks like, so that other programs can write and read it.
#[test]
fn the_format_is_plain() {
    let mut ring = Ring::builder()
        .points_per_weight(4)
        .build([7_u64, 8])
        .unwrap();
    ring.set_weight(NodeId(8), Weight::new(3)).unwrap();
    let value = serde_json::to_value(Snapshot::of(&ring)).unwrap();
    let nowhere = json!({ "zone": null, "rack": null, "host": null });
    assert_eq!(
        value,
        json!({
            "format": 1,
            "algorithm": "ring",
            "options": {
                "seed": 0,
                "slots": null,
                "replicas": null,
                "max_overload_percent": null,
                "points_per_weight": 4,
                "max_points": 1 << 24,
                "table_size": null,
                "capacity": null,
            },
            "epoch": Epoch(1),
            "members": [
                { "id": 7, "node": 7, "weight": 1, "locality": nowhere },
                { "id": 8, "node": 8, "weight": 3, "locality": nowhere },
            ],
            "gaps": [],
        })
    );
}

/// A format in which nothing is named and nothing can be left out.
#[test]
fn compact_formats_read_what_they_write() {
    for variant in VARIANTS {
        let nodes = with_history(variant.algorithm, 3);
        let snapshot = Snapshot::of(&*nodes);
        let bytes = postcard::to_allocvec(&snapshot).expect("it can be written");
        let read: Snapshot<String> = postcard::from_bytes(&bytes).expect("it can be read");
        assert_eq!(read, snapshot, "{}", variant.name);
    }
}

/// Members as people write them.
#[test]
fn members_are_read_from_configurations() {
    let member: Member<String> =
        serde_json::from_str(r#"{ "node": "a", "locality": { "zone": "eu-1" } }"#).unwrap();
    let expected = Member::new("a".to_string()).locality(Locality::zone("eu-1"));
    assert_eq!(member, expected);
    let again: Member<String> =
        serde_json::from_value(serde_json::to_value(&member).unwrap()).unwrap();
    assert_eq!(again, expected);
}
