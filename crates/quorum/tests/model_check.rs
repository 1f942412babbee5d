//! Every state that the production code can reach in small scopes. The larger scopes are searched
//! by the example `model_check`, which shares the code.

extern crate alloc;

#[path = "model_check/model.rs"]
mod model;

use alloc::collections::BTreeSet;
use model::{explore, scopes};
use purlin_quorum::raft::mutants::Mutant;

/// Those that take a second or two.
const SMALL: [&str; 12] = [
    "pair-crash",
    "pair-beat",
    "pair-terms",
    "elect",
    "elect-repeat",
    "check-quorum",
    "read",
    "grow-crash",
    "shrink-grow",
    "replace-all",
    "swap",
    "snapshot",
];

#[test]
fn nothing_goes_wrong_in_small_scopes() {
    let mut kinds = BTreeSet::new();
    let small = scopes()
        .into_iter()
        .filter(|scope| SMALL.contains(&scope.name));
    let mut searched = 0;
    for scope in small {
        let name = scope.name;
        println!("{name}: {}", scope.describe());
        let report = explore(scope);
        println!("    {report}");
        assert_eq!(report.violation, None, "{name}");
        kinds.extend(report.kinds);
        searched += 1;
    }
    assert_eq!(searched, SMALL.len(), "a scope is not there");
    let expected = [
        "Append",
        "Appended",
        "Commit",
        "Heartbeat",
        "HeartbeatAck",
        "PreVote",
        "ReadIndex",
        "Rejected",
        "RequestPreVote",
        "RequestReadIndex",
        "RequestVote",
        "Snapshot",
        "SnapshotAck",
        "TimeoutNow",
        "Vote",
    ];
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(kinds, expected, "all but a full log can be seen");
}

/// A search that finds nothing proves nothing, unless it finds what is there.
#[test]
fn deliberate_bugs_are_found() {
    for (mutant, name) in [
        (Mutant::VoteTwice, "elect"),
        (Mutant::VoteForAnyLog, "replicate"),
        (Mutant::ForgetVote, "elect"),
        (Mutant::AckBeforeSync, "pair-crash"),
        (Mutant::CountUnsynced, "pair-crash"),
        (Mutant::AppendWithoutCheck, "replicate"),
        (Mutant::CommitByHeartbeat, "replicate"),
        (Mutant::TruncateOnStale, "replicate"),
        (Mutant::ReadBeforeStart, "read"),
        (Mutant::ReadByEarlierRound, "read-late"),
        (Mutant::TwoChanges, "shrink-grow"),
        (Mutant::CommitWithoutOutgoing, "replace"),
        (Mutant::OutgoingElectsNobody, "replace"),
    ] {
        let scope = scopes().into_iter().find(|scope| scope.name == name);
        let report = explore(scope.expect("a scope").with(mutant));
        println!("{mutant:?} in {name}: {report}");
        assert!(
            report.violation.is_some(),
            "{mutant:?} is not found in {name}"
        );
    }
}
