//! Searches small scopes through, for all that the production code can do in them.
//!
//! `cargo run --release -p purlin-quorum --example model_check [SCOPE...] [BUG]`: the scopes of these
//! names, or all; every node may be given a deliberate bug, to see how it is found.

#![expect(clippy::print_stdout, reason = "it is there to print")]

extern crate alloc;

#[path = "../tests/model_check/model.rs"]
mod model;

use model::{explore, scopes};
use purlin_core::time::{Clock as _, SystemClock};
use purlin_quorum::raft::mutants::Mutant;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut wanted, mut bug) = (Vec::new(), None);
    for name in std::env::args().skip(1) {
        let mut bugs = Mutant::ALL.iter().map(|&(mutant, _)| mutant);
        if let Some(scope) = scopes().into_iter().find(|scope| scope.name == name) {
            wanted.push(scope);
        } else if let Some(mutant) = bugs.find(|mutant| format!("{mutant:?}") == name) {
            bug = Some(mutant);
        } else {
            eprintln!("{name} is neither a scope nor a deliberate bug");
            return ExitCode::from(2);
        }
    }
    if wanted.is_empty() {
        wanted = scopes();
    }
    let clock = SystemClock::new();
    let (start, mut states, mut failed) = (clock.now(), 0, false);
    for scope in wanted {
        println!("{}: {}", scope.name, scope.describe());
        let began = clock.now();
        let report = explore(match bug {
            Some(bug) => scope.with(bug),
            None => scope,
        });
        let time = clock.now().saturating_duration_since(began);
        println!("    {report}, {time:.1?}");
        states += report.states;
        failed |= report.violation.is_some();
    }
    let time = clock.now().saturating_duration_since(start);
    println!("{states} states in {time:.1?}");
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
