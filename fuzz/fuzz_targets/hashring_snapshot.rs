//! Any text as a snapshot: it is refused, or what it restores to keeps its invariants and gives the same snapshot
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purlin_hashring::registry::Snapshot;
use purlin_hashring::{KeyHash, Membership, NodeIdx, Placement};

fuzz_target!(|text: &str| {
    let Ok(snapshot) = serde_json::from_str::<Snapshot<String>>(text) else {
        return;
    };
    // What it costs is up to the writer: that is documented, and not what is looked for.
    let options = snapshot.options();
    let small = |option: Option<u32>| option.is_some_and(|value| value <= 1 << 10);
    let bounded = match snapshot.algorithm().name() {
        "slot_table" => small(options.slots),
        "ring" => small(options.max_points),
        "maglev" => options.table_size.is_some_and(|size| size <= 1 << 10),
        "anchor" => small(options.capacity),
        _ => true,
    };
    if !bounded {
        return;
    }
    let Ok(placement) = snapshot.clone().restore() else {
        return;
    };
    placement.check_invariants();
    let again = Snapshot::of(&*placement);
    assert_eq!(again.epoch(), snapshot.epoch());
    let twin = again.clone().restore().expect("a snapshot can be restored");
    assert_eq!(Snapshot::of(&*twin), again);
    for key in [0, 1 << 63, u64::MAX] {
        let (mut ours, mut theirs) = ([NodeIdx(0); 4], [NodeIdx(0); 4]);
        let found = placement.replicas(KeyHash(key), &mut ours);
        assert_eq!(found, twin.replicas(KeyHash(key), &mut theirs));
        assert_eq!(ours[..found], theirs[..found]);
    }
});
