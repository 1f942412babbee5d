//! The least that a pick from something that changes can cost: the guard of a snapshot, and one
//! number.

use core::cell::Cell;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use purlin_lb::Instant;

use super::fleet::{addresses, weight};

pub(super) const TURN: &str = "guard and fetch_add % N";
pub(super) const DRAW: &str = "guard and xorshift";
pub(super) const ALIAS: &str = "guard and alias draw";

type Endpoints = Box<[Box<SocketAddr>]>;

fn endpoints(count: u32) -> Endpoints {
    addresses(count).map(Box::new).collect()
}

/// One after the other.
pub(super) fn turn(count: u32) -> impl FnMut(&Instant) -> *const SocketAddr {
    let present = ArcSwap::from_pointee(endpoints(count));
    let turn = AtomicUsize::new(0);
    move |_| {
        let endpoints = present.load();
        let at = turn.fetch_add(1, Ordering::Relaxed) % endpoints.len();
        &raw const *endpoints[at]
    }
}

/// Any.
pub(super) fn draw(count: u32) -> impl FnMut(&Instant) -> *const SocketAddr {
    let present = ArcSwap::from_pointee(endpoints(count));
    move |_| {
        let endpoints = present.load();
        &raw const *endpoints[scaled(xorshift(), endpoints.len())]
    }
}

/// Any, by weight.
pub(super) fn alias(count: u32) -> impl FnMut(&Instant) -> *const SocketAddr {
    let weights: Vec<u32> = (0..count).map(weight).collect();
    let present = ArcSwap::from_pointee((Alias::new(&weights), endpoints(count)));
    move |_| {
        let present = present.load();
        let (alias, endpoints) = &**present;
        &raw const *endpoints[alias.at(xorshift())]
    }
}

thread_local! {
    static WORD: Cell<u64> = const { Cell::new(0x9e37_79b9_7f4a_7c15) };
}

/// Marsaglia's generator (2003), the cheapest there is, of this thread.
#[inline]
fn xorshift() -> u64 {
    WORD.with(|word| {
        let mut next = word.get();
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        word.set(next);
        next
    })
}

/// A word as a number below `len`, by its upper half.
#[inline]
fn scaled(word: u64, len: usize) -> usize {
    (((word >> 32) * len as u64) >> 32) as usize
}

/// An alias table (Walker 1977; Vose 1991): a slot is its own up to a bound, and another's above.
struct Alias(Vec<(u32, u32)>);

impl Alias {
    fn new(weights: &[u32]) -> Self {
        let total: u32 = weights.iter().sum();
        let mean = f64::from(total) / weights.len() as f64;
        let mut parts: Vec<f64> = weights.iter().map(|w| f64::from(*w) / mean).collect();
        let (mut small, mut large): (Vec<_>, Vec<_>) =
            (0..parts.len()).partition(|at| parts[*at] < 1.0);
        let mut slots: Vec<_> = (0_u32..)
            .take(parts.len())
            .map(|at| (u32::MAX, at))
            .collect();
        while let (Some(less), Some(more)) = (small.pop(), large.last().copied()) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a part below 1, and a position of 32 bits"
            )]
            let slot = ((parts[less] * f64::from(u32::MAX)) as u32, more as u32);
            slots[less] = slot;
            parts[more] -= 1.0 - parts[less];
            if parts[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        Self(slots)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    fn at(&self, word: u64) -> usize {
        let own = scaled(word, self.0.len());
        let (bound, other) = self.0[own];
        if word as u32 <= bound {
            own
        } else {
            other as usize
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alias_table_draws_by_weight() {
        let alias = Alias::new(&[1, 2, 7]);
        let mut drawn = [0_u32; 3];
        (0..100_000).for_each(|_| drawn[alias.at(xorshift())] += 1);
        for (drawn, weight) in drawn.into_iter().zip([1, 2, 7]) {
            // Five standard deviations at most.
            assert!(drawn.abs_diff(10_000 * weight) < 800, "{drawn} of {weight}");
        }
    }
}
