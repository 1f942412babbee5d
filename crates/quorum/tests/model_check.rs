//! Every state that the production code can reach in small scopes.

#[path = "model_check/model.rs"]
mod model;

use model::{Budget, Scope, explore};

#[test]
fn two_nodes() {
    let scope = Scope::new("two nodes", 2)
        .mail(3)
        .limit(Budget::Proposals, 1)
        .limit(Budget::Crashes, 1)
        .slow_disk();
    let report = explore(scope.clone());
    println!("{}: {}\n{report}", scope.name, scope.describe());
    assert_eq!(report.violation, None);
}
