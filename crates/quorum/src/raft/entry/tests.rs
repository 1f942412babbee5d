//! Entries against a plain vector of them.

use super::*;
use crate::raft::position::{Index, Position};
use alloc::vec::Vec;
use alloc::{format, string::ToString as _, vec};
use core::hash::BuildHasher as _;
use core::mem::size_of;
use proptest::prelude::*;

fn entry(term: u64, command: &[u8]) -> Entry {
    Entry::command(Term(term), Bytes::copy_from_slice(command))
}

fn commands() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec((0..3_u64, prop::collection::vec(any::<u8>(), 0..9)), 0..40).prop_map(
        |all| {
            let mut term = 1;
            let with_term = |(more, command): (u64, Vec<u8>)| {
                term += more / 2;
                entry(term, &command)
            };
            all.into_iter().map(with_term).collect()
        },
    )
}

/// The same entries, held as parts of the given lengths, each a cut of a larger array.
fn in_parts(first: Index, entries: &[Entry], lengths: &[usize]) -> Entries {
    let mut rest = entries;
    let mut lengths = lengths.iter();
    let parts = core::iter::from_fn(|| {
        let length = lengths
            .next()
            .map_or(rest.len(), |&length| length.min(rest.len()));
        let (these, others) = rest.split_at(length);
        rest = others;
        let filler = core::slice::from_ref(these.first()?);
        Some(Part::from([filler, these, filler].concat()).cut(1..length + 1))
    });
    Entries::from_parts(first, parts)
}

#[test]
fn sizes_are_as_the_memory_of_a_log_counts_on() {
    #[cfg(target_pointer_width = "64")]
    {
        assert_eq!(size_of::<Entry>(), 40);
        assert_eq!(size_of::<Part>(), 40);
        assert_eq!(size_of::<Entries>(), 56);
    }
    assert!(size_of::<Entries>() <= 56);
}

#[test]
fn what_cannot_follow_in_a_log_is_refused_by_name() {
    let decreasing = vec![entry(2, b"a"), entry(2, b"b"), entry(1, b"c")];
    let error = Entries::try_new(Index(5), decreasing).unwrap_err();
    assert_eq!(error, EntriesError::TermDecreases(Index(7)));
    assert_eq!(
        error.to_string(),
        "the entry at index 7 has a lower term than the one before it"
    );
    let two = || vec![entry(1, b"a"), entry(1, b"b")];
    let last_place = Entries::try_new(Index(u64::MAX - 2), two()).unwrap();
    assert_eq!(
        last_place.last(),
        Some(Position::new(Term(1), Index(u64::MAX - 1)))
    );
    let error = Entries::try_new(Index(u64::MAX - 1), two()).unwrap_err();
    assert_eq!(error, EntriesError::OutOfIndices(Index(u64::MAX - 1)));
}

#[test]
fn what_is_at_the_last_index_is_still_found() {
    let one = Entries::one(Index(u64::MAX), entry(1, b"a"));
    assert_eq!(one.iter().count(), 1);
    assert_eq!(one.term(Index(u64::MAX)), Some(Term(1)));
    assert_eq!(one.last(), Some(Position::new(Term(1), Index(u64::MAX))));
}

#[test]
fn a_clone_allocates_nothing() {
    let many: Vec<Entry> = (0..99).map(|_| entry(1, b"abc")).collect();
    let three = [
        Entries::one(Index(1), entry(1, b"abc")),
        Entries::new(Index(1), many.clone()),
        in_parts(Index(1), &many, &[9, 40, 50]),
    ];
    // The first clone of a `Bytes` may turn it into a shared one.
    let warm = three.clone();
    let allocated = allocation_counter::measure(|| drop(three.clone()));
    assert_eq!(allocated.count_total, 0);
    assert_eq!(warm[1], warm[2]);
}

#[test]
fn what_an_array_keeps_alive_is_bounded_by_number_and_by_payload() {
    let heavy = |length: usize| Entry::command(Term(1), Bytes::from(vec![0; length]));
    let all = Part::from(vec![
        heavy(1000),
        heavy(1),
        heavy(1),
        heavy(1),
        heavy(1),
        heavy(996),
    ]);
    let pinned = |part: Part| part.trimmed().pinned();
    assert_eq!(pinned(all.clone()), (6, 2000));
    assert_eq!(pinned(all.cut(0..5)), (6, 2000), "half of it is used");
    assert_eq!(
        pinned(all.cut(1..5)),
        (4, 4),
        "many entries, little payload"
    );
    assert_eq!(
        pinned(all.cut(0..2)),
        (2, 1001),
        "much payload, few entries"
    );
}

proptest! {
    #[test]
    fn entries_are_a_vector_however_they_are_held(
        entries in commands(),
        first in 1..1000_u64,
        lengths in prop::collection::vec(1..20_usize, 0..5),
        from in 0..1100_u64,
    ) {
        let first = Index(first);
        let whole = Entries::new(first, entries.clone());
        let parts = in_parts(first, &entries, &lengths);
        let model: Vec<(Index, Entry)> =
            (first.0..).map(Index).zip(entries.iter().cloned()).collect();
        for held in [&whole, &parts] {
            prop_assert_eq!(held.first_index(), first);
            prop_assert_eq!(held.len(), model.len());
            prop_assert_eq!(held.is_empty(), model.is_empty());
            prop_assert_eq!(held.last(), model.last().map(|(index, entry)| Position::new(entry.term, *index)));
            prop_assert_eq!(held.bytes(), model.iter().map(|(_, entry)| entry.payload.len() as u64).sum::<u64>());
            prop_assert_eq!(held.iter().len(), model.len());
            prop_assert!(held.iter().eq(model.iter().map(|(index, entry)| (*index, entry))));
            for index in first.0.saturating_sub(2)..first.0 + model.len() as u64 + 2 {
                let expected = model.iter().find(|(at, _)| at.0 == index).map(|(_, entry)| entry);
                prop_assert_eq!(held.get(Index(index)), expected);
                prop_assert_eq!(held.term(Index(index)), expected.map(|entry| entry.term));
            }
            // Near the entries rather than anywhere.
            let from = Index((first.0 + from % (model.len() as u64 + 4)).saturating_sub(2));
            let later = held.from(from);
            let expected: Vec<_> = model.iter().filter(|(at, _)| *at >= from).cloned().collect();
            prop_assert_eq!(later.first_index(), from.max(first));
            prop_assert!(later.iter().eq(expected.iter().map(|(index, entry)| (*index, entry))));
            prop_assert_eq!(later.bytes(), expected.iter().map(|(_, entry)| entry.payload.len() as u64).sum::<u64>());
            prop_assert_eq!(later.len(), expected.len());
        }
        prop_assert_eq!(&whole, &parts);
        let hasher = std::hash::RandomState::new();
        prop_assert_eq!(hasher.hash_one(&whole), hasher.hash_one(&parts));
        prop_assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
    }

    #[test]
    fn entries_differ_when_anything_does(entries in commands(), at in any::<prop::sample::Index>()) {
        let one = Entries::new(Index(1), entries.clone());
        prop_assert_ne!(&one, &Entries::new(Index(2), entries.clone()));
        if !entries.is_empty() {
            let at = at.index(entries.len());
            let mut other = entries.clone();
            other[at].payload = Payload::Configuration(Arc::default());
            prop_assert_ne!(&one, &Entries::new(Index(1), other));
            let mut shorter = entries;
            shorter.pop();
            prop_assert_ne!(&one, &Entries::new(Index(1), shorter));
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_says_nothing_of_how_entries_are_held(
        entries in commands(),
        lengths in prop::collection::vec(1..20_usize, 0..5),
    ) {
        let whole = Entries::new(Index(7), entries.clone());
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(&text, &serde_json::to_string(&in_parts(Index(7), &entries, &lengths)).unwrap());
        prop_assert_eq!(&serde_json::from_str::<Entries>(&text).unwrap(), &whole);
        let binary = postcard::to_allocvec(&whole).unwrap();
        prop_assert_eq!(&postcard::from_bytes::<Entries>(&binary).unwrap(), &whole);
    }
}

#[cfg(feature = "serde")]
#[test]
fn serde_refuses_what_cannot_be_in_a_log() {
    let entries = Entries::new(Index(3), vec![entry(4, b"a"), entry(5, b"b")]);
    let text = serde_json::to_string(&entries).unwrap();
    assert_eq!(
        text,
        r#"{"first":3,"entries":[{"term":4,"payload":{"Command":[97]}},{"term":5,"payload":{"Command":[98]}}]}"#
    );
    let error =
        serde_json::from_str::<Entries>(&text.replace(r#""term":5"#, r#""term":3"#)).unwrap_err();
    assert!(
        error.to_string().contains("index 4 has a lower term"),
        "{error}"
    );
}
