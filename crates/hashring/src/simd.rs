//! The two loops over all nodes, for what the machine can do.
//!
//! [`scalar`] says what they compute, one node after the other. On x86-64 there is one more text of
//! them, the macro [`vectors`], for AVX2 and for AVX-512; the widest is chosen at run time.
//! Arithmetic modulo 2^64 has no rounding, so all give the same bits; the tests compare them.
//!
//! What it buys: with 1,000 nodes the scalar loop takes 1.4 ns a node, AVX2 0.5, AVX-512 0.1.
//! Compilers vectorise such a text too, but not reliably: one more comparison made it three to ten
//! times as slow.

#![cfg_attr(
    all(feature = "std", target_arch = "x86_64"),
    expect(
        unsafe_code,
        reason = "only the calls of functions whose instructions the machine was asked for"
    )
)]

#[cfg(test)]
use crate::mix::pair;

mod scalar;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod vectors;

/// How many nodes the loops take at once: they are given a multiple of it, any node often enough to
/// fill up.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) const BLOCK: usize = 16;
#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
pub(crate) const BLOCK: usize = 1;

/// Calls a function of the widest instance that the machine has.
macro_rules! widest {
    ($call:ident $(::<$limited:literal>)? ($($argument:ident),*)) => {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        {
            if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512dq") {
                // SAFETY: the machine has these instructions.
                return unsafe { vectors::avx512::$call$(::<$limited>)?($($argument),*) };
            }
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: the machine has these instructions.
                return unsafe { vectors::avx2::$call$(::<$limited>)?($($argument),*) };
            }
        }
    };
}

/// The position of the node with the highest draw, or `None` of no nodes. Of a node that is there
/// repeatedly, any of its positions.
#[inline]
pub(crate) fn highest(node_keys: &[u64], key: u64) -> Option<usize> {
    const NONE: u64 = u64::MAX;
    widest!(highest::<false>(node_keys, key, NONE));
    scalar::highest(node_keys, key, NONE)
}

/// The same among the nodes whose draws are at most `limit`.
#[inline]
pub(crate) fn highest_up_to(limit: u64, node_keys: &[u64], key: u64) -> Option<usize> {
    widest!(highest::<true>(node_keys, key, limit));
    scalar::highest(node_keys, key, limit)
}

/// Calls `each` with the position and the draw of every node, leaving out draws below what `each`
/// answered last.
#[inline]
pub(crate) fn above(node_keys: &[u64], key: u64, each: impl FnMut(usize, u64) -> u64) {
    widest!(above(node_keys, key, each));
    scalar::above(node_keys, key, each);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use purlin_core::random::{Random, RandomExt, Xoshiro256PlusPlus};

    type Highest = fn(&[u64], u64, u64) -> Option<usize>;

    /// Every instance that this machine can run.
    fn instances() -> Vec<(&'static str, Highest)> {
        let mut instances: Vec<(_, Highest)> = alloc::vec![("scalar", scalar::highest)];
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        {
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: the machine has these instructions.
                instances.push(("avx2", |nodes, key, limit| unsafe {
                    vectors::avx2::highest::<true>(nodes, key, limit)
                }));
            }
            if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512dq")
            {
                // SAFETY: the machine has these instructions.
                instances.push(("avx512", |nodes, key, limit| unsafe {
                    vectors::avx512::highest::<true>(nodes, key, limit)
                }));
            }
        }
        instances
    }

    /// Distinct nodes, filled up as `Candidates` does.
    fn nodes(random: &mut Xoshiro256PlusPlus, count: usize) -> Vec<u64> {
        let mut nodes: Vec<_> = (0..count).map(|_| random.next_u64()).collect();
        nodes.resize(count.next_multiple_of(BLOCK), nodes[0]);
        nodes
    }

    #[test]
    fn every_width_finds_the_same_node() {
        let mut random = Xoshiro256PlusPlus::from_seed(3);
        for count in (1..100).chain([500, 1000]) {
            let nodes = nodes(&mut random, count);
            for _ in 0..50 {
                let key = random.next_u64();
                let draws: Vec<_> = nodes.iter().map(|&node| pair(node, key)).collect();
                let mut at = [0];
                random.sample(draws.len(), &mut at);
                let any = draws[at[0]];
                for limit in [u64::MAX, any, any.saturating_sub(1), 0] {
                    let best = draws.iter().copied().filter(|&draw| draw <= limit).max();
                    for (name, highest) in instances() {
                        let found = highest(&nodes, key, limit).map(|at| draws[at]);
                        assert_eq!(found, best, "{name}, {count} nodes, limit {limit:#x}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_draw_of_zero_is_found() {
        // `pair` maps 0 to 0.
        let nodes = [7; BLOCK];
        for (name, highest) in instances() {
            assert!(
                highest(&nodes, 7, u64::MAX).is_some_and(|at| at < BLOCK),
                "{name}"
            );
            assert_eq!(highest(&[], 7, u64::MAX), None, "{name}");
        }
    }

    #[test]
    fn above_reports_what_the_scalar_loop_does() {
        let mut random = Xoshiro256PlusPlus::from_seed(4);
        for count in 1..80 {
            let nodes = nodes(&mut random, count);
            let key = random.next_u64();
            let (mut ours, mut expected) = (Vec::new(), Vec::new());
            above(&nodes, key, |at, draw| {
                ours.push((at, draw));
                draw
            });
            scalar::above(&nodes, key, |at, draw| {
                expected.push((at, draw));
                draw
            });
            assert_eq!(ours, expected);
        }
    }
}
