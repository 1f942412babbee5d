//! Which of several groups a request is for, each with a share of them.

use crate::request::Request;
use crate::sampling::draws::{Counter, GOLDEN};
use purlin_core::random::SplitMix64;

/// A word for each request, to be compared with bounds: evenly spread.
///
/// Requests without a key take turns through the golden-ratio sequence, so that any few of them in a
/// row are divided nearly as their shares ask; those with a key go by it, so that equal keys go to
/// one group for as long as the shares stay.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    turn: Counter,
    /// Of the policy, so that two of them, one in the other, do not divide by the same bits.
    salt: u64,
}

impl Division {
    pub(crate) fn new(seed: u64, salt: u64) -> Self {
        Self {
            turn: Counter::new(seed),
            salt,
        }
    }

    #[inline]
    pub(crate) fn word(&self, request: &Request<'_>) -> u64 {
        match request.hash() {
            Some(hash) => SplitMix64::mix(hash.0 ^ self.salt),
            None => self.turn.next(GOLDEN),
        }
    }
}

/// The bound below which a word falls with this probability; `u64::MAX` is all of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float beyond the range, or none, is held at its ends"
)]
pub(crate) fn bound(share: f64) -> u64 {
    (share * 2_f64.powi(64)) as u64
}
