//! How long a change of members takes.

use core::hint::black_box;
use core::mem;

use purlin_core::random::{Random as _, RandomExt as _, SplitMix64};
use purlin_core::time::{Clock as _, SystemClock};
use purlin_hashring::{Identity as _, Member, MembershipError, Ring, SlotTable};

#[cfg(feature = "rivals")]
use super::rivals;
use super::variants::Kind;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::Counted;
use crate::versus::{Contest, Samples};

/// The members of the promises.
const NODES: u64 = 1_000;

/// How many changes a promise in milliseconds is judged by.
const CHANGES: u64 = 101;

/// Their names: random ones, so that a new one belongs anywhere in a sorted list.
fn nodes() -> Vec<u64> {
    (0..NODES).map(SplitMix64::mix).collect()
}

/// One of the two changes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Add,
    Remove,
}

/// A placement that stays as large as it is: a node comes, another leaves.
struct Churn<K> {
    placement: K,
    members: Vec<u64>,
    random: SplitMix64,
    clock: SystemClock,
}

impl<K: Kind> Churn<K> {
    fn of(placement: K, seed: u64) -> Self {
        Self {
            members: placement
                .roster()
                .iter()
                .map(|member| *member.node)
                .collect(),
            placement,
            random: SplitMix64::new(seed),
            clock: SystemClock::new(),
        }
    }

    /// Both changes, of which one is timed; in milliseconds.
    fn change(&mut self, timed: Change) -> Result<f64, LabError> {
        let new = self.random.next_u64();
        let (added, adding) = timing(&self.clock, || self.placement.add(Member::new(new)));
        added.map_err(MembershipError::from)?;
        // What leaves gives its place in the list to the new one.
        let place = self.random.below(self.members.len() as u64);
        let gone =
            usize::try_from(place).map_or(new, |place| mem::replace(&mut self.members[place], new));
        let (removed, removing) = timing(&self.clock, || self.placement.remove(gone.id()));
        removed?;
        Ok(match timed {
            Change::Add => adding,
            Change::Remove => removing,
        })
    }
}

fn timing<T>(clock: &SystemClock, call: impl FnOnce() -> T) -> (T, f64) {
    let start = clock.now();
    let answer = black_box(call());
    let took = clock.now().saturating_duration_since(start);
    (answer, took.as_secs_f64() * 1e3)
}

/// The slots of the promised table, whose default would be another number.
const SLOTS: usize = 1 << 16;

fn table(settings: &Settings) -> Result<SlotTable<u64>, LabError> {
    let builder = SlotTable::builder().seed(settings.seed).slots(SLOTS);
    Ok(builder.build(nodes())?)
}

fn milliseconds<K: Kind>(
    placement: K,
    change: Change,
    settings: &Settings,
) -> Result<Samples, LabError> {
    let mut churn = Churn::of(placement, settings.seed);
    let counted = Counted::rounds(settings, CHANGES).ours(K::NAME, |_| churn.change(change))?;
    Ok(counted.samples())
}

pub(super) fn add_to_slot_table(settings: &Settings) -> Result<Samples, LabError> {
    milliseconds(table(settings)?, Change::Add, settings)
}

pub(super) fn remove_from_slot_table(settings: &Settings) -> Result<Samples, LabError> {
    milliseconds(table(settings)?, Change::Remove, settings)
}

/// A node that comes to the table, beside a Maglev table that has to be built anew.
pub(super) fn slot_table_beside_maglev(settings: &Settings) -> Result<Samples, LabError> {
    // A second and half a gigabyte each.
    const REBUILDS: u64 = 5;
    let mut churn = Churn::of(table(settings)?, settings.seed);
    let counted = Counted::rounds(settings, REBUILDS);
    let counted = counted.ours("slot-table", |_| churn.change(Change::Add))?;
    #[cfg(feature = "rivals")]
    let counted = {
        let clock = SystemClock::new();
        counted.rival("maglev, rebuilt", |_| {
            Ok(timing(&clock, || rivals::maglev(NODES + 1)).1)
        })?
    };
    Ok(counted.samples())
}

/// 160 points that come to a ring of 160,000, or leave it.
pub(super) fn add_to_ring(settings: &Settings) -> Result<Samples, LabError> {
    ring(Change::Add, settings)
}

pub(super) fn remove_from_ring(settings: &Settings) -> Result<Samples, LabError> {
    ring(Change::Remove, settings)
}

fn ring(change: Change, settings: &Settings) -> Result<Samples, LabError> {
    let mut churn = Churn::of(Ring::over(nodes(), settings.seed)?, settings.seed);
    let counted = Counted::rounds(settings, CHANGES);
    let counted = counted.ours("ring", |_| churn.change(change))?;
    #[cfg(feature = "rivals")]
    let counted = {
        let (mut ring, mut new) = (rivals::hashring(NODES), NODES);
        let clock = SystemClock::new();
        counted.rival("hashring (foldhash)", |_| {
            let points: Vec<_> = rivals::points(new).collect();
            let (_, adding) = timing(&clock, || ring.batch_add(points));
            let gone: Vec<_> = rivals::points(new - NODES).collect();
            let remove = || gone.iter().filter_map(|point| ring.remove(point)).count();
            let (_, removing) = timing(&clock, remove);
            new += 1;
            Ok(if change == Change::Add {
                adding
            } else {
                removing
            })
        })?
    };
    Ok(counted.samples())
}

/// A node that comes and leaves again, where there are buckets only: two changes.
pub(super) fn buckets<K: Kind>(settings: &Settings) -> Result<Contest, LabError> {
    let mut placement = K::over(nodes(), settings.seed)?;
    let nodes = (NODES..NODES + 1_024).map(SplitMix64::mix).collect();
    let contest = Contest::over(nodes).ours(K::NAME, move |node: &u64| {
        let added = placement.add(Member::new(*node)).is_ok();
        (added, placement.remove(node.id()).is_ok())
    });
    Ok(contest.build())
}
