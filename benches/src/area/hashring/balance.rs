//! How evenly keys fall on nodes, beside what chance alone would do.

use purlin_core::hash::KeyHash;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_hashring::Membership;

use super::keys::Keys;
use super::variants::Variant;
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, Scale};
use crate::settings::Settings;
use crate::table::{Cell, Table};

/// How many keys each node got, and what that says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shares {
    counts: Vec<u64>,
}

impl Shares {
    /// Of the members.
    pub(super) fn of(
        placement: &dyn Membership<Node = u64>,
        keys: impl IntoIterator<Item = KeyHash>,
    ) -> Self {
        let members = || placement.roster().iter().map(|member| member.index.get());
        let mut counts = vec![0; members().max().map_or(0, |last| last + 1)];
        for key in keys {
            let owner = placement.owner(key);
            counts[owner
                .unwrap_or_else(|| unreachable!("nobody is drained"))
                .get()] += 1;
        }
        Self {
            counts: members().map(|index| counts[index]).collect(),
        }
    }

    /// Every key to a node picked at random.
    fn by_chance(nodes: u64, keys: usize, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let mut counts = vec![0; index(nodes)];
        for _ in 0..keys {
            counts[index(random.below(nodes))] += 1;
        }
        Self { counts }
    }

    fn mean(&self) -> f64 {
        self.counts.iter().sum::<u64>() as f64 / self.counts.len() as f64
    }

    /// The fullest node's share, in equal shares.
    pub(super) fn fullest(&self) -> f64 {
        self.counts.iter().copied().max().unwrap_or(0) as f64 / self.mean()
    }

    fn emptiest(&self) -> f64 {
        self.counts.iter().copied().min().unwrap_or(0) as f64 / self.mean()
    }

    /// The sum of squared deviations.
    fn squares(&self) -> f64 {
        let mean = self.mean();
        let deviation = |count: &u64| *count as f64 - mean;
        self.counts
            .iter()
            .map(|count| deviation(count).powi(2))
            .sum()
    }

    /// The standard deviation of a share, in percent of the mean.
    pub(super) fn deviation(&self) -> f64 {
        let nodes = self.counts.len() as f64;
        100.0 * (self.squares() / nodes).sqrt() / self.mean()
    }

    /// What chance alone would make of it: shares are binomial.
    fn expected_deviation(&self) -> f64 {
        let nodes = self.counts.len() as f64;
        100.0 * ((1.0 - 1.0 / nodes) / self.mean()).sqrt()
    }

    /// How far Pearson's chi-squared is from what chance alone would give, in its standard
    /// deviations.
    pub(super) fn surprise(&self) -> f64 {
        let freedom = self.counts.len() as f64 - 1.0;
        (self.squares() / self.mean() - freedom) / (2.0 * freedom).sqrt()
    }
}

fn index(node: u64) -> usize {
    usize::try_from(node).unwrap_or_else(|_| unreachable!("bounded by NODES"))
}

/// One row per variant and number of nodes, one for chance, and a chart.
pub(super) fn table(
    variants: &[Variant],
    sizes: &[u64],
    keys: &Keys,
    settings: &Settings,
) -> Result<(Table, Plot), LabError> {
    let columns = [
        "variant",
        "nodes",
        "fullest",
        "emptiest",
        "standard deviation",
        "by chance",
        "surprise",
    ];
    let mut table = Table::new("Balance", columns);
    let mut push = |name: &str, nodes: u64, shares: &Shares| {
        table.push([
            Cell::text(name),
            Cell::count(nodes),
            Cell::number(shares.fullest(), "x mean"),
            Cell::number(shares.emptiest(), "x mean"),
            Cell::number(shares.deviation(), "%"),
            Cell::number(shares.expected_deviation(), "%"),
            Cell::number(shares.surprise(), "sd"),
        ]);
    };
    let mut lines = Vec::with_capacity(variants.len());
    for variant in variants {
        let mut points = Vec::with_capacity(sizes.len());
        for &nodes in sizes {
            let placement = (variant.build)(nodes, settings.seed)?;
            let shares = Shares::of(&*placement, keys.hashes.iter().copied());
            push(variant.name, nodes, &shares);
            points.push((nodes as f64, shares.fullest()));
        }
        lines.push(Line::new(variant.name, points));
    }
    for &nodes in sizes {
        let shares = Shares::by_chance(nodes, keys.hashes.len(), settings.seed);
        push("chance: a random node", nodes, &shares);
    }
    let note = format!(
        "Where {} fall. The standard deviation is that of a node's share; chance alone, a key at a time, gives the one beside it. Surprise: how far chi-squared is from \
         chance, in standard deviations; within 3 it looks like chance, far below 0 the shares are evened out on purpose.",
        keys.described
    );
    let x = Axis::new("nodes", Scale::Log10);
    let y = Axis::new("fullest node (x mean)", Scale::Linear);
    Ok((
        table.note(note),
        Plot::lines("The fullest node", x, y, lines),
    ))
}
