//! What a placement takes in memory, counted at the allocator.

use allocation_counter::measure;

use super::variants::{Kind, Variant};
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, Scale};
use crate::table::{Cell, Table};

/// The bytes of one placement, on the heap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bytes {
    /// As long as it lives, the members included.
    pub(super) kept: f64,
    /// At most while it was built.
    pub(super) peak: f64,
    /// Of `kept`, those of its list of members.
    pub(super) roster: f64,
}

impl Bytes {
    pub(super) fn of<K: Kind>(nodes: u64, seed: u64) -> Result<Self, LabError> {
        let mut built = None;
        let whole = measure(|| built = Some(K::of(nodes, seed)));
        let Some(placement) = built.transpose()? else {
            unreachable!("`measure` runs what it is given")
        };
        let mut roster = None;
        let members = measure(|| roster = Some(placement.roster().clone()));
        debug_assert_eq!(roster.map(|roster| roster.len()), Some(placement.len()));
        Ok(Self {
            kept: whole.bytes_current as f64,
            peak: whole.bytes_max as f64,
            roster: members.bytes_current as f64,
        })
    }

    /// What the algorithm itself keeps.
    pub(super) fn own(&self) -> f64 {
        self.kept - self.roster
    }
}

/// The bytes of every variant at every number of nodes, and a chart.
pub(super) fn table(
    variants: &[Variant],
    sizes: &[u64],
    seed: u64,
) -> Result<(Table, Plot), LabError> {
    let columns = [
        "variant",
        "nodes",
        "kept",
        "of these, members",
        "per node",
        "most while building",
    ];
    let mut table = Table::new("Memory", columns);
    let mut lines = Vec::with_capacity(variants.len());
    for variant in variants {
        let mut points = Vec::with_capacity(sizes.len());
        for &nodes in sizes {
            let bytes = (variant.bytes)(nodes, seed)?;
            table.push([
                Cell::text(variant.name),
                Cell::count(nodes),
                Cell::number(bytes.kept, "B"),
                Cell::number(bytes.roster, "B"),
                Cell::number(bytes.kept / nodes as f64, "B"),
                Cell::number(bytes.peak, "B"),
            ]);
            points.push((nodes as f64, bytes.kept / nodes as f64));
        }
        lines.push(Line::new(variant.name, points));
    }
    let x = Axis::new("nodes", Scale::Log10);
    let y = Axis::new("bytes per node", Scale::Log10);
    let note = "Counted at the allocator. Members are the nodes themselves (numbers here) with their weights and places.";
    Ok((
        table.note(note),
        Plot::lines("Memory per node", x, y, lines),
    ))
}
