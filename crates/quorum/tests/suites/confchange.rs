//! What `confchange_simple.json` and `confchange_joint.json` mean.

use crate::commit::nodes;
use purlin_core::node::NodeId;
use purlin_quorum::raft::progress::Progress;
use purlin_quorum::raft::{
    Change, ChangeError, Configuration, ConfigurationParts, Index, MembershipChange, Transition,
};
use purlin_vectors::{Case, Field, Suite};
use std::collections::BTreeMap;

pub(crate) fn register(suite: &mut Suite<'_>) {
    for schema in ["quorum/confchange_simple@1", "quorum/confchange_joint@1"] {
        suite.schema(schema, |file| {
            file.ignore(&["kind"]);
            file.cases("cases", replay);
        });
    }
}

fn replay(case: &Case<'_>) {
    let mut configuration = Configuration::default();
    let mut followers: BTreeMap<NodeId, Progress> = BTreeMap::new();
    for (number, step) in case.at("steps").list().iter().enumerate() {
        let last_index: u64 = step.read("last_index");
        case.check_eq("steps before", last_index, number as u64);
        let expect = step.at("expect");
        let changed = change(&configuration, step);
        if let Some(refusal) = expect.get("error") {
            let refusal: String = refusal.decode();
            let got = changed.err().map(kind);
            case.check_eq(&format!("step {number}"), got, Some(refusal.as_str()));
            continue;
        }
        match changed {
            Ok(changed) => configuration = changed,
            Err(error) => {
                case.check(&format!("step {number} goes through: {error}"), false);
                continue;
            }
        }
        check_lists(case, number, &configuration, &expect.at("config"));
        followers.retain(|&node, _| configuration.is_member(node));
        for node in configuration.members() {
            let new = || Progress::new(Index(last_index));
            followers.entry(node).or_insert_with(new);
        }
        check_followers(
            case,
            number,
            &configuration,
            &followers,
            &expect.at("progress"),
        );
    }
}

fn change(from: &Configuration, step: &Field<'_>) -> Result<Configuration, ChangeError> {
    let rows = step.at("changes").list();
    let changes: Vec<Change> = rows.iter().filter_map(one_change).collect();
    match step.read::<String>("op").as_str() {
        "simple" => from.simple(&changes),
        "enter_joint" => from.enter_joint(&changes, step.read("auto_leave")),
        "leave_joint" => {
            let leave = MembershipChange {
                transition: Transition::Leave,
                changes,
            };
            assert_eq!(from.change(&leave), from.leave_joint(), "two ways to leave");
            from.leave_joint()
        }
        other => step.fail(&format!("is {other}")),
    }
}

/// `None` is "update", which etcd has for what a host keeps about a node and we have not.
fn one_change(row: &Field<'_>) -> Option<Change> {
    let (what, node): (String, u64) = row.decode();
    let node = NodeId(node);
    match what.as_str() {
        "voter" => Some(Change::AddVoter(node)),
        "learner" => Some(Change::AddLearner(node)),
        "remove" => Some(Change::Remove(node)),
        "update" => None,
        other => row.fail(&format!("is {other}")),
    }
}

fn kind(error: ChangeError) -> &'static str {
    match error {
        ChangeError::NotJoint => "not_joint",
        ChangeError::AlreadyJoint => "already_joint",
        ChangeError::JointInProgress => "joint_in_progress",
        ChangeError::NoVoters => "no_voters",
        ChangeError::RemovedAllVoters => "removed_all_voters",
        ChangeError::MoreThanOneVoter => "more_than_one_voter_changed",
        _ => "another",
    }
}

fn check_lists(case: &Case<'_>, number: usize, got: &Configuration, expect: &Field<'_>) {
    let lists = [
        ("incoming", got.voters()),
        ("outgoing", got.outgoing()),
        ("learners", got.learners()),
        ("learners_next", got.learners_next()),
    ];
    let mut parts = ConfigurationParts::default();
    for (name, list) in lists {
        case.check_eq(
            &format!("step {number}: {name}"),
            list.to_vec(),
            nodes(expect, name),
        );
    }
    let auto_leave = expect.read("auto_leave");
    case.check_eq(
        &format!("step {number}: auto_leave"),
        got.auto_leave(),
        auto_leave,
    );
    parts.incoming = nodes(expect, "incoming");
    parts.outgoing = nodes(expect, "outgoing");
    parts.learners = nodes(expect, "learners");
    parts.learners_next = nodes(expect, "learners_next");
    parts.auto_leave = auto_leave;
    let put_together = Configuration::from_parts(parts);
    case.check_eq(
        &format!("step {number}: from its lists"),
        put_together.as_ref(),
        Ok(got),
    );
}

/// etcd tracks a voter of the outgoing half as such until it leaves, and a node that stays a member
/// keeps what is known of it.
fn check_followers(
    case: &Case<'_>,
    number: usize,
    configuration: &Configuration,
    followers: &BTreeMap<NodeId, Progress>,
    expect: &Field<'_>,
) {
    let got = followers.iter().map(|(&node, progress)| {
        let learner = !configuration.is_voter(node);
        (node.0, progress.matched().0, progress.next().0, learner)
    });
    let expected = expect.list().into_iter().map(|row| {
        (
            row.read("id"),
            row.read("match"),
            row.read("next"),
            row.read("learner"),
        )
    });
    let (got, expected): (Vec<_>, Vec<_>) = (got.collect(), expected.collect());
    case.check_eq(&format!("step {number}: progress"), got, expected);
}
