//! What `majority_commit.json` and `joint_commit.json` mean, and what must hold around each case.

use purlin_core::node::{NodeId, Weight};
use purlin_quorum::quorum::{Joint, Majority, QuorumSystem, Weighted};
use purlin_quorum::raft::{Configuration, ConfigurationParts};
use purlin_vectors::{Case, Field, Suite};
use std::collections::BTreeMap;

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("quorum/majority_commit@1", |file| {
        file.ignore(&["kind"]);
        file.cases("cases", |case| {
            let voters = nodes(case, "config");
            check(case, &voters, &[]);
            let weighed: Vec<_> = voters.iter().map(|&node| (node, Weight::ONE)).collect();
            let expected = expected(case);
            let by_weight = commit(&Weighted(&weighed), &acked(case));
            case.check_eq("where each weighs 1", by_weight, expected);
        });
    });
    suite.schema("quorum/joint_commit@1", |file| {
        file.ignore(&["kind"]);
        file.cases("cases", |case| {
            check(case, &nodes(case, "incoming"), &nodes(case, "outgoing"));
        });
    });
}

type Acked = BTreeMap<NodeId, Option<u64>>;

pub(crate) fn nodes(field: &Field<'_>, key: &str) -> Vec<NodeId> {
    let ids: Vec<u64> = field.read(key);
    ids.into_iter().map(NodeId).collect()
}

fn acked(case: &Case<'_>) -> Acked {
    let rows: Vec<(u64, Option<u64>)> = case.read("acked");
    rows.into_iter()
        .map(|(node, index)| (NodeId(node), index))
        .collect()
}

/// `None` is "unbounded".
fn expected(case: &Case<'_>) -> Option<u64> {
    let commit = case.at("expect").at("commit");
    match commit.json().as_str() {
        Some("unbounded") => None,
        Some(other) => commit.fail(&format!("is {other}")),
        None => Some(commit.decode()),
    }
}

fn commit(system: &impl QuorumSystem, acked: &Acked) -> Option<u64> {
    system.committed(|node| acked.get(&node).copied().flatten().unwrap_or(0))
}

fn check(case: &Case<'_>, incoming: &[NodeId], outgoing: &[NodeId]) {
    let acked = acked(case);
    let expected = expected(case);
    let (one, other) = (Majority(incoming), Majority(outgoing));
    let both = Joint(one, other);
    case.check_eq("committed", commit(&both, &acked), expected);
    case.check_eq(
        "halves swapped",
        commit(&Joint(other, one), &acked),
        expected,
    );
    let alone = commit(&one, &acked);
    case.check_eq(
        "joint with nobody",
        commit(&Joint(one, Majority(&[])), &acked),
        alone,
    );
    case.check_eq("joint with itself", commit(&Joint(one, one), &acked), alone);

    let mut parts = ConfigurationParts::default();
    (parts.incoming, parts.outgoing) = (incoming.to_vec(), outgoing.to_vec());
    let configuration = Configuration::from_parts(parts).expect("a configuration of voters only");
    let of_configuration = configuration.committed(|node| acked[&node].unwrap_or(0));
    case.check_eq(
        "of a configuration",
        of_configuration,
        expected.unwrap_or(0),
    );

    for (&node, &index) in &acked {
        let with = |index| {
            let mut changed = acked.clone();
            changed.insert(node, index);
            commit(&both, &changed)
        };
        match index {
            None => {
                case.check_eq("no report is 0", with(Some(0)), expected);
                for report in [1, 99, 100, 101, u64::MAX] {
                    case.check("a report lowers nothing", with(Some(report)) >= expected);
                }
            }
            Some(index) if expected.is_some_and(|commit| index > commit) => {
                case.check_eq(
                    "an index above, lowered to the result",
                    with(expected),
                    expected,
                );
            }
            Some(index) if expected.is_some_and(|commit| index < commit) => {
                case.check_eq("an index below, lowered to 0", with(Some(0)), expected);
            }
            Some(_) => {}
        }
    }
}
