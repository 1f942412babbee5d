//! How a rumour spreads, and how long ten thousand nodes take to simulate.

use core::time::Duration;

use purlin_sim::{Probability, Schedule};

use super::gossip::{self, cluster};
use super::nodes_of;
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, Scale};
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::versus::Contest;

/// How often the cluster is looked at.
const STEP: Duration = Duration::from_millis(50);

/// More than any loss below 100 % takes.
const WITHIN: Duration = Duration::from_secs(600);

/// Ten thousand nodes with 10 % loss until all know, the building of the world included; every
/// operation is another seed.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn ten_thousand(settings: &Settings) -> Result<Contest, LabError> {
    let seeds = (0..64)
        .map(|index| settings.seed.wrapping_add(index))
        .collect();
    let contest = Contest::over(seeds).ours("purlin-sim World", |seed| {
        let mut world = cluster(10_000, Probability::percent(10), Schedule::new(), *seed);
        gossip::converge(&mut world, STEP, WITHIN)
    });
    Ok(contest.build())
}

/// The share of a cluster that knows, over time, at each loss; and when half of it and all of it
/// did.
pub(super) fn spread(
    nodes: u64,
    losses: &[u32],
    settings: &Settings,
) -> Result<(Table, Plot), LabError> {
    let nodes = nodes_of(nodes)?;
    let columns = [
        "messages lost",
        "half know after",
        "all know after",
        "messages sent",
    ];
    let cluster_size = Cell::count(nodes as u64);
    let mut table = Table::new(format!("A rumour among {cluster_size} nodes"), columns);
    let mut lines = Vec::with_capacity(losses.len());
    for loss in losses {
        let mut world = cluster(
            nodes,
            Probability::percent(*loss),
            Schedule::new(),
            settings.seed,
        );
        let mut points = vec![(0.0, share(1, nodes))];
        let mut after = Duration::ZERO;
        let mut half = (nodes <= 2).then_some(after);
        while gossip::informed(&world) < nodes && after < WITHIN {
            world.run_for(STEP);
            after += STEP;
            let informed = gossip::informed(&world);
            points.push((after.as_secs_f64(), share(informed, nodes)));
            half = half.or_else(|| (2 * informed >= nodes).then_some(after));
        }
        let all = (gossip::informed(&world) == nodes).then_some(after);
        table.push([
            Cell::number(f64::from(*loss), "%"),
            Cell::maybe_number(half.map(|after| after.as_secs_f64()), "s"),
            Cell::maybe_number(all.map(|after| after.as_secs_f64()), "s"),
            Cell::count(world.stats().sent),
        ]);
        lines.push(Line::new(&format!("{loss} % lost"), points));
    }
    let note = format!(
        "One node knows at first. Every node tells one other, picked at random, every {} ms. Times are simulated ones, and the same on every machine.",
        gossip::INTERVAL.as_millis()
    );
    let x = Axis::new("simulated seconds", Scale::Linear);
    let y = Axis::new("nodes that know (%)", Scale::Linear);
    let title = format!("How a rumour spreads through {cluster_size} nodes");
    Ok((table.note(note), Plot::lines(&title, x, y, lines)))
}

fn share(informed: usize, nodes: usize) -> f64 {
    100.0 * informed as f64 / nodes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rumour_spreads_slower_the_more_is_lost() {
        let (table, plot) = spread(500, &[0, 50, 90], &Settings::default()).expect("few nodes");
        let all: Vec<f64> = table
            .rows()
            .iter()
            .map(|row| match &row[2] {
                Cell::Number { value, .. } => *value,
                other => panic!("{other:?}: everybody comes to know"),
            })
            .collect();
        assert!(all.is_sorted() && all[2] > 3.0 * all[0], "{all:?}");
        assert_eq!(plot.legend().len(), 3);
    }
}
