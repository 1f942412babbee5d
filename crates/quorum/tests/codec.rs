//! The bytes of messages and of what is stored.

extern crate alloc;

#[path = "codec/arbitrary.rs"]
mod arbitrary;
#[path = "codec/fixture.rs"]
mod fixture;
#[path = "codec/hostile.rs"]
mod hostile;
#[path = "codec/round_trip.rs"]
mod round_trip;

use bytes::Bytes;
use purlin_quorum::raft::codec::DecodeError;
use purlin_quorum::raft::groups::GroupsMessage;
use purlin_quorum::raft::{Configuration, Entries, Entry, HardState, Message, SnapshotMeta};

/// What has an encoding of its own.
trait Whole: Sized + PartialEq + core::fmt::Debug {
    fn bytes(&self) -> Vec<u8>;

    fn len(&self) -> usize;

    fn read(bytes: Bytes) -> Result<Self, DecodeError>;
}

macro_rules! whole {
    ($($whole:ty),*) => {$(
        impl Whole for $whole {
            fn bytes(&self) -> Vec<u8> {
                let mut bytes = Vec::new();
                self.encode(&mut bytes);
                bytes
            }

            fn len(&self) -> usize {
                self.encoded_len()
            }

            fn read(bytes: Bytes) -> Result<Self, DecodeError> {
                Self::decode(bytes)
            }
        }
    )*};
}

whole!(
    Message,
    GroupsMessage,
    Entry,
    Entries,
    HardState,
    SnapshotMeta,
    Configuration
);
