//! States as bytes.

use crate::algorithm::multi_bandwidth::Bandwidths;
use alloc::vec;
use alloc::vec::Vec;

/// The first byte of all that is written.
const FORMAT: u8 = 1;

/// A state that can be written to a store. Equal states have equal bytes.
///
/// Before each stands one byte, the version of the format. Integers are little-endian. A word takes
/// nine bytes in all.
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

/// The state with its format before it.
pub(super) fn to_bytes(state: &impl StoredState) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    state.encode(&mut bytes);
    bytes
}

/// The state, if the bytes are of this format, one state and nothing else.
pub(super) fn from_bytes<S: StoredState>(bytes: &[u8]) -> Option<S> {
    let (&FORMAT, mut rest) = bytes.split_first()? else {
        return None;
    };
    let state = S::decode(&mut rest)?;
    rest.is_empty().then_some(state)
}
