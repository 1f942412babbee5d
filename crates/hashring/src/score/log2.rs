//! The binary logarithm of a draw, in whole numbers: the same on every machine.

#![expect(
    clippy::cast_possible_truncation,
    reason = "products of fixed-point numbers whose bounds are in the comments; `const` knows no `try_from`"
)]

/// Binary places of the result.
const PLACES: u32 = 58;
/// Bits of a draw that count. The others decide between equal costs.
const BITS: u32 = 40;
/// Bits that select a row of the table.
const ROWS: u32 = 8;
/// Binary places of the reciprocals, of the remainder and of the coefficients.
const WORK: u32 = 60;

/// `-log2(u)` with 58 binary places, for the number `u` in (0, 1) whose first 40 binary places are
/// the upper bits of `draw`; above 0 and at most 41 * 2^58.
///
/// `u` is `x * 2^-n` with `x` in [1, 2). The row of the table that `x` selects has the reciprocal
/// `c` of the middle of the row and `log2(1 / c)`; what remains, `x * c = 1 + r`, has |r| < 2^-9,
/// and four terms of the series of `log2(1 + r)` are right to |r|^5 / (5 ln 2) < 2^-46.
///
/// Monotone: neighbouring arguments differ by 2^-40 at least and their logarithms by 2^-40 / ln 2,
/// while the error is below 2^-45 on both sides.
pub(super) const fn negated(draw: u64) -> u64 {
    // The middle of what the 40 bits leave open, so that it is never 0 nor 1.
    let odd = (draw >> (64 - BITS)) << 1 | 1;
    let shift = odd.leading_zeros();
    let x = odd << shift;
    let row = &TABLE[((x >> (63 - ROWS)) & ((1 << ROWS) - 1)) as usize];
    // 63 places times 60: 1 + r with 123, of which 60 stay.
    let r = ((x as u128 * row.reciprocal as u128) >> 63) as i64 - (1 << WORK);
    let mut sum = times(r, -LOG2_E / 4) + LOG2_E / 3;
    sum = times(r, sum) - LOG2_E / 2;
    sum = times(r, sum) + LOG2_E;
    let fraction = row.log2 + times(r, sum);
    // log2(u) = log2(x) - (shift - (63 - BITS)) - 1.
    let whole = ((shift - (63 - BITS) + 1) as u64) << PLACES;
    whole.wrapping_add_signed(-(fraction >> (WORK - PLACES)))
}

/// The product of two numbers with 60 binary places.
const fn times(a: i64, b: i64) -> i64 {
    ((a as i128 * b as i128) >> WORK) as i64
}

/// 1 / ln 2 with 60 binary places.
const LOG2_E: i64 = 1_663_314_137_230_540_311;

#[derive(Clone, Copy)]
struct Row {
    /// 1 / (the middle of the row), with 60 binary places.
    reciprocal: u64,
    /// -log2 of that reciprocal, with 60 binary places.
    log2: i64,
}

static TABLE: [Row; 1 << ROWS] = table();

const fn table() -> [Row; 1 << ROWS] {
    let mut table = [Row {
        reciprocal: 0,
        log2: 0,
    }; 1 << ROWS];
    let mut i = 0;
    while i < table.len() {
        // The middle of row i is (2^9 + 2 i + 1) / 2^9.
        let middle = (1_u64 << (ROWS + 1)) + 2 * i as u64 + 1;
        let reciprocal = ((1_u128 << (WORK + ROWS + 1)) / middle as u128) as u64;
        table[i] = Row {
            reciprocal,
            log2: (1 << WORK) - log2_of(reciprocal),
        };
        i += 1;
    }
    table
}

/// log2(2 * c) with 60 binary places, for c in [1/2, 1) with 60 places: digit by digit, by
/// squaring.
const fn log2_of(c: u64) -> i64 {
    // In [1, 2) with 63 places.
    let mut x = c << 4;
    let mut log2 = 0;
    let mut place = 0;
    while place < WORK {
        let square = (x as u128 * x as u128) >> 63;
        log2 <<= 1;
        x = if square >> 64 != 0 {
            log2 |= 1;
            (square >> 1) as u64
        } else {
            square as u64
        };
        place += 1;
    }
    log2
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_core::random::{Random, Xoshiro256PlusPlus};

    /// The number that a draw stands for, and the exact result but for the rounding of `f64`.
    fn reference(draw: u64) -> f64 {
        let odd = (draw >> (64 - BITS)) << 1 | 1;
        let below_one = ((1_u64 << (BITS + 1)) - odd) as f64 / 2_f64.powi(41);
        -(-below_one).ln_1p() / core::f64::consts::LN_2
    }

    #[test]
    fn is_the_logarithm() {
        let mut random = Xoshiro256PlusPlus::from_seed(1);
        for _ in 0..200_000 {
            // Every order of magnitude, from both ends.
            let draw = random.next_u64() >> (random.next_u64() % 40);
            for draw in [draw, !draw] {
                let ours = negated(draw) as f64 / 2_f64.powi(PLACES as i32);
                assert!(
                    (ours - reference(draw)).abs() < 2_f64.powi(-45),
                    "{draw:#x}: {ours}"
                );
            }
        }
    }

    #[test]
    fn never_rises_with_the_draw() {
        let step = 1 << (64 - BITS);
        let mut random = Xoshiro256PlusPlus::from_seed(2);
        let anywhere = (0..200_000).map(|_| random.next_u64());
        // The edges between rows of the table, in every octave.
        let edges = (0..BITS).flat_map(|octave| {
            (0..1 << ROWS).map(move |row| ((1_u64 << 63) | (row << (63 - ROWS))) >> octave)
        });
        for at in anywhere.chain(edges).chain([step, u64::MAX]) {
            let below = at.saturating_sub(step);
            assert!(
                negated(below) > negated(at) || below >> 24 == at >> 24,
                "{at:#x}"
            );
        }
    }

    #[test]
    fn ends() {
        assert!((41 << PLACES) - negated(0) < 1 << 13, "{}", negated(0));
        assert!(negated(u64::MAX) > 0);
    }
}
