//! [`Entries`] as `first` and a sequence, which says nothing of how they are held.

use super::{Entries, EntriesError, Entry};
use crate::raft::position::Index;
use alloc::vec::Vec;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

#[derive(Deserialize)]
#[serde(rename = "Entries")]
pub(super) struct Fields {
    first: Index,
    entries: Vec<Entry>,
}

impl TryFrom<Fields> for Entries {
    type Error = EntriesError;

    fn try_from(Fields { first, entries }: Fields) -> Result<Self, EntriesError> {
        Self::try_new(first, entries)
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Entries", 2)?;
        fields.serialize_field("first", &self.first_index())?;
        fields.serialize_field("entries", &Sequence(self))?;
        fields.end()
    }
}

struct Sequence<'a>(&'a Entries);

impl Serialize for Sequence<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(_, entry)| entry))
    }
}
