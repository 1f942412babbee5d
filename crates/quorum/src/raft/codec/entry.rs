//! Entries: the bulk of what is sent, so that the usual one costs a byte or two besides its command.

use super::{DecodeError, Part, Reader, Sink};
use crate::raft::entry::{Entries, Entry, Payload};
use crate::raft::position::{Index, Term};
use alloc::vec::Vec;

/// In the head of an entry: a byte of particulars follows.
const PARTICULAR: u64 = 1;
/// In the particulars: the term is another than that of the entry before.
const NEW_TERM: u8 = 1;
/// In the particulars: the entry carries a configuration.
const CONFIGURATION: u8 = 2;

impl Part for Entry {
    fn put(&self, sink: &mut impl Sink) {
        put_entry(self, Term(0), sink);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let head = reader.varint()?;
        take_entry(head, Term(0), reader)
    }
}

impl Part for Entries {
    fn put(&self, sink: &mut impl Sink) {
        self.first_index().put(sink);
        put_entries(self, Term(0), sink);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let first = reader.take()?;
        take_entries(first, Term(0), reader)
    }
}

/// Entries that follow after one of the term `before`; their first index is known otherwise.
pub(super) fn put_entries(entries: &Entries, mut before: Term, sink: &mut impl Sink) {
    sink.varint(entries.len() as u64);
    for (_, entry) in entries.iter() {
        put_entry(entry, before, sink);
        before = entry.term;
    }
}

/// What [`put_entries`] has put.
pub(super) fn take_entries(
    first: Index,
    mut before: Term,
    reader: &mut Reader<'_>,
) -> Result<Entries, DecodeError> {
    let offset = reader.offset();
    let count = reader.count(1)?;
    if first.0.checked_add(count as u64).is_none() {
        return Err(DecodeError::Invalid {
            what: "indices beyond 64 bits",
            offset,
        });
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let head = reader.varint()?;
        if head & PARTICULAR == 0 {
            // By far the most.
            let command = reader.range(head >> 1)?;
            entries.push(Entry::command(before, reader.share(command)));
        } else {
            let entry = take_entry(head, before, reader)?;
            before = entry.term;
            entries.push(entry);
        }
    }
    Ok(Entries::new(first, entries))
}

#[inline]
fn put_entry(entry: &Entry, before: Term, sink: &mut impl Sink) {
    let new_term = if entry.term == before { 0 } else { NEW_TERM };
    let (length, configuration) = match &entry.payload {
        Payload::Command(command) => (command.len() as u64, 0),
        Payload::Configuration(_) => (0, CONFIGURATION),
    };
    let particulars = new_term | configuration;
    sink.varint(length << 1 | u64::from(particulars != 0));
    if particulars != 0 {
        sink.byte(particulars);
    }
    if new_term != 0 {
        // Terms never go down. If they did, the distance wraps and the reader refuses it.
        sink.varint(entry.term.0.wrapping_sub(before.0));
    }
    match &entry.payload {
        Payload::Command(command) => sink.slice(command),
        Payload::Configuration(configuration) => configuration.put(sink),
    }
}

/// What [`put_entry`] has put after the `head`.
fn take_entry(head: u64, before: Term, reader: &mut Reader<'_>) -> Result<Entry, DecodeError> {
    let offset = reader.offset();
    let invalid = |what| Err(DecodeError::Invalid { what, offset });
    let length = head >> 1;
    let particulars = match head & PARTICULAR {
        0 => 0,
        _ => reader.byte()?,
    };
    if particulars > NEW_TERM | CONFIGURATION || (particulars == 0) != (head & PARTICULAR == 0) {
        let what = "entry";
        return Err(DecodeError::UnknownTag {
            what,
            tag: particulars,
        });
    }
    let mut term = before;
    if particulars & NEW_TERM != 0 {
        let higher: u64 = reader.take()?;
        term = match before.0.checked_add(higher) {
            Some(term) if higher > 0 => Term(term),
            _ => return invalid("terms that do not grow"),
        };
    }
    if particulars & CONFIGURATION == 0 {
        return Ok(Entry::command(term, reader.slice(length)?));
    }
    if length > 0 {
        return invalid("a configuration with a length");
    }
    let payload = Payload::Configuration(reader.take()?);
    Ok(Entry { term, payload })
}
