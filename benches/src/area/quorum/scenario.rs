//! What goes wrong.

use core::iter;
use core::time::Duration;

use purlin_core::node::NodeId;
use purlin_sim::{Fault, NodeSet, Probability};

use super::load::Load;
use crate::table::{Cell, Table};

/// A kind of trouble.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// For those who have not met it.
    what: &'static str,
    faults: fn(&Cast) -> Vec<Fault>,
    /// The leader hears of no quorum meanwhile, and so leads nobody, whatever it believes.
    cuts_leader_off: bool,
}

/// Who is who when it begins.
struct Cast {
    leader: NodeId,
    follower: NodeId,
    others: NodeSet,
}

const SLOW: Duration = Duration::from_millis(50);

pub(super) static SCENARIOS: [Scenario; 8] = [
    Scenario {
        name: "calm",
        what: "nothing",
        faults: |_| Vec::new(),
        cuts_leader_off: false,
    },
    Scenario {
        name: "crash",
        what: "the leader crashes, and restarts at the end",
        faults: |cast| vec![Fault::Crash(cast.leader)],
        cuts_leader_off: false,
    },
    Scenario {
        name: "partition",
        what: "the leader and the others do not hear each other",
        faults: |cast| vec![Fault::Split(only(cast.leader))],
        cuts_leader_off: true,
    },
    Scenario {
        name: "deaf",
        what: "the others hear the leader, it does not hear them",
        faults: |cast| {
            vec![Fault::Cut {
                from: cast.others.clone(),
                to: only(cast.leader),
            }]
        },
        cuts_leader_off: true,
    },
    Scenario {
        name: "rejoin",
        what: "a follower and the others do not hear each other",
        faults: |cast| vec![Fault::Split(only(cast.follower))],
        cuts_leader_off: false,
    },
    Scenario {
        name: "loss",
        what: "5 % of all messages between nodes are lost",
        faults: |_| vec![Fault::Loss(Probability::percent(5))],
        cuts_leader_off: false,
    },
    Scenario {
        name: "slow-follower",
        what: "a follower's disk takes 50 ms longer",
        faults: |cast| vec![Fault::SlowDisk(cast.follower, SLOW)],
        cuts_leader_off: false,
    },
    Scenario {
        name: "slow-leader",
        what: "the leader's disk takes 50 ms longer",
        faults: |cast| vec![Fault::SlowDisk(cast.leader, SLOW)],
        cuts_leader_off: false,
    },
];

/// What their names mean.
pub(super) fn table(scenarios: &[&Scenario]) -> Table {
    let mut table = Table::new("Scenarios", ["scenario", "what is wrong"]);
    for scenario in scenarios {
        table.push([Cell::text(scenario.name), Cell::text(scenario.what)]);
    }
    table
}

fn only(node: NodeId) -> NodeSet {
    iter::once(node).collect()
}

impl Scenario {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Lets it begin now, and end after this time.
    pub(super) fn begin(&self, load: &mut Load, lasts: Duration) {
        let nodes = load.world.len() as u64;
        let leader = load.record().leader().unwrap_or(NodeId(0));
        let cast = Cast {
            leader,
            follower: NodeId((leader.0 + 1) % nodes),
            others: only(leader).complement(load.world.len()),
        };
        for fault in (self.faults)(&cast) {
            load.inject(fault, lasts);
        }
        if self.cuts_leader_off {
            let now = load.world.now();
            load.record().cut_off.push((leader, now, now + lasts));
        }
    }
}
