//! Any bytes as a message, of one group or between machines with many, and as each thing that is stored: they are
//! refused, or what they say is written with the same bytes and no others.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use purlin_quorum::raft::groups::GroupsMessage;
use purlin_quorum::raft::{Configuration, Entries, Entry, HardState, Message, SnapshotMeta};

macro_rules! decode {
    ($bytes:expr => $($whole:ty),*) => {$(
        if let Ok(whole) = <$whole>::decode($bytes.clone()) {
            let mut again = Vec::new();
            whole.encode(&mut again);
            assert_eq!(again, $bytes, "{whole:?}");
            assert_eq!(again.len(), whole.encoded_len(), "{whole:?}");
        }
    )*};
}

fuzz_target!(|bytes: &[u8]| {
    let bytes = Bytes::copy_from_slice(bytes);
    decode!(bytes => Message, GroupsMessage, Entry, Entries, HardState, SnapshotMeta, Configuration);
});
