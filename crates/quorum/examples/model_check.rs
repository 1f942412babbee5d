//! Searches small scopes through, for all that the production code can do in them.
//!
//! `cargo run --release -p purlin-quorum --example model_check [SCOPE...]`

#[path = "../tests/model_check/model.rs"]
mod model;

use model::{explore, scopes};
use purlin_core::time::{Clock as _, SystemClock};
use std::process::ExitCode;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let clock = SystemClock::new();
    let mut failed = false;
    for scope in scopes() {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == scope.name) {
            continue;
        }
        println!("{}: {}", scope.name, scope.describe());
        let start = clock.now();
        let report = explore(scope);
        let time = clock.now().saturating_duration_since(start);
        println!("    {report}, {time:.1?}");
        failed |= report.violation.is_some();
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
