//! The log against a plain vector, and what it costs.

use super::*;
use alloc::vec;
use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use proptest::prelude::*;

/// The log as one would write it first.
#[derive(Clone, Debug)]
struct Model {
    base: Position,
    entries: Vec<Entry>,
}

impl Model {
    fn last_index(&self) -> u64 {
        self.base.index.0 + self.entries.len() as u64
    }

    fn last_term(&self) -> u64 {
        self.entries
            .last()
            .map_or(self.base.term.0, |entry| entry.term.0)
    }

    fn get(&self, index: u64) -> Option<&Entry> {
        self.entries
            .get(usize::try_from(index.checked_sub(self.base.index.0 + 1)?).ok()?)
    }

    fn term(&self, index: u64) -> Option<u64> {
        if index == self.base.index.0 {
            Some(self.base.term.0)
        } else {
            self.get(index).map(|entry| entry.term.0)
        }
    }

    fn slice(&self, from: u64, to: u64, max_bytes: u64) -> Vec<Entry> {
        let mut taken: Vec<Entry> = vec![];
        for index in from..=to {
            let Some(entry) = self.get(index) else { break };
            let with = taken
                .iter()
                .chain([entry])
                .map(|entry| entry.payload.len() as u64)
                .sum::<u64>();
            if with > max_bytes && !taken.is_empty() {
                break;
            }
            taken.push(entry.clone());
        }
        taken
    }

    fn last_at_most(&self, index: u64, term: u64) -> Position {
        let fits = |&at: &u64| at <= index && self.term(at).is_some_and(|found| found <= term);
        (self.base.index.0..=self.last_index())
            .rev()
            .find(fits)
            .map_or(self.base, |at| {
                Position::new(Term(self.term(at).expect("it was found")), Index(at))
            })
    }
}

/// Where an index lies: so many steps in from the end or the base, or out.
#[derive(Clone, Copy, Debug)]
enum Place {
    FromEnd(u64),
    FromBase(u64),
}

impl Place {
    fn of(self, model: &Model) -> u64 {
        match self {
            Self::FromEnd(steps) => (model.last_index() + 3).saturating_sub(steps),
            Self::FromBase(steps) => (model.base.index.0 + steps).saturating_sub(3),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many entries, one by one, in a later term if so.
    Push(u8, bool),
    /// A batch of so many.
    Extend(u8, bool),
    /// A batch of which the first ones were left away.
    ExtendRest(u8, u8),
    /// What another log has sliced from parts of its own.
    ExtendParts(u8),
    Truncate(Place),
    Compact(Place),
    Slice(Place, Place, u64),
    Reset(u8),
    /// Goes on with a clone and keeps the original, which must stay as it is.
    Clone,
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        (0..90_u64).prop_map(Place::FromEnd),
        (0..90_u64).prop_map(Place::FromBase)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let budget = prop_oneof![Just(0), 0..50_u64, 0..2000_u64, Just(u64::MAX)];
    prop_oneof![
        4 => (1..80_u8, any::<bool>()).prop_map(|(count, later)| Step::Push(count, later)),
        4 => (0..100_u8, any::<bool>()).prop_map(|(count, later)| Step::Extend(count, later)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(count, skip)| Step::ExtendRest(count, skip)),
        1 => any::<u8>().prop_map(Step::ExtendParts),
        3 => place().prop_map(Step::Truncate),
        3 => place().prop_map(Step::Compact),
        6 => (place(), place(), budget).prop_map(|(from, to, bytes)| Step::Slice(from, to, bytes)),
        1 => any::<u8>().prop_map(Step::Reset),
        1 => Just(Step::Clone),
    ]
}

struct World {
    log: Log,
    model: Model,
    /// What was given out, and what it must still be at the end.
    slices: Vec<(Entries, Vec<Entry>)>,
    originals: Vec<(Log, Model)>,
    made: usize,
}

impl World {
    fn new() -> Self {
        let base = Position::new(Term(1), Index(10));
        let model = Model {
            base,
            entries: vec![],
        };
        Self {
            log: Log::new(base),
            model,
            slices: vec![],
            originals: vec![],
            made: 0,
        }
    }

    /// Entries of which hardly two are equal, of 0 to 36 bytes and sometimes 999.
    fn make(&mut self, count: usize, later: bool) -> Vec<Entry> {
        let mut term = self.model.last_term() + u64::from(later);
        let made = self.made;
        self.made += count;
        (made..made + count)
            .map(|number| {
                term += u64::from(number % 50 == 0);
                let length = if number % 41 == 0 { 999 } else { number % 37 };
                let mut payload = vec![0; length];
                let number = number.to_le_bytes();
                let shown = length.min(8);
                payload[..shown].copy_from_slice(&number[..shown]);
                Entry::command(Term(term), payload.into())
            })
            .collect()
    }

    fn extend(&mut self, entries: &Entries) {
        self.model
            .entries
            .extend(entries.iter().map(|(_, entry)| entry.clone()));
        self.log.extend(entries.clone());
        let given = entries.iter().map(|(_, entry)| entry.clone()).collect();
        self.slices.push((entries.clone(), given));
    }

    fn step(&mut self, step: &Step) {
        let next = Index(self.model.last_index() + 1);
        match *step {
            Step::Push(count, later) => {
                for entry in self.make(count.into(), later) {
                    self.log.push(entry.clone());
                    self.model.entries.push(entry);
                }
            }
            Step::Extend(count, later) => {
                let entries = Entries::new(next, self.make(count.into(), later));
                self.extend(&entries);
            }
            Step::ExtendRest(count, skip) => {
                let skip = u64::from(skip.min(count)).min(next.0);
                let entries = Entries::new(Index(next.0 - skip), self.make(count.into(), false));
                self.extend(&entries.from(next));
            }
            Step::ExtendParts(count) => {
                let mut other = Log::new(Position::new(Term(0), next.previous()));
                for (at, chunk) in self.make(count.into(), false).chunks(37).enumerate() {
                    let first = other.last_index().next();
                    let chunk = &chunk[..chunk.len().min(40 - at)];
                    other.extend(Entries::new(first, chunk.to_vec()));
                }
                self.extend(&other.slice(next, Index(u64::MAX), u64::MAX));
            }
            Step::Truncate(place) => {
                let from = place.of(&self.model);
                self.log.truncate(Index(from));
                let keep = from.saturating_sub(self.model.base.index.0 + 1);
                self.model
                    .entries
                    .truncate(usize::try_from(keep).expect("small"));
            }
            Step::Compact(place) => {
                let upto = place.of(&self.model);
                self.log.compact(Index(upto));
                if let Some(term) = self.model.term(upto) {
                    let gone = usize::try_from(upto - self.model.base.index.0).expect("small");
                    self.model.entries.drain(..gone);
                    self.model.base = Position::new(Term(term), Index(upto));
                }
            }
            Step::Slice(from, to, max_bytes) => {
                let (from, to) = (from.of(&self.model), to.of(&self.model));
                let slice = self.log.slice(Index(from), Index(to), max_bytes);
                let expected = self.model.slice(from, to, max_bytes);
                assert_eq!(slice.first_index(), Index(from));
                assert_eq!(slice.bytes(), payload_bytes(&expected));
                self.slices.push((slice, expected));
            }
            Step::Reset(ahead) => {
                let base = Position::new(Term(self.model.last_term()), next + u64::from(ahead));
                self.log.reset(base);
                self.model = Model {
                    base,
                    entries: vec![],
                };
            }
            Step::Clone => {
                let clone = self.log.clone();
                let original = core::mem::replace(&mut self.log, clone);
                self.originals.push((original, self.model.clone()));
            }
        }
    }
}

fn same(log: &Log, model: &Model) {
    log.check_invariants();
    assert_eq!(log.base(), model.base);
    assert_eq!(
        log.last(),
        Position::new(Term(model.last_term()), Index(model.last_index()))
    );
    assert_eq!(log.last_index(), Index(model.last_index()));
    assert_eq!(log.bytes(), payload_bytes(&model.entries));
    for index in model.base.index.0.saturating_sub(2)..=model.last_index() + 2 {
        assert_eq!(log.entry(Index(index)), model.get(index), "entry {index}");
        assert_eq!(
            log.term(Index(index)),
            model.term(index).map(Term),
            "term of {index}"
        );
    }
}

fn same_last_at_most(log: &Log, model: &Model) {
    for term in model.base.term.0.saturating_sub(1)..=model.last_term() + 1 {
        for index in (model.base.index.0.saturating_sub(2)..=model.last_index() + 2).step_by(7) {
            let found = log.last_at_most(Index(index), Term(term));
            assert_eq!(
                found,
                model.last_at_most(index, term),
                "at most {index}, term {term}"
            );
        }
    }
}

proptest! {
    #[test]
    fn a_log_is_a_vector_after_a_base(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            same(&world.log, &world.model);
        }
        same_last_at_most(&world.log, &world.model);
        for (slice, expected) in &world.slices {
            assert!(slice.iter().map(|(_, entry)| entry).eq(expected), "a slice has changed");
        }
        for (log, model) in &world.originals {
            same(log, model);
        }
    }
}

fn command() -> Entry {
    Entry::command(Term(1), Bytes::from_static(&[7; 64]))
}

fn batch(log: &Log, count: usize) -> Entries {
    Entries::new(log.last_index().next(), vec![command(); count])
}

fn filled(entries: usize, in_batches_of: usize) -> Log {
    let mut log = Log::new(Position::default());
    for _ in 0..entries / in_batches_of {
        if in_batches_of == 1 {
            log.push(command());
        } else {
            log.extend(batch(&log, in_batches_of));
        }
    }
    log
}

/// What is on the heap when `make` is done, in bytes for each of `entries`, and its result.
fn heap_per_entry<T>(entries: usize, make: impl FnOnce() -> T) -> (f64, T) {
    let mut made = None;
    let info = measure(|| made = Some(make()));
    (
        info.bytes_current as f64 / entries as f64,
        made.expect("it was made"),
    )
}

#[test]
fn an_entry_takes_at_most_48_bytes_besides_its_payload() {
    const ENTRIES: usize = 100_000;
    for size in [1, 2, 7, 31, 32, 33, 64, 1000] {
        let (each, log) = heap_per_entry(ENTRIES, || filled(ENTRIES, size));
        std::println!("batches of {size}: {each:.2} bytes an entry");
        assert!(log.last_index() > Index(ENTRIES as u64 - 1000));
        assert!(each <= 48.0, "{each} bytes an entry in batches of {size}");
    }
}

#[test]
fn an_entry_takes_at_most_48_bytes_even_in_the_worst_mixture() {
    const ENTRIES: usize = 33 * 4097;
    let (each, log) = heap_per_entry(ENTRIES, || {
        let mut log = Log::new(Position::default());
        for _ in 0..ENTRIES / 33 {
            log.push(command());
            log.extend(batch(&log, 32));
        }
        log
    });
    std::println!("1 and 32 in turn: {each:.2} bytes an entry");
    assert_eq!(log.last_index(), Index(ENTRIES as u64));
    // The queue of segments has just doubled.
    assert!(each <= 48.0, "{each} bytes an entry");
}

#[test]
fn what_is_cut_again_and_again_does_not_grow() {
    const ENTRIES: usize = 20_000;
    let (each, log) = heap_per_entry(ENTRIES, || {
        let mut log = Log::new(Position::default());
        for _ in 0..ENTRIES {
            log.extend(batch(&log, 64));
            log.truncate(Index(log.last_index().0 - 62));
        }
        log
    });
    std::println!("one of 64 survives: {each:.2} bytes an entry");
    log.check_invariants();
    assert_eq!(log.last_index(), Index(ENTRIES as u64));
    assert!(each <= 48.0, "{each} bytes an entry");
}

#[test]
fn compaction_gives_memory_back() {
    for size in [1, 7, 64] {
        let mut log = Log::new(Position::default());
        let most = measure(|| {
            log = filled(100_000, size);
            log.compact(Index(log.last_index().0 - 10));
        });
        assert!(most.bytes_max > 4_000_000);
        let left = most.bytes_current;
        assert!(left < 5_000, "{left} bytes for 10 entries");
        let left = left + measure(|| log.compact(log.last_index())).bytes_current;
        assert!(left < 1_000, "{left} bytes for none");
        log.check_invariants();
    }
}

/// What a leader of three does with one batch, without the messages around it.
fn lead(log: &mut Log, entries: Entries) -> usize {
    let first = entries.first_index();
    log.extend(entries);
    let last = log.last_index();
    let write = log.slice(first, last, u64::MAX);
    let sent = [
        log.slice(first, last, 1 << 20),
        log.slice(first, last, 1 << 20),
    ];
    let committed = log.slice(first, last, 16 << 20);
    if last.0.is_multiple_of(8192) {
        log.compact(last);
    }
    write.len() + sent[0].len() + sent[1].len() + committed.len()
}

fn allocations_of_leading(batches: u64, size: usize) -> AllocationInfo {
    let mut log = Log::new(Position::default());
    measure(|| {
        for _ in 0..batches {
            let first = log.last_index().next();
            let entries = if size == 1 {
                Entries::one(first, command())
            } else {
                batch(&log, size)
            };
            assert_eq!(lead(&mut log, entries), 4 * size);
        }
    })
}

#[test]
fn leading_hardly_allocates() {
    let one = allocations_of_leading(8192 * 4, 1).count_total as f64 / (8192.0 * 4.0);
    assert!(one <= 0.02, "{one} allocations a single entry");
    // The vector, the array made of it; and now and then the queue of segments.
    let many = allocations_of_leading(512, 64).count_total as f64 / 512.0;
    assert!(many <= 2.1, "{many} allocations a batch of 64");
    // The same, and the copy of the seven in the log; the slices share what came.
    let few = allocations_of_leading(4096, 7).count_total as f64 / 4096.0;
    assert!(few <= 2.3, "{few} allocations a batch of 7");
    std::println!("allocations: {one:.4} for one, {few:.3} for 7, {many:.3} for 64");
}

#[test]
fn a_large_slice_is_a_handful_of_allocations() {
    let log = filled(64 * 100, 64);
    let mut all = Entries::empty(Index::ZERO);
    let allocated = measure(|| all = log.slice(Index(1), log.last_index(), u64::MAX));
    assert_eq!(all.len(), 6400);
    assert!(
        allocated.count_total <= 8,
        "{} allocations",
        allocated.count_total
    );
}
