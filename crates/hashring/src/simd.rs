//! The two loops over all nodes, compiled for what the machine can do.
//!
//! Each loop is written once, in plain code that compilers vectorise, and compiled again for AVX2 and for
//! AVX-512; the instance is chosen at run time. So all of them give the same bits: there is one source, and
//! whole-number arithmetic has no rounding. The tests compare them all the same.

#![expect(
    unsafe_code,
    reason = "calling an instance whose instructions the machine was asked for"
)]

use crate::mix::pair;

/// Nodes that are scored before anything is decided about them.
const BLOCK: usize = 32;

/// The position of the key with the highest draw, or `None` of no keys.
#[inline(always)]
fn highest_in(node_keys: &[u64], key: u64) -> Option<usize> {
    let (blocks, rest) = node_keys.as_chunks::<BLOCK>();
    let (mut best, mut from) = (0, None);
    for (at, block) in blocks.iter().enumerate() {
        let mut top = 0;
        for &node in block {
            top = top.max(pair(node, key));
        }
        if top >= best {
            (best, from) = (top, Some(at));
        }
    }
    let mut position = None;
    for (at, &node) in rest.iter().enumerate() {
        let draw = pair(node, key);
        if draw >= best {
            (best, position) = (draw, Some(blocks.len() * BLOCK + at));
        }
    }
    if position.is_none()
        && let Some(from) = from
    {
        // Draws of different nodes differ, so that this finds the one.
        let within = blocks[from]
            .iter()
            .position(|&node| pair(node, key) == best);
        position = within.map(|within| from * BLOCK + within);
    }
    position
}

/// Calls `each` with the position and the draw of every key.
#[inline(always)]
fn for_each_draw_in(node_keys: &[u64], key: u64, mut each: impl FnMut(usize, u64)) {
    for (number, block) in node_keys.chunks(BLOCK).enumerate() {
        let mut draws = [0; BLOCK];
        for (draw, &node) in draws.iter_mut().zip(block) {
            *draw = pair(node, key);
        }
        for (within, &draw) in draws[..block.len()].iter().enumerate() {
            each(number * BLOCK + within, draw);
        }
    }
}

macro_rules! instances {
    ($($module:ident: $features:literal),*) => {$(
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        mod $module {
            #[target_feature(enable = $features)]
            pub(super) fn highest(node_keys: &[u64], key: u64) -> Option<usize> {
                super::highest_in(node_keys, key)
            }

            #[target_feature(enable = $features)]
            pub(super) fn for_each_draw(node_keys: &[u64], key: u64, each: impl FnMut(usize, u64)) {
                super::for_each_draw_in(node_keys, key, each);
            }
        }
    )*};
}

instances!(avx512: "avx512f,avx512dq,avx512vl,avx2,bmi2", avx2: "avx2,bmi2");

/// As `highest_in`, by the widest instructions there are.
#[inline]
pub(crate) fn highest(node_keys: &[u64], key: u64) -> Option<usize> {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    {
        if std::is_x86_feature_detected!("avx512dq") && std::is_x86_feature_detected!("avx512vl") {
            // SAFETY: the machine has these instructions; AVX-512DQ implies F and AVX2.
            return unsafe { avx512::highest(node_keys, key) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("bmi2") {
            // SAFETY: the machine has these instructions.
            return unsafe { avx2::highest(node_keys, key) };
        }
    }
    highest_in(node_keys, key)
}

/// As `for_each_draw_in`, by the widest instructions there are.
#[inline]
pub(crate) fn for_each_draw(node_keys: &[u64], key: u64, each: impl FnMut(usize, u64)) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    {
        if std::is_x86_feature_detected!("avx512dq") && std::is_x86_feature_detected!("avx512vl") {
            // SAFETY: the machine has these instructions; AVX-512DQ implies F and AVX2.
            return unsafe { avx512::for_each_draw(node_keys, key, each) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("bmi2") {
            // SAFETY: the machine has these instructions.
            return unsafe { avx2::for_each_draw(node_keys, key, each) };
        }
    }
    for_each_draw_in(node_keys, key, each);
}
