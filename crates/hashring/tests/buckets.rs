//! Bucket hashes and what rests on them: uniform, consistent, stable.
#![expect(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "a test, never built without std"
)]

use proptest::prelude::*;
use purlin_core::random::{Random, RandomExt, SplitMix64};
use purlin_hashring::bucket::{self, BucketHash, Flip, Jump};
use purlin_hashring::{
    Anchor, Buckets, BuildError, Identity, KeyHash, Locality, Member, Membership, MembershipError,
    Memento, NodeIdx, Placement,
};
use std::collections::BTreeSet;

fn keys(seed: u64) -> impl Iterator<Item = KeyHash> {
    let mut random = SplitMix64::new(seed);
    std::iter::repeat_with(move || KeyHash(random.next_u64()))
}

/// How far a histogram is from even, in standard deviations of the chi-square distribution.
fn chi_square(counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let expected = total / counts.len() as f64;
    let chi: f64 = counts
        .iter()
        .map(|&count| (f64::from(count) - expected).powi(2) / expected)
        .sum();
    let freedom = counts.len() as f64 - 1.0;
    (chi - freedom) / (2.0 * freedom).sqrt()
}

fn is_uniform<H: BucketHash>() {
    // Below, at and above powers of two, and the middle of levels.
    for buckets in [
        2, 3, 5, 7, 8, 9, 12, 17, 24, 33, 63, 64, 65, 96, 127, 129, 200, 257, 384, 511,
    ] {
        let mut counts = vec![0; buckets as usize];
        for key in keys(buckets.into()).take(2_000 * buckets as usize) {
            counts[H::bucket(key, buckets).expect("buckets") as usize] += 1;
        }
        let deviation = chi_square(&counts);
        assert!(
            deviation.abs() < 4.5,
            "{}: {buckets} buckets: {deviation} sigma",
            H::NAME
        );
    }
}

#[test]
fn flip_is_uniform() {
    is_uniform::<Flip>();
}

#[test]
fn jump_is_uniform() {
    is_uniform::<Jump>();
}

/// Where a key is with `n` buckets says nothing about where it goes when they double or triple.
#[test]
fn flip_is_uniform_among_the_keys_of_a_bucket() {
    for (buckets, more) in [
        (4, 7),
        (5, 13),
        (6, 8),
        (8, 12),
        (12, 16),
        (16, 31),
        (11, 48),
    ] {
        let mut counts = vec![0; more as usize - buckets as usize];
        for key in keys(more.into())
            .filter(|&key| bucket::flip(key, buckets) == Some(buckets - 1))
            .take(40_000)
        {
            let bucket = bucket::flip(key, more).expect("buckets");
            if bucket >= buckets {
                counts[(bucket - buckets) as usize] += 1;
            }
        }
        let deviation = chi_square(&counts);
        assert!(
            deviation.abs() < 4.5,
            "{buckets} to {more}: {deviation} sigma"
        );
    }
}

#[test]
fn no_bucket_and_one_bucket() {
    for key in [0, 1, u64::MAX, 0x9e37_79b9_7f4a_7c15].map(KeyHash) {
        assert_eq!((bucket::flip(key, 0), bucket::jump(key, 0)), (None, None));
        assert_eq!(
            (bucket::flip(key, 1), bucket::jump(key, 1)),
            (Some(0), Some(0))
        );
        assert_eq!(bucket::choose_k(key, 0, &mut [7; 3]), 0);
        assert_eq!(bucket::choose_k(key, 5, &mut []), 0);
    }
}

/// Pins the answers: they may never change, whatever the version or machine.
#[test]
fn answers_stay_as_they_are() {
    let numbers = [
        2,
        3,
        10,
        100,
        1_000,
        65_536,
        65_537,
        1 << 31,
        (1 << 31) + 1,
        u32::MAX,
    ];
    let digest = keys(1)
        .take(1_000)
        .flat_map(|key| numbers.map(|n| bucket::flip(key, n)));
    let digest = digest.fold(0, |digest, bucket| {
        SplitMix64::mix(digest ^ u64::from(bucket.expect("buckets")))
    });
    assert_eq!(digest, 16_563_456_330_023_048_091);
    let mut ranks = [0; 8];
    assert_eq!(
        bucket::choose_k(KeyHash(0x0123_4567_89ab_cdef), 1_000, &mut ranks),
        8
    );
    assert_eq!(ranks, [417, 456, 792, 796, 526, 926, 153, 166]);

    let owners = |placement: &mut dyn Membership<Node = u64>| {
        for node in [3_u64, 11, 0, 7] {
            placement.remove(node.id()).expect("a member");
        }
        let first = keys(2)
            .take(10)
            .map(|key| placement.owner(key).expect("nodes").0);
        first.collect::<Vec<_>>()
    };
    let mut memento = Memento::new(0..12_u64).expect("distinct nodes");
    assert_eq!(owners(&mut memento), [6, 2, 9, 2, 9, 8, 6, 10, 8, 4]);
    let mut anchor = Anchor::new(0..12_u64).expect("distinct nodes");
    assert_eq!(owners(&mut anchor), [4, 8, 4, 1, 1, 10, 1, 8, 5, 2]);
}

/// Ranks all buckets by the definition: one bucket after the other is put in at the first rank
/// whose own hash moves to it.
fn naive_ranking(key: KeyHash, buckets: u32) -> Vec<u32> {
    let rank_key = |rank: u32| match rank {
        0 => key,
        _ => {
            let word = key.0 ^ u64::from(rank).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let product = u128::from(word) * 0xe703_7ed1_a0b4_28db;
            let folded = (product ^ (product >> 64)) & u128::from(u64::MAX);
            KeyHash(u64::try_from(folded).expect("64 bits"))
        }
    };
    let mut ranking = Vec::new();
    for new in 0..buckets {
        let fires = |&rank: &u32| bucket::flip(rank_key(rank), new + 1 - rank) == Some(new - rank);
        let rank = (0..=new).find(fires).expect("the last rank always does");
        ranking.insert(rank as usize, new);
    }
    ranking
}

proptest! {
    #[test]
    fn one_more_bucket_takes_keys_and_moves_no_other(key: u64, buckets in 1..u32::MAX) {
        for (before, after) in [
            (bucket::flip(KeyHash(key), buckets), bucket::flip(KeyHash(key), buckets + 1)),
            (bucket::jump(KeyHash(key), buckets), bucket::jump(KeyHash(key), buckets + 1)),
        ] {
            prop_assert!(before < Some(buckets));
            prop_assert!(after == before || after == Some(buckets));
        }
    }

    #[test]
    fn from_one_bucket_to_many_step_by_step(key: u64) {
        for buckets in 1..600 {
            let (before, after) = (bucket::flip(KeyHash(key), buckets), bucket::flip(KeyHash(key), buckets + 1));
            prop_assert!(after == before || after == Some(buckets));
        }
    }

    #[test]
    fn choose_k_is_a_prefix_of_the_ranking(key: u64, buckets in 0..60_u32, k in 0..70_usize) {
        let mut out = vec![u32::MAX; k];
        let count = bucket::choose_k(KeyHash(key), buckets, &mut out);
        let ranking = naive_ranking(KeyHash(key), buckets);
        prop_assert_eq!(count, k.min(buckets as usize));
        prop_assert_eq!(&out[..count], &ranking[..count]);
        prop_assert_eq!(ranking.first().copied(), bucket::flip(KeyHash(key), buckets));
    }

    #[test]
    fn one_more_bucket_is_put_into_the_ranking(key: u64, buckets in 1..2_000_000_u32, k in 1..10_usize) {
        let k = k.min(buckets as usize);
        let (mut before, mut after) = (vec![0; k], vec![0; k]);
        bucket::choose_k(KeyHash(key), buckets, &mut before);
        bucket::choose_k(KeyHash(key), buckets + 1, &mut after);
        if let Some(rank) = after.iter().position(|&bucket| bucket == buckets) {
            before.insert(rank, buckets);
            before.truncate(k);
        }
        prop_assert_eq!(before, after);
    }
}

#[test]
fn every_ranking_of_four_is_equally_likely() {
    let mut counts = std::collections::BTreeMap::<[u32; 4], u32>::new();
    for key in keys(4).take(240_000) {
        let mut ranking = [0; 4];
        bucket::choose_k(key, 4, &mut ranking);
        *counts.entry(ranking).or_default() += 1;
    }
    assert_eq!(counts.len(), 24);
    let deviation = chi_square(&counts.into_values().collect::<Vec<_>>());
    assert!(deviation.abs() < 4.5, "{deviation} sigma");
}

#[test]
fn choose_k_moves_with_the_probability_it_must() {
    let (buckets, k, trials) = (20, 4, 100_000);
    let mut out = [0; 4];
    let moved = keys(20).take(trials).filter(|&key| {
        bucket::choose_k(key, buckets + 1, &mut out);
        out.contains(&buckets)
    });
    let expected = trials as f64 * f64::from(k) / f64::from(buckets + 1);
    let deviation = (moved.count() as f64 - expected) / expected.sqrt();
    assert!(deviation.abs() < 4.0, "{deviation} sigma");
}

/// Three in four nodes leave, in random order; those left own the keys evenly.
fn stays_even(mut placement: impl Membership<Node = u64>) {
    let mut random = SplitMix64::new(3);
    let mut ids: Vec<u64> = placement
        .roster()
        .iter()
        .map(|member| *member.node)
        .collect();
    random.shuffle(&mut ids);
    for id in ids.drain(100..) {
        placement.remove(id.id()).expect("a member");
    }
    let (mut counts, mut seconds) = (vec![0; 400], vec![0; 400]);
    for key in keys(5).take(200_000) {
        let mut two = [NodeIdx(0); 2];
        assert_eq!(placement.replicas(key, &mut two), 2);
        counts[two[0].get()] += 1;
        seconds[two[1].get()] += 1;
    }
    for mut counts in [counts, seconds] {
        counts.retain(|&count| count > 0);
        assert_eq!(counts.len(), 100);
        let deviation = chi_square(&counts);
        assert!(deviation.abs() < 4.5, "{deviation} sigma");
    }
}

#[test]
fn memento_stays_even() {
    stays_even(Memento::new(0..400_u64).expect("distinct nodes"));
}

#[test]
fn anchor_stays_even() {
    stays_even(
        Anchor::builder()
            .capacity(1_000)
            .build(0..400_u64)
            .expect("distinct nodes"),
    );
}

/// What goes leaves no trace in the replicas of others, and lets in exactly one.
fn replicas_move_least(
    placement: &mut impl Membership<Node = u64>,
    gone: u64,
) -> Result<(), TestCaseError> {
    let sets = |placement: &dyn Membership<Node = u64>| -> Vec<BTreeSet<NodeIdx>> {
        let set = |key| {
            let mut out = [NodeIdx(0); 3];
            let count = placement.replicas(key, &mut out);
            out[..count].iter().copied().collect()
        };
        keys(8).take(200).map(set).collect()
    };
    let before = sets(placement);
    let index = placement.roster().find(gone.id()).expect("a member");
    placement.remove(gone.id()).expect("a member");
    for (before, after) in before.iter().zip(sets(placement)) {
        prop_assert_eq!(after.len(), placement.len().min(3));
        let kept = before.intersection(&after).count();
        prop_assert_eq!(kept, before.len() - usize::from(before.contains(&index)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// While there is a gap, the number of buckets stays.
    #[test]
    fn replicas_move_least_on_removal(nodes in 2..60_u64, gone in prop::collection::vec(any::<prop::sample::Index>(), 1..40)) {
        let mut memento = Memento::new(0..nodes).expect("distinct nodes");
        let mut anchor = Anchor::builder().capacity(80).build(0..nodes).expect("room for all");
        let mut left: Vec<u64> = (1..nodes).collect();
        replicas_move_least(&mut memento, 0)?;
        replicas_move_least(&mut anchor, 0)?;
        for at in gone {
            if left.is_empty() {
                break;
            }
            let node = left.swap_remove(at.index(left.len()));
            replicas_move_least(&mut memento, node)?;
            replicas_move_least(&mut anchor, node)?;
        }
    }

    #[test]
    fn replicas_move_least_from_the_end(nodes in 1..90_u64) {
        let mut buckets = Buckets::new(0..nodes).expect("distinct nodes");
        for node in (0..nodes).rev() {
            replicas_move_least(&mut buckets, node)?;
        }
    }

    /// Replicas are the first nodes of the order of preference, with localities or without.
    #[test]
    fn whoever_is_accepted_is_found(nodes in 1..120_u64, zones in 1..4_u64, gone: u64, accepted: prop::sample::Index, key: u64) {
        let members = || (0..nodes).map(|node| Member::new(node).locality(match zones {
            1 => Locality::default(),
            _ => Locality::zone((node % zones).to_le_bytes()),
        }));
        let mut memento = Memento::builder().seed(9).build(members()).expect("distinct nodes");
        let mut random = SplitMix64::new(gone);
        for node in 1..nodes {
            if random.below(3) > 0 {
                memento.remove(node.id()).expect("a member");
            }
        }
        let buckets = Buckets::builder().hash::<Jump>().build(members()).expect("distinct nodes");
        let anchor = Anchor::new(members()).expect("distinct nodes");
        let all: [&dyn Membership<Node = u64>; 3] = [&memento, &buckets, &anchor];
        let key = KeyHash(key);
        for placement in all {
            let members: Vec<_> = placement.roster().iter().map(|member| member.index).collect();
            let wanted = members[accepted.index(members.len())];
            let found = placement.owner_where(key, &mut |node| {
                assert!(members.contains(&node), "asked about a node that is gone");
                node == wanted
            });
            prop_assert_eq!(found, Some(wanted));
            prop_assert_eq!(placement.owner_where(key, &mut |_| false), None);
            prop_assert_eq!(placement.owner_where(key, &mut |_| true), placement.owner(key));

            let mut out = vec![NodeIdx(0); members.len() + 2];
            let count = placement.replicas(key, &mut out);
            prop_assert_eq!(count, members.len());
            prop_assert_eq!(Some(out[0]), placement.owner(key));
            let distinct: BTreeSet<_> = out[..count].iter().collect();
            prop_assert_eq!(distinct.len(), count);
            if zones == 1 {
                for next in 1..count {
                    let found = placement.owner_where(key, &mut |node| !out[..next].contains(&node));
                    prop_assert_eq!(found, Some(out[next]));
                }
            }
        }
    }
}

#[test]
fn only_the_last_bucket_can_go() {
    let mut buckets = Buckets::new(["a", "b", "c"]).expect("distinct nodes");
    assert_eq!(
        buckets.remove("a".id()),
        Err(MembershipError::NotLast {
            id: "a".id(),
            last: "c".id(),
            algorithm: "flip"
        })
    );
    assert_eq!((buckets.len(), buckets.epoch().0), (3, 0));
    for node in ["c", "b", "a"] {
        assert_eq!(buckets.remove(node.id()).expect("the last").node, node);
        buckets.check_invariants();
    }
    assert_eq!(buckets.owner(KeyHash(1)), None);
    assert_eq!(buckets.add(Member::new("d")).ok(), Some(NodeIdx(0)));
}

#[test]
fn weights_are_refused() {
    fn refuses(mut placement: impl Membership<Node = u64>) {
        for weight in [0, 2] {
            let refused = placement
                .add(Member::new(9).weight(weight))
                .expect_err("unweighted");
            assert_eq!(refused.member.node, 9);
            assert!(matches!(refused.reason, MembershipError::Unweighted { .. }));
            let refused = placement.set_weight(1_u64.id(), weight.into());
            assert!(matches!(refused, Err(MembershipError::Unweighted { .. })));
        }
        assert!(placement.set_weight(1_u64.id(), 1.into()).is_ok());
        assert_eq!((placement.len(), placement.epoch().0), (2, 0));
        placement.check_invariants();
    }
    refuses(Buckets::new([0, 1_u64]).expect("distinct nodes"));
    refuses(Memento::new([0, 1_u64]).expect("distinct nodes"));
    refuses(Anchor::new([0, 1_u64]).expect("distinct nodes"));
    let refused = Memento::new([Member::new(0_u64), Member::new(1).weight(3)]);
    assert!(matches!(
        refused,
        Err(BuildError::Member { position: 1, .. })
    ));
}

#[test]
fn an_anchor_has_its_capacity_and_no_more() {
    let builder = Anchor::builder().capacity(3);
    let mut anchor = builder.build([1, 2_u64]).expect("room for both");
    assert!(anchor.add(Member::new(3)).is_ok());
    let refused = anchor.add(Member::new(4)).expect_err("no room");
    assert_eq!(refused.reason, MembershipError::TooManyNodes { limit: 3 });
    anchor.check_invariants();
    anchor.remove(1_u64.id()).expect("a member");
    assert_eq!(anchor.add(Member::new(4)).ok(), Some(NodeIdx(0)));
    assert_eq!(
        builder.build(0..4_u64).expect_err("no room"),
        BuildError::Member {
            position: 3,
            reason: MembershipError::TooManyNodes { limit: 3 }
        }
    );
    for capacity in [0, (1 << 24) + 1] {
        let refused = builder
            .capacity(capacity)
            .build([1_u64])
            .expect_err("out of bounds");
        assert!(matches!(
            refused,
            BuildError::Option {
                option: "capacity",
                ..
            }
        ));
    }
}

#[test]
fn seeds_give_other_placements() {
    let owners = |seed| {
        let memento = Memento::builder()
            .seed(seed)
            .build(0..100_u64)
            .expect("distinct nodes");
        keys(1)
            .take(100)
            .map(|key| memento.owner(key))
            .collect::<Vec<_>>()
    };
    assert_eq!(owners(1), owners(1));
    assert_ne!(owners(1), owners(2));
    assert_ne!(owners(0), owners(1));
}

#[test]
fn lookups_do_not_allocate() {
    let mut memento = Memento::new(0..100_u64).expect("distinct nodes");
    for node in (0..100_u64).step_by(2) {
        memento.remove(node.id()).expect("a member");
    }
    let buckets = Buckets::new(0..100_u64).expect("distinct nodes");
    let anchor = Anchor::new(0..100_u64).expect("distinct nodes");
    let all: [&dyn Membership<Node = u64>; 3] = [&memento, &buckets, &anchor];
    let mut out = [NodeIdx(0); 50];
    for placement in all {
        let mut found = 0;
        let info = allocation_counter::measure(|| {
            for key in keys(1).take(100) {
                found += usize::from(placement.owner(key).is_some());
                found += placement.replicas(key, &mut out);
                found += usize::from(placement.owner_where(key, &mut |_| false).is_some());
            }
        });
        assert_eq!((found, info.count_total), (100 * 51, 0));
    }
}
