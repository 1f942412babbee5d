//! None, one, weights of zero and of all there is, and what a pick must not do.

use crate::{cluster, pick, policies, try_pick};
use purlin_lb::{Identity as _, Request, Unavailable};

#[test]
fn no_endpoint_or_none_that_may() {
    for (name, policy, _) in policies(0) {
        let cluster = cluster(policy, &[]);
        let picked = try_pick(&cluster, &Request::new());
        assert_eq!(picked, Err(Unavailable::Empty), "{name}");
    }
    for (name, policy, _) in policies(0) {
        let cluster = cluster(policy, &[0, 0, 0]);
        let picked = try_pick(&cluster, &Request::new());
        assert_eq!(picked, Err(Unavailable::Closed), "{name}");
    }
    for (name, policy, _) in policies(0) {
        let cluster = cluster(policy, &[2, 0, 1]);
        let all = [0, 2].map(|at: u64| at.id());
        let picked = try_pick(&cluster, &Request::new().exclude(&all));
        assert_eq!(picked, Err(Unavailable::Unsuitable), "{name}");
        for _ in 0..100 {
            let picked = try_pick(&cluster, &Request::new().exclude(&all[..1]));
            assert_eq!(picked, Ok(2), "{name}");
        }
    }
}

#[test]
fn one_endpoint() {
    for weight in [1, 7, u32::MAX] {
        for (name, policy, _) in policies(0) {
            let cluster = cluster(policy, &[weight]);
            assert!((0..100).all(|_| pick(&cluster) == 0), "{name}");
        }
    }
}

#[test]
fn the_largest_weights() {
    const MAX: u32 = u32::MAX;
    for (name, policy, _) in policies(0) {
        let cluster = cluster(policy, &[MAX, MAX, 0, MAX / 2]);
        let mut counts = [0_u32; 4];
        for _ in 0..5_000 {
            counts[pick(&cluster)] += 1;
        }
        for (count, due) in counts.into_iter().zip([2_000, 2_000, 0, 1_000_u32]) {
            assert!(count.abs_diff(due) <= due / 10, "{name}: {counts:?}");
        }
    }
    // The light one is due once in 2^32 requests, the strides' once in 65,536.
    for (name, policy, _) in policies(5) {
        let cluster = cluster(policy, &[MAX, 1]);
        let light = (0..1_000).filter(|_| pick(&cluster) == 1).count();
        assert!(light <= 1, "{name}: {light}");
    }
}

#[test]
fn a_pick_does_not_allocate() {
    let weights: Vec<u32> = (0..200).map(|at| at % 5 + 1).collect();
    for (name, policy, _) in policies(0) {
        let cluster = cluster(policy, &weights);
        let allocated = |cluster| {
            let count = allocation_counter::measure(|| {
                for _ in 0..100 {
                    pick(cluster);
                }
            });
            count.count_total
        };
        // The first pick of a thread registers it with the snapshots.
        pick(&cluster);
        assert_eq!(allocated(&cluster), 0, "{name}");
        for at in 2..200_u64 {
            assert_eq!(cluster.drain(at.id()), Ok(true));
        }
        assert_eq!(allocated(&cluster), 0, "{name}, when few are open");
    }
}
