//! Every state that the production code can reach in small scopes. The larger scopes are searched
//! by the example `model_check`, which shares the code.

#[path = "model_check/model.rs"]
mod model;

use model::{Scope, explore, scopes};
use purlin_quorum::raft::mutants::Mutant;

fn scope(name: &str) -> Scope {
    let mut all = scopes().into_iter();
    all.find(|scope| scope.name == name).expect("a scope")
}

#[test]
fn nothing_goes_wrong_in_small_scopes() {
    for name in [
        "pair-crash",
        "pair-beat",
        "pair-terms",
        "pre-vote",
        "reads",
        "grow",
        "swap",
        "snapshot",
    ] {
        let scope = scope(name);
        println!("{name}: {}", scope.describe());
        let report = explore(scope);
        println!("    {report}");
        assert_eq!(report.violation, None, "{name}");
        assert!(report.states > 1000, "{name} shows nothing");
    }
}

/// A search that finds nothing proves nothing, unless it finds what is there.
#[test]
fn deliberate_bugs_are_found() {
    for (mutant, name) in [
        (Mutant::VoteTwice, "elect"),
        (Mutant::VoteForAnyLog, "replicate"),
        (Mutant::ForgetVote, "elect"),
        (Mutant::AckBeforeSync, "pair-crash"),
        (Mutant::AppendWithoutCheck, "replicate"),
        (Mutant::CommitEarlierTerm, "old-terms"),
        (Mutant::ReadWithoutRound, "reads"),
        (Mutant::ConfigurationAtCommit, "grow"),
        (Mutant::LeaveJointEarly, "swap"),
    ] {
        let report = explore(scope(name).with(mutant));
        println!("{mutant:?} in {name}: {report}");
        assert!(
            report.violation.is_some(),
            "{mutant:?} is not found in {name}"
        );
    }
}
