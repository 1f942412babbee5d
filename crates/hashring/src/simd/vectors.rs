//! The loops for registers of several lanes, over a handful of operations that AVX2 and AVX-512 each define.

use crate::mix::pair;

/// The two loops, over the operations of the module that it is used in.
macro_rules! loops {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        pub(in crate::simd) fn highest(node_keys: &[u64], key: u64, limit: u64) -> Option<usize> {
            let (keys, limit) = (splat(key), ordered(splat(limit)));
            // Two registers side by side, since each waits for its own last comparison. Of every lane, the
            // highest draw and its position.
            let mut best = [ordered(splat(0)); 2];
            let mut at = [splat(0); 2];
            let mut positions = [lanes(), add(lanes(), LANES as u64)];
            for block in node_keys.as_chunks::<{ 2 * LANES }>().0 {
                for (half, nodes) in block.as_chunks::<LANES>().0.iter().enumerate() {
                    let draws = up_to(limit, ordered(draws(load(nodes), keys)));
                    at[half] = replace_where_above(at[half], positions[half], draws, best[half]);
                    best[half] = higher(draws, best[half]);
                    positions[half] = add(positions[half], 2 * LANES as u64);
                }
            }
            let at = replace_where_above(at[0], at[1], best[1], best[0]);
            let (top, at) = across(higher(best[1], best[0]), at);
            match top {
                0 => super::zero(node_keys, key),
                _ => usize::try_from(at).ok(),
            }
        }

        #[target_feature(enable = $features)]
        pub(in crate::simd) fn above(
            node_keys: &[u64],
            key: u64,
            mut each: impl FnMut(usize, u64) -> u64,
        ) {
            let keys = splat(key);
            let mut least = 0;
            for (number, block) in node_keys.as_chunks::<LANES>().0.iter().enumerate() {
                let draws = draws(load(block), keys);
                if !any_at_least(draws, splat(least)) {
                    continue;
                }
                for (lane, draw) in store(draws).into_iter().enumerate() {
                    if draw >= least {
                        least = each(number * LANES + lane, draw);
                    }
                }
            }
        }

        /// [`pair`], lane by lane.
        #[inline]
        #[target_feature(enable = $features)]
        fn draws(nodes: Register, keys: Register) -> Register {
            let x = xor(nodes, keys);
            let x = multiply(xor(x, shift::<30>(x)), 0xbf58_476d_1ce4_e5b9);
            let x = multiply(xor(x, shift::<27>(x)), 0x94d0_49bb_1331_11eb);
            xor(x, shift::<31>(x))
        }
    };
}

/// One draw in 2^64 is 0, which the lanes above begin with.
#[cold]
fn zero(node_keys: &[u64], key: u64) -> Option<usize> {
    node_keys.iter().position(|&node| pair(node, key) == 0)
}

pub(super) mod avx2 {
    use core::arch::x86_64::*;

    const LANES: usize = 4;
    type Register = __m256i;

    loops!("avx2");

    #[inline]
    #[target_feature(enable = "avx2")]
    fn splat(word: u64) -> Register {
        _mm256_set1_epi64x(word.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(words: &[u64; LANES]) -> Register {
        let [a, b, c, d] = words.map(u64::cast_signed);
        _mm256_set_epi64x(d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(x: Register) -> [u64; LANES] {
        [
            _mm256_extract_epi64::<0>(x),
            _mm256_extract_epi64::<1>(x),
            _mm256_extract_epi64::<2>(x),
            _mm256_extract_epi64::<3>(x),
        ]
        .map(i64::cast_unsigned)
    }

    /// Comparison is of signed numbers: this maps the unsigned to them in their order, and back.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn ordered(x: Register) -> Register {
        _mm256_xor_si256(x, _mm256_set1_epi64x(i64::MIN))
    }

    /// The draws, but the lowest where they are above the limit.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn up_to(limit: Register, draws: Register) -> Register {
        let above = _mm256_cmpgt_epi64(draws, limit);
        _mm256_blendv_epi8(draws, ordered(splat(0)), above)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn replace_where_above(old: Register, new: Register, a: Register, b: Register) -> Register {
        _mm256_blendv_epi8(old, new, _mm256_cmpgt_epi64(a, b))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn higher(a: Register, b: Register) -> Register {
        replace_where_above(b, a, a, b)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn lanes() -> Register {
        _mm256_set_epi64x(3, 2, 1, 0)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(x: Register, constant: u64) -> Register {
        _mm256_add_epi64(x, splat(constant))
    }

    /// The best draw of all lanes, no longer ordered, and its position.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn across(best: Register, at: Register) -> (u64, u64) {
        let other = _mm256_permute4x64_epi64::<0b01_00_11_10>(best);
        let other_at = _mm256_permute4x64_epi64::<0b01_00_11_10>(at);
        let at = replace_where_above(at, other_at, other, best);
        let best = higher(other, best);
        let other = _mm256_permute4x64_epi64::<0b10_11_00_01>(best);
        let other_at = _mm256_permute4x64_epi64::<0b10_11_00_01>(at);
        let at = replace_where_above(at, other_at, other, best);
        let best = ordered(higher(other, best));
        let first = |x| _mm256_extract_epi64::<0>(x).cast_unsigned();
        (first(best), first(at))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn any_at_least(draws: Register, least: Register) -> bool {
        let below = _mm256_cmpgt_epi64(ordered(least), ordered(draws));
        _mm256_movemask_epi8(below) != -1
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn xor(a: Register, b: Register) -> Register {
        _mm256_xor_si256(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn shift<const BITS: i32>(x: Register) -> Register {
        _mm256_srli_epi64::<BITS>(x)
    }

    /// Of 64 by 64 bits, of which there are only 32 by 32.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn multiply(x: Register, constant: u64) -> Register {
        let (low, high) = (splat(constant), splat(constant >> 32));
        let crossed = _mm256_add_epi64(
            _mm256_mul_epu32(_mm256_srli_epi64::<32>(x), low),
            _mm256_mul_epu32(x, high),
        );
        _mm256_add_epi64(_mm256_mul_epu32(x, low), _mm256_slli_epi64::<32>(crossed))
    }
}

pub(super) mod avx512 {
    use core::arch::x86_64::*;

    const LANES: usize = 8;
    type Register = __m512i;

    loops!("avx512f,avx512dq");

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(word: u64) -> Register {
        _mm512_set1_epi64(word.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(words: &[u64; LANES]) -> Register {
        let [a, b, c, d, e, f, g, h] = words.map(u64::cast_signed);
        _mm512_set_epi64(h, g, f, e, d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(x: Register) -> [u64; LANES] {
        let half = |x| {
            let quarter = |x| [_mm_extract_epi64::<0>(x), _mm_extract_epi64::<1>(x)];
            [
                quarter(_mm256_castsi256_si128(x)),
                quarter(_mm256_extracti128_si256::<1>(x)),
            ]
        };
        let [[a, b], [c, d]] = half(_mm512_castsi512_si256(x));
        let [[e, f], [g, h]] = half(_mm512_extracti64x4_epi64::<1>(x));
        [a, b, c, d, e, f, g, h].map(i64::cast_unsigned)
    }

    /// Comparison is of unsigned numbers.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn ordered(x: Register) -> Register {
        x
    }

    /// The draws, but 0 where they are above the limit.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn up_to(limit: Register, draws: Register) -> Register {
        _mm512_maskz_mov_epi64(_mm512_cmple_epu64_mask(draws, limit), draws)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn replace_where_above(old: Register, new: Register, a: Register, b: Register) -> Register {
        _mm512_mask_blend_epi64(_mm512_cmpgt_epu64_mask(a, b), old, new)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn higher(a: Register, b: Register) -> Register {
        _mm512_max_epu64(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn lanes() -> Register {
        _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add(x: Register, constant: u64) -> Register {
        _mm512_add_epi64(x, splat(constant))
    }

    /// The best draw of all lanes, and its position.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn across(best: Register, at: Register) -> (u64, u64) {
        let top = _mm512_reduce_max_epu64(best);
        let which = _mm512_cmpeq_epu64_mask(best, splat(top));
        (top, _mm512_mask_reduce_min_epu64(which, at))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn any_at_least(draws: Register, least: Register) -> bool {
        _mm512_cmpge_epu64_mask(draws, least) != 0
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn xor(a: Register, b: Register) -> Register {
        _mm512_xor_si512(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn shift<const BITS: u32>(x: Register) -> Register {
        _mm512_srli_epi64::<BITS>(x)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn multiply(x: Register, constant: u64) -> Register {
        _mm512_mullo_epi64(x, splat(constant))
    }
}
