//! States as bytes.

use super::AttemptError;
use crate::algorithm::Algorithm;
use crate::algorithm::multi_bandwidth::Bandwidths;
use alloc::vec;
use alloc::vec::Vec;

/// The first byte of all that is written.
const FORMAT: u8 = 1;

/// A state that can be written to a store. Equal states have equal bytes.
///
/// Before each stand one byte, the version of the format, and eight of the
/// [fingerprint](Algorithm::fingerprint) of the rule. Integers are little-endian. A word takes 17 bytes
/// in all.
pub trait StoredState: Sized {
    /// Appends the state.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Takes a state from the front; `None` if it is none.
    fn decode(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl StoredState for $integer {
            fn encode(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                let (integer, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*integer))
            }
        }
    )*};
}

integers!(u32, u64, u128);

impl<S: StoredState> StoredState for Vec<S> {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let count = u64::try_from(self.len()).unwrap_or(u64::MAX);
        count.encode(bytes);
        self.iter().for_each(|item| item.encode(bytes));
    }

    /// The count is not trusted: nothing is allocated for what is not there.
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let count = u64::decode(bytes)?;
        let mut items = Self::new();
        for _ in 0..count {
            let before = bytes.len();
            items.push(S::decode(bytes)?);
            if bytes.len() == before {
                return None;
            }
        }
        Some(items)
    }
}

impl<S: StoredState> StoredState for Bandwidths<S> {
    fn encode(&self, bytes: &mut Vec<u8>) {
        self.turn.encode(bytes);
        self.states.encode(bytes);
        self.before.encode(bytes);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            turn: u64::decode(bytes)?,
            states: Vec::decode(bytes)?,
            before: Vec::decode(bytes)?,
        })
    }
}

/// The state, and before it the format and the rule whose state it is.
pub(super) fn to_bytes<A>(algorithm: &A, state: &A::State) -> Vec<u8>
where
    A: Algorithm<State: StoredState>,
{
    let mut bytes = vec![FORMAT];
    algorithm.fingerprint().encode(&mut bytes);
    state.encode(&mut bytes);
    bytes
}

/// The state, if the bytes are of this format and rule, one state and nothing else.
pub(super) fn from_bytes<A>(algorithm: &A, bytes: &[u8]) -> Result<A::State, AttemptError>
where
    A: Algorithm<State: StoredState>,
{
    let Some((&FORMAT, mut rest)) = bytes.split_first() else {
        return Err(AttemptError::Format);
    };
    let rule = u64::decode(&mut rest).ok_or(AttemptError::Format)?;
    if rule != algorithm.fingerprint() {
        return Err(AttemptError::AnotherRule);
    }
    let state = A::State::decode(&mut rest).filter(|_| rest.is_empty());
    state.ok_or(AttemptError::Format)
}
