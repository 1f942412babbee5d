//! How long groups are without a leader when it crashes, over thousands of crashes.

use super::configurations::Variant;
use super::failover::Outages;
use super::ours::{self, Configs};
use crate::table::{Cell, Table};

type Measured = fn(&Configs, u64, u64) -> Outages;

/// How a host tells nodes the time.
const HOSTS: [(&str, Measured); 2] = [
    ("ticked", Outages::ours_ticked),
    ("timed", Outages::ours_timed),
];

pub(super) fn table(variants: &[&Variant], crashes: &[u64], seed: u64) -> Table {
    let columns = [
        "configuration",
        "nodes are",
        "crashes",
        "mean",
        "median",
        "99th percentile",
        "longest",
    ];
    let mut table = Table::new("Without a leader after a crash, 3 nodes", columns);
    for &crashes in crashes {
        for variant in variants {
            let configs = ours::ticked_but(1, |config| variant.apply(config));
            for (host, outages) in HOSTS {
                let outages = outages(&configs, crashes, seed);
                table.push([
                    Cell::text(variant.name),
                    Cell::text(host),
                    Cell::count(crashes),
                    Cell::number(outages.mean(), "ticks"),
                    Cell::number(outages.percentile(50), "ticks"),
                    Cell::number(outages.percentile(99), "ticks"),
                    Cell::number(outages.longest(), "ticks"),
                ]);
            }
        }
    }
    table.note(
        "From the crash of a leader, at a random moment between two heartbeats, to the next leader. Election timeout 10 ticks and up to 10 more, a heartbeat each tick; messages take no time. \
         Ticked: nodes are asked at every tick, all at once. Timed: each when it has something to do.",
    )
}
