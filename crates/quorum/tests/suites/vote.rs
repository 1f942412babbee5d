//! What `majority_vote.json` and `joint_vote.json` mean, and what must hold around each case.

use crate::commit::nodes;
use purlin_core::node::{NodeId, Weight};
use purlin_quorum::quorum::{Joint, Majority, QuorumSystem, VoteResult, Votes, Weighted};
use purlin_quorum::raft::{Configuration, ConfigurationParts};
use purlin_vectors::{Case, Suite};
use std::collections::BTreeMap;

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("quorum/majority_vote@1", |file| {
        file.ignore(&["kind"]);
        file.cases("cases", |case| {
            let voters = nodes(case, "config");
            check(case, &voters, &[]);
            let weighed: Vec<_> = voters.iter().map(|&node| (node, Weight::ONE)).collect();
            let by_weight = result(&Weighted(&weighed), &answers(case));
            case.check_eq("where each weighs 1", by_weight, expected(case));
        });
    });
    suite.schema("quorum/joint_vote@1", |file| {
        file.ignore(&["kind"]);
        file.cases("cases", |case| {
            check(case, &nodes(case, "incoming"), &nodes(case, "outgoing"));
        });
    });
}

type Answers = BTreeMap<NodeId, Option<bool>>;

fn answers(case: &Case<'_>) -> Answers {
    let rows = case.at("votes").list().into_iter().map(|row| {
        let (node, vote): (u64, Option<String>) = row.decode();
        let vote = vote.map(|vote| match vote.as_str() {
            "yes" => true,
            "no" => false,
            other => row.fail(&format!("is {other}")),
        });
        (NodeId(node), vote)
    });
    rows.collect()
}

fn expected(case: &Case<'_>) -> VoteResult {
    let result = case.at("expect").at("result");
    match result.decode::<String>().as_str() {
        "won" => VoteResult::Won,
        "lost" => VoteResult::Lost,
        "pending" => VoteResult::Pending,
        other => result.fail(&format!("is {other}")),
    }
}

fn result(system: &impl QuorumSystem, answers: &Answers) -> VoteResult {
    system.vote_result(|node| answers.get(&node).copied().flatten())
}

fn check(case: &Case<'_>, incoming: &[NodeId], outgoing: &[NodeId]) {
    let answers = answers(case);
    let expected = expected(case);
    let (one, other) = (Majority(incoming), Majority(outgoing));
    let both = Joint(one, other);
    case.check_eq("result", result(&both, &answers), expected);
    case.check_eq(
        "halves swapped",
        result(&Joint(other, one), &answers),
        expected,
    );
    let alone = result(&one, &answers);
    case.check_eq(
        "joint with nobody",
        result(&Joint(one, Majority(&[])), &answers),
        alone,
    );
    case.check_eq(
        "joint with itself",
        result(&Joint(one, one), &answers),
        alone,
    );

    let mut votes = Votes::new();
    for (&node, &vote) in answers.iter().rev() {
        if let Some(vote) = vote {
            case.check("a first answer counts", votes.record(node, vote));
            case.check("a second one does not", !votes.record(node, !vote));
        }
    }
    let mut parts = ConfigurationParts::default();
    (parts.incoming, parts.outgoing) = (incoming.to_vec(), outgoing.to_vec());
    let configuration = Configuration::from_parts(parts).expect("a configuration of voters only");
    // That nobody at all elects a leader is for the arithmetic to say, not for a group.
    let of_group = if incoming.is_empty() {
        VoteResult::Pending
    } else {
        expected
    };
    case.check_eq("of a configuration", votes.result(&configuration), of_group);

    let open = answers.iter().filter(|(_, vote)| vote.is_none());
    for (&node, _) in open {
        for vote in [true, false] {
            let mut changed = answers.clone();
            changed.insert(node, Some(vote));
            let settled = result(&both, &changed);
            let same = expected == VoteResult::Pending || settled == expected;
            case.check("another answer changes nothing that is settled", same);
        }
    }
}
