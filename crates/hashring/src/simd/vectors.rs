//! The loops for registers of several lanes, over a handful of operations that AVX2 and AVX-512
//! each define.

use super::BLOCK;
use crate::mix::{self, pair};

/// The two loops, over the operations of the module that it is used in.
macro_rules! loops {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        pub(in crate::simd) fn highest<const LIMITED: bool>(
            node_keys: &[u64],
            key: u64,
            limit: u64,
        ) -> Option<usize> {
            let (keys, limit) = (splat(key), ordered(splat(limit)));
            // Of every lane, the highest draw and the block that it is in.
            let (mut best, mut from, mut number) = (ordered(splat(0)), splat(0), splat(0));
            let (blocks, _) = node_keys.as_chunks::<BLOCK>();
            for block in blocks {
                let mut top = ordered(splat(0));
                for nodes in block.as_chunks::<LANES>().0 {
                    let mut draws = ordered(draws(load(nodes), keys));
                    if LIMITED {
                        draws = up_to(limit, draws);
                    }
                    top = higher(top, draws);
                }
                from = replace_where_above(from, number, top, best);
                best = higher(best, top);
                number = next(number);
            }
            let (top, from) = across(best, from);
            if top == 0 {
                // Nobody is below the limit; or somebody with a draw of 0, one in 2^64.
                return node_keys.iter().position(|&node| pair(node, key) == 0);
            }
            let from = usize::try_from(from).ok()?;
            let mut which = 0;
            for (part, nodes) in blocks.get(from)?.as_chunks::<LANES>().0.iter().enumerate() {
                which |= equal(draws(load(nodes), keys), splat(top)) << (part * LANES);
            }
            Some(from * BLOCK + which.trailing_zeros() as usize)
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
            let x = multiply_short(xor(x, shift(x, mix::FIRST_SHIFT)), mix::FIRST_MULTIPLIER);
            multiply(xor(x, shift(x, mix::SECOND_SHIFT)), mix::SECOND_MULTIPLIER)
        }
    };
}

pub(super) mod avx2 {
    use super::{BLOCK, mix, pair};
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
    fn next(x: Register) -> Register {
        _mm256_add_epi64(x, splat(1))
    }

    /// The best draw of all lanes, no longer ordered, and the block that it is from.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn across(best: Register, from: Register) -> (u64, u64) {
        let other = _mm256_permute4x64_epi64::<0b01_00_11_10>(best);
        let other_from = _mm256_permute4x64_epi64::<0b01_00_11_10>(from);
        let from = replace_where_above(from, other_from, other, best);
        let best = higher(other, best);
        let other = _mm256_permute4x64_epi64::<0b10_11_00_01>(best);
        let other_from = _mm256_permute4x64_epi64::<0b10_11_00_01>(from);
        let from = replace_where_above(from, other_from, other, best);
        let best = ordered(higher(other, best));
        let first = |x| _mm256_extract_epi64::<0>(x).cast_unsigned();
        (first(best), first(from))
    }

    /// A bit for each lane.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal(a: Register, b: Register) -> u32 {
        let equal = _mm256_castsi256_pd(_mm256_cmpeq_epi64(a, b));
        _mm256_movemask_pd(equal).cast_unsigned()
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
    fn shift(x: Register, bits: u32) -> Register {
        _mm256_srl_epi64(x, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    /// Of 64 by 32 bits, out of products of 32 by 32.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn multiply_short(x: Register, constant: u32) -> Register {
        let constant = splat(constant.into());
        let upper = _mm256_mul_epu32(_mm256_srli_epi64::<32>(x), constant);
        _mm256_add_epi64(
            _mm256_mul_epu32(x, constant),
            _mm256_slli_epi64::<32>(upper),
        )
    }

    /// Of 64 by 64 bits, likewise.
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
    use super::{BLOCK, mix, pair};
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
    fn next(x: Register) -> Register {
        _mm512_add_epi64(x, splat(1))
    }

    /// The best draw of all lanes, and the block that it is from.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn across(best: Register, from: Register) -> (u64, u64) {
        let top = _mm512_reduce_max_epu64(best);
        let which = _mm512_cmpeq_epu64_mask(best, splat(top));
        (top, _mm512_mask_reduce_min_epu64(which, from))
    }

    /// A bit for each lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn equal(a: Register, b: Register) -> u32 {
        _mm512_cmpeq_epu64_mask(a, b).into()
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
    fn shift(x: Register, bits: u32) -> Register {
        _mm512_srl_epi64(x, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn multiply(x: Register, constant: u64) -> Register {
        _mm512_mullo_epi64(x, splat(constant))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn multiply_short(x: Register, constant: u32) -> Register {
        multiply(x, constant.into())
    }
}
