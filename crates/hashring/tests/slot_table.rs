//! The slot table and rendezvous hashing against values computed elsewhere, and the table against
//! its own definition.

use allocation_counter::measure;
use proptest::prelude::*;
use purlin_core::random::SplitMix64;
use purlin_hashring::{
    BuildError, KeyHash, Locality, Member, Membership, MembershipError, NodeId, NodeIdx, Placement,
    Ranged, Rendezvous, SlotTable, Weight,
};

/// A hash in the middle of a slot.
fn hash_of(slot: usize, slots: usize) -> KeyHash {
    let width = u64::MAX / slots as u64 + 1;
    KeyHash(slot as u64 * width + width / 2)
}

fn owners(table: &SlotTable<u64>) -> Vec<Option<u64>> {
    let owner = |slot| table.owner(hash_of(slot, table.slots()));
    (0..table.slots())
        .map(|slot| owner(slot).and_then(|node| table.node(node).copied()))
        .collect()
}

fn spelled(owners: impl IntoIterator<Item = Option<u64>>) -> String {
    owners
        .into_iter()
        .map(|owner| owner.map_or_else(|| "-".into(), |id| id.to_string()))
        .collect()
}

/// The owners of 256 slots, computed by a program in another language from the definition, with
/// logarithms of 60 decimal places. They must never change.
#[test]
fn golden_owners() {
    let weighted =
        [(1, 1), (2, 2), (3, 3), (4, 5), (5, 1)].map(|(id, weight)| Member::new(id).weight(weight));
    let table = SlotTable::builder()
        .seed(7)
        .slots(256)
        .build(weighted.clone())
        .unwrap();
    assert_eq!(
        spelled(owners(&table)),
        "3445444214445141453342434321424244414434243131244454434232432244341424334153353344242345234342343231344444534341443343444143455435443522441344443212553331444442333441233344221544442334434322424244411234244344434452112141513434223422424414342434424341132311"
    );
    let equal = SlotTable::builder().slots(256).build(1..=9_u64).unwrap();
    assert_eq!(
        spelled(owners(&equal)),
        "5661346574497238874393696148638887458795155659875663233582228667788685521419624866921166434764647175784597139229151917919182416841538136432536272571775716227993829296446877653734451612258372299156834622145414789452337349294522712489333295656351455991295949"
    );
    let rendezvous = Rendezvous::builder().seed(7).build(weighted).unwrap();
    let owners = (0..256).map(|key| {
        let owner = rendezvous.owner(KeyHash(SplitMix64::mix(key)))?;
        rendezvous.node(owner).copied()
    });
    assert_eq!(
        spelled(owners),
        "2342444534544143141252354433411441433444324244123513454322532323342344244453342335334123541244434524445412443124541442334324255422445553343345335444345343242434243444424432352444343132154334325344132115344124424534122443443333454452453534432244544324544443"
    );
}

fn shares(table: &SlotTable<u64>) -> Vec<(u64, usize, u64)> {
    let owners = owners(table);
    let count = |id| owners.iter().filter(|&&owner| owner == Some(id)).count();
    let members = table.roster().iter();
    members
        .map(|member| {
            (
                *member.node,
                count(*member.node),
                member.weight.get().into(),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// No node is above its cap, and no slot is anywhere but at its best node while that has room.
    #[test]
    fn a_cap_holds_and_moves_no_slot_needlessly(
        weights in prop::collection::vec(0_u32..5, 1..40),
        percent in 0_u32..40,
        seed: u64,
    ) {
        let slots = 1 << 10;
        let members = || (0..).zip(&weights).map(|(id, &weight)| Member::new(id).weight(weight));
        let builder = SlotTable::builder().seed(seed).slots(slots);
        let capped = builder.max_overload_percent(percent).build(members()).unwrap();
        let free = builder.build(members()).unwrap();
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        prop_assume!(total > 0);
        let cap = |weight: u64| {
            let share = slots as u64 * weight;
            (share * u64::from(100 + percent) / (100 * total)).max(share.div_ceil(total))
        };
        let shares = shares(&capped);
        for &(id, owned, weight) in &shares {
            prop_assert!(owned as u64 <= cap(weight), "{id} owns {owned}");
        }
        prop_assert_eq!(shares.iter().map(|share| share.1).sum::<usize>(), slots);
        let full = |id: u64| shares.iter().any(|&(other, owned, weight)| other == id && owned as u64 == cap(weight));
        for (slot, (now, best)) in owners(&capped).iter().zip(owners(&free)).enumerate() {
            if *now != best {
                prop_assert!(best.is_some_and(full), "slot {slot} was lost by a node with room");
            }
        }
    }

    /// Rows at hand are what choosing replicas one by one gives, whatever happened to the members.
    #[test]
    fn rows_are_the_replicas_computed_anew(
        steps in prop::collection::vec((0_u64..12, 0_u32..4, 0_u8..4), 1..40),
        capped: bool,
    ) {
        let mut builder = SlotTable::builder().slots(1 << 7);
        if capped {
            builder = builder.max_overload_percent(10);
        }
        let mut table = builder.replicas(4).build([0_u64; 0]).unwrap();
        for (id, weight, zone) in steps {
            let member = Member::new(id).weight(weight).locality(Locality::zone([zone]));
            if table.add(member).is_err() {
                match weight {
                    0 => drop(table.remove(NodeId(id))),
                    _ => drop(table.set_weight(NodeId(id), Weight::new(weight - 1))),
                }
            }
            table.check_invariants();
        }
        let members = table.roster().iter().map(|member| {
            Member::new(*member.node).weight(member.weight).locality(member.locality)
        });
        let without = builder.build(members).unwrap();
        for slot in 0..1 << 7 {
            let named = |table: &SlotTable<u64>| {
                let mut replicas = [NodeIdx(0); 6];
                let found = table.replicas(hash_of(slot, 1 << 7), &mut replicas);
                replicas[..found].iter().map(|&node| table.node(node).copied()).collect::<Vec<_>>()
            };
            prop_assert_eq!(named(&table), named(&without));
        }
    }
}

#[test]
fn a_slot_is_a_range_of_hashes() {
    let table = SlotTable::builder().slots(64).build(["a", "b"]).unwrap();
    assert_eq!(table.next_boundary(KeyHash(0)).0, KeyHash((1 << 58) - 1));
    assert_eq!(table.next_boundary(KeyHash(u64::MAX)).0, KeyHash(u64::MAX));
}

#[test]
fn options_have_bounds() {
    let refusal = |result: Result<SlotTable<&str>, _>| match result {
        Err(BuildError::Option { option, .. }) => option,
        other => panic!("{other:?}"),
    };
    let builder = SlotTable::builder();
    assert_eq!(refusal(builder.slots(100).build(["a"])), "slots");
    assert_eq!(refusal(builder.slots(1 << 23).build(["a"])), "slots");
    assert_eq!(refusal(builder.replicas(0).build(["a"])), "replicas");
    assert_eq!(refusal(builder.replicas(17).build(["a"])), "replicas");
    assert_eq!(
        refusal(builder.max_overload_percent(1001).build(["a"])),
        "max_overload_percent"
    );
}

#[test]
fn there_is_a_limit_of_nodes() {
    let mut table = SlotTable::builder().slots(64).build(0..65_534_u64).unwrap();
    assert!(table.add(Member::new(65_534)).is_ok());
    let refused = table.add(Member::new(65_535)).unwrap_err();
    assert_eq!(
        refused.reason,
        MembershipError::TooManyNodes { limit: 65_535 }
    );
    assert_eq!(refused.member.node, 65_535);
    let built = SlotTable::builder().slots(64).build(0..65_536_u64);
    assert!(
        matches!(
            built,
            Err(BuildError::Member {
                position: 65_535,
                ..
            })
        ),
        "{built:?}"
    );
}

#[test]
fn lookups_do_not_allocate() {
    let plain = SlotTable::new(0..100_u64).unwrap();
    let rows = SlotTable::builder().replicas(3).build(0..100_u64).unwrap();
    let rendezvous =
        Rendezvous::new((0..100_u32).map(|id| Member::new(u64::from(id)).weight(1 + id % 3)))
            .unwrap();
    let mut replicas = [NodeIdx(0); 5];
    let placements: [&dyn Placement<Node = u64>; 3] = [&plain, &rows, &rendezvous];
    for placement in placements {
        let counted = measure(|| {
            for key in 0..100 {
                let key = KeyHash(SplitMix64::mix(key));
                assert!(placement.owner(key).is_some());
                assert_eq!(placement.replicas(key, &mut replicas), 5);
            }
        });
        assert_eq!(counted.count_total, 0);
    }
}

/// Shares follow weights: chi-square over a million keys, for weights from 1 to the greatest there
/// is.
#[test]
fn weights_are_shares() {
    for weights in [
        vec![1, 2, 3, 10, 100],
        vec![u32::MAX, u32::MAX / 2, u32::MAX / 1000],
        vec![1; 7],
    ] {
        let members = (0..)
            .zip(&weights)
            .map(|(id, &weight)| Member::new(id).weight(weight));
        let nodes = Rendezvous::builder()
            .seed(11)
            .build::<Member<u64>>(members)
            .unwrap();
        let keys = 1_000_000;
        let mut counts = vec![0_u32; weights.len()];
        for key in 0..keys {
            counts[nodes.owner(KeyHash(SplitMix64::mix(key))).unwrap().get()] += 1;
        }
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let chi_square: f64 = (counts.iter().zip(&weights))
            .map(|(&count, &weight)| {
                let expected = keys as f64 * f64::from(weight) / total;
                (f64::from(count) - expected).powi(2) / expected
            })
            .sum();
        // Degrees of freedom + 4 standard deviations.
        let freedom = weights.len() as f64 - 1.0;
        assert!(
            chi_square < freedom + 4.0 * (2.0 * freedom).sqrt(),
            "{weights:?}: {counts:?}"
        );
    }
}
