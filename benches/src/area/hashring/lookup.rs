//! Finding the owner of a key: throughput, the hashing of the key included.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use core::hint::black_box;
use core::iter;

use purlin_core::hash::KeyHash;
use purlin_hashring::bucket::flip;
use purlin_hashring::{Placement as _, PlacementExt as _, Rendezvous, Ring, SlotTable};

use super::keys::{self, Key};
#[cfg(feature = "rivals")]
use super::rivals;
use super::variants::{Kind as _, Variant};
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, Scale};
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::versus::harness::{self, Effort};
use crate::versus::{Contest, Over, Role, Series};

fn keys(settings: &Settings) -> Over<Key> {
    Contest::over(keys::random(keys::TIMED, settings.seed))
}

/// The table beside what it cannot do without: the hash, and one access of a table of its size.
pub(super) fn slot_table<const N: u64>(settings: &Settings) -> Result<Contest, LabError> {
    let table = SlotTable::of(N, settings.seed)?;
    let slots = table.slots();
    let nodes = 0..u16::try_from(N).unwrap_or(u16::MAX);
    let plain: Box<[u16]> = nodes.cycle().take(slots).collect();
    let shift = u64::BITS - slots.ilog2();
    let contest = keys(settings)
        .ours("SlotTable", move |key| table.owner_of(key))
        .floor("XXH3 and one load", move |key| {
            let KeyHash(hash) = key.xxh3();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "as many bits as slots have"
            )]
            let slot = (hash >> shift) as usize;
            plain[slot]
        });
    Ok(contest.build())
}

/// The table beside Maglev's, each with the cheapest hash that it accepts: none, for keys that are
/// hashed already.
pub(super) fn slot_table_beside_maglev<const N: u64>(
    settings: &Settings,
) -> Result<Contest, LabError> {
    let table = SlotTable::of(N, settings.seed)?;
    let hashes = Contest::over(keys::hashes(keys::TIMED, settings.seed));
    let contest = hashes.ours("SlotTable", move |hash| table.owner(*hash));
    #[cfg(feature = "rivals")]
    let contest = contest.rival("maglev (passed through)", rivals::in_maglev_hashed(N));
    Ok(contest.build())
}

/// The same for keys of bytes, hashed by the fastest hash there is.
pub(super) fn slot_table_beside_maglev_bytes<const N: u64>(
    settings: &Settings,
) -> Result<Contest, LabError> {
    let table = SlotTable::of(N, settings.seed)?;
    let contest = keys(settings);
    #[cfg(not(feature = "rivals"))]
    let contest = contest.ours("SlotTable", move |key| table.owner_of(key));
    #[cfg(feature = "rivals")]
    let contest = {
        use core::hash::{BuildHasher as _, BuildHasherDefault};

        use foldhash::fast;
        type SipHash = BuildHasherDefault<std::hash::DefaultHasher>;

        let state = foldhash::quality::FixedState::with_seed(settings.seed);
        contest
            .ours("SlotTable (foldhash)", move |key| {
                table.owner(KeyHash(state.hash_one(key)))
            })
            .rival(
                "maglev (foldhash)",
                rivals::in_maglev(N, fast::FixedState::default()),
            )
            .rival(
                "maglev (its default, SipHash)",
                rivals::in_maglev(N, SipHash::default()),
            )
            .rival("hash-rings maglev", rivals::in_hash_rings_maglev(N))
    };
    Ok(contest.build())
}

/// The ring beside other rings, all of 160 points a node.
pub(super) fn ring<const N: u64>(settings: &Settings) -> Result<Contest, LabError> {
    let ring = Ring::of(N, settings.seed)?;
    let contest = keys(settings).ours("Ring", move |key| ring.owner_of(key));
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival("pingora-ketama", rivals::in_ketama(N))
        .rival("hashring (foldhash)", rivals::in_hashring(N))
        .rival(
            "hash-rings consistent (foldhash)",
            rivals::in_hash_rings_ring(N),
        )
        .rival("mpchash", rivals::in_mpchash(N));
    Ok(contest.build())
}

/// The bucket hash beside jump hashes, all over the same hash of the key.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn bucket<const N: u32>(settings: &Settings) -> Result<Contest, LabError> {
    Ok(buckets(keys(settings), N).build())
}

fn buckets(contest: Over<Key>, buckets: u32) -> Over<Key> {
    // Nobody's code may be made for one number of buckets.
    let buckets = black_box(buckets);
    let name = format!("flip, {buckets} buckets");
    let contest = contest.ours(&name, move |key| flip(key.xxh3(), buckets));
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival(
            "jump-consistent-hash",
            rivals::in_jump_consistent_hash(buckets),
        )
        .rival("jumphash", rivals::in_jumphash(buckets))
        .rival("hash-rings jump", rivals::in_hash_rings_jump(buckets));
    contest
}

/// The same at the worst number of buckets up to 20,000 for ours, relative to the best jump hash:
/// looked for at every power of two, just above it, an eighth above and half above.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn bucket_worst(settings: &Settings) -> Result<Contest, LabError> {
    const LOOK: Effort = Effort {
        rounds: 31,
        batch: core::time::Duration::from_micros(100),
        limit: core::time::Duration::from_millis(100),
    };
    let keys: Rc<[Key]> = keys::random(keys::TIMED, settings.seed).into();
    let powers = (0..15).map(|power| 1_u32 << power);
    let candidates: BTreeSet<u32> = powers
        .flat_map(|power| [power, power + 1, power + power / 8, power + power / 2])
        .collect();
    let relative = |count: u32| {
        let mut contest = buckets(Contest::over_shared(Rc::clone(&keys)), count).build();
        let samples = harness::run(&mut contest, LOOK, settings.seed);
        let rivals = samples.series().iter();
        let rivals = rivals.filter(|series| series.role() == Role::Rival);
        let ratios = rivals.filter_map(|rival| Some(samples.ratio_to(rival.name())?.median));
        let worst = ratios.fold(0.0, f64::max);
        (worst, count)
    };
    let worst = candidates
        .into_iter()
        .filter(|count| *count <= 20_000)
        .map(relative)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (_, worst) = worst.unwrap_or_default();
    Ok(buckets(Contest::over_shared(keys), worst).build())
}

/// Rendezvous hashing, which asks every node for every key.
pub(super) fn rendezvous<const N: u64>(settings: &Settings) -> Result<Contest, LabError> {
    let rendezvous = Rendezvous::of(N, settings.seed)?;
    let contest = keys(settings).ours("Rendezvous", move |key| rendezvous.owner_of(key));
    #[cfg(feature = "rivals")]
    let contest = {
        let folded = foldhash::quality::FixedState::default();
        contest
            .rival(
                "hash-rings rendezvous (its default, SipHash)",
                rivals::in_hash_rings_rendezvous(N, std::hash::RandomState::new()),
            )
            .rival(
                "hash-rings rendezvous (foldhash)",
                rivals::in_hash_rings_rendezvous(N, folded),
            )
            .rival("rendezvous_hash (foldhash)", rivals::in_rendezvous_hash(N))
    };
    Ok(contest.build())
}

/// The time of every variant at every number of nodes, and a chart.
pub(super) fn table(
    variants: &[Variant],
    sizes: &[u64],
    settings: &Settings,
    effort: Effort,
) -> Result<(Table, Plot), LabError> {
    let keys: Rc<[Key]> = keys::random(keys::TIMED, settings.seed).into();
    let mut contenders = Vec::with_capacity(variants.len() * sizes.len());
    for variant in variants {
        for &nodes in sizes {
            contenders.push((variant.lookup)(nodes, settings.seed, Rc::clone(&keys))?);
        }
    }
    let series = harness::interleave(&mut contenders, effort, settings.seed);
    let medians: Vec<_> = series.iter().map(Series::median).collect();

    let heads = sizes
        .iter()
        .map(|nodes| format!("{} nodes", Cell::count(*nodes)));
    let heads = iter::once("variant".to_owned()).chain(heads);
    let mut table = Table::new("Finding the owner of a key", heads);
    let mut lines = Vec::with_capacity(variants.len());
    for (variant, medians) in variants.iter().zip(medians.chunks(sizes.len())) {
        let cells = medians
            .iter()
            .map(|median| Cell::maybe_number(*median, "ns"));
        table.push(iter::once(Cell::text(variant.name)).chain(cells));
        let points = sizes.iter().zip(medians);
        let points = points.filter_map(|(nodes, median)| Some((*nodes as f64, (*median)?)));
        lines.push(Line::new(variant.name, points.collect()));
    }
    let x = Axis::new("nodes", Scale::Log10);
    let y = Axis::new("nanoseconds (median)", Scale::Log10);
    let note = "A key of 16 bytes, hashed by XXH3. Throughput of independent lookups, not the latency of one.";
    Ok((
        table.note(note),
        Plot::lines(
            "Finding the owner of a key, by the number of nodes",
            x,
            y,
            lines,
        ),
    ))
}
