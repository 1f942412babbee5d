//! What goes wrong, and when.

use super::{MS, Plan, between, one_in, pick};
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::{Random, RandomExt as _};
use purlin_core::time::Instant;
use purlin_sim::{Fault, FaultKind, FaultPlan, Incident, NodeSet, Schedule};

/// Some of the usual faults, and in some worlds power cuts, bridges and coups.
pub(super) fn faults(random: &mut impl Random, plan: &Plan) -> Schedule {
    const KINDS: [FaultKind; 11] = [
        FaultKind::Crash,
        FaultKind::Crash,
        FaultKind::Pause,
        FaultKind::Slow,
        FaultKind::Cut,
        FaultKind::Split,
        FaultKind::Loss,
        FaultKind::Delay,
        FaultKind::SyncErrors,
        FaultKind::SlowDisk,
        FaultKind::ClockDrift,
    ];
    let mut kinds = KINDS.to_vec();
    if plan.config.lease_drift_ppm.is_none() {
        kinds.push(FaultKind::ClockStep);
    }
    kinds.retain(|_| one_in(random, 2));
    let max_down = pick(random, &[plan.voters / 2, plan.voters / 2, plan.nodes]);
    let usual = FaultPlan::new(plan.nodes, plan.trouble)
        .kinds(&kinds)
        .max_down(max_down)
        .mean_length(pick(random, &[30, 120, 400]) * MS)
        .intensity(pick(random, &[200, 500, 1_200]))
        .schedule(random.next_u64());
    let mut drifts_until = Instant::ORIGIN;
    let mut incidents: Vec<Incident> = usual.incidents().to_vec();
    // Drifts that add up would be more than the nodes are told to reckon with.
    incidents.retain(|incident| {
        let is_drift = matches!(incident.fault, Fault::ClockDrift(..));
        let is_one_more = is_drift && incident.at < drifts_until;
        if is_drift && !is_one_more {
            drifts_until = incident.until();
        }
        !is_one_more
    });
    for _ in 0..pick(random, &[0, 0, 2, 6]) {
        let at = Instant::ORIGIN + plan.trouble.mul_f64(random.f64() * 0.8);
        let lasts = plan.trouble.mul_f64(random.f64() * 0.1);
        let all = |faults: Vec<Fault>| {
            let incident = |fault| Incident { at, lasts, fault };
            faults.into_iter().map(incident).collect()
        };
        let more: Vec<Incident> = match random.below(4) {
            0 => all((0..plan.nodes as u64)
                .map(NodeId)
                .map(Fault::Crash)
                .collect()),
            1 => all(bridge(random, plan.nodes)),
            _ => coup(random, plan, at),
        };
        incidents.extend(more);
    }
    incidents.into_iter().collect()
}

/// One node is out of touch with another for about as long as it waits for a leader; then that other
/// one, which may lead, is cut off from all, and a third one forgets what it need not remember.
fn coup(random: &mut impl Random, plan: &Plan, at: Instant) -> Vec<Incident> {
    let mut order: Vec<u64> = (0..plan.voters as u64).collect();
    random.shuffle(&mut order);
    let [leader, rebel, other] = [0, 1, 2].map(|place| NodeId(order[place]));
    let alone = |node| [node].into_iter().collect::<NodeSet>();
    let from = at + plan.config.election_timeout + Duration::from_millis(between(random, 0, 80));
    let cut = Fault::Cut {
        from: alone(leader),
        to: alone(rebel),
    };
    let incident = |at, lasts, fault| Incident { at, lasts, fault };
    vec![
        incident(at, 300 * MS, cut),
        incident(from, 150 * MS, Fault::Split(alone(leader))),
        incident(from, 5 * MS, Fault::Crash(other)),
    ]
}

/// Two halves that do not hear each other, and one node between them that hears both.
fn bridge(random: &mut impl Random, nodes: usize) -> Vec<Fault> {
    let mut order: Vec<u64> = (0..nodes as u64).collect();
    random.shuffle(&mut order);
    let half = |part: &[u64]| part.iter().copied().map(NodeId).collect::<NodeSet>();
    let (left, right) = order[1..].split_at(nodes / 2);
    let (left, right) = (half(left), half(right));
    let cut = |from: &NodeSet, to: &NodeSet| Fault::Cut {
        from: from.clone(),
        to: to.clone(),
    };
    vec![cut(&left, &right), cut(&right, &left)]
}
