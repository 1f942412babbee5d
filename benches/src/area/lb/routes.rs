//! Where a path leads to.

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_lb::route::{Route, RouteTable};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::Contest;

/// What an API of a hundred kinds of things has, each with a list, an item, its history, and files
/// of any depth.
const KINDS: u32 = 100;

fn patterns() -> impl Iterator<Item = String> {
    (0..KINDS).flat_map(|kind| {
        [
            "",
            "/{id}",
            "/{id}/history/{version}",
            "/{id}/files/{*path}",
        ]
        .map(|rest| format!("/api/v{}/kind{kind}{rest}", kind % 3))
    })
}

/// Paths that lead to any of them.
fn requests(settings: &Settings) -> Vec<String> {
    let mut random = SplitMix64::new(settings.seed);
    let patterns: Vec<String> = patterns().collect();
    let mut request = || {
        let at = random.below(patterns.len() as u64);
        let id = random.below(100_000).to_string();
        let pattern = &patterns[usize::try_from(at).unwrap_or(0)];
        let path = pattern.replace("{id}", &id).replace("{version}", "12");
        path.replace("{*path}", "2026/report.pdf")
    };
    (0..4096).map(|_| request()).collect()
}

/// Both answer the route and have its parameters at hand.
pub(super) fn paths(settings: &Settings) -> Result<Contest, LabError> {
    let mut table = RouteTable::new();
    for (number, path) in patterns().enumerate() {
        let added = table.insert(Route::new(&path), number);
        added.map_err(|refused| LabError::Usage(refused.to_string()))?;
    }
    let contest = Contest::over(requests(settings)).ours("RouteTable", move |path| {
        let found = table.find("api.example.com", "GET", path).ok()?;
        Some((*found.value, found.params.iter().count()))
    });
    #[cfg(feature = "rivals")]
    let contest = {
        let mut router = matchit::Router::new();
        for (number, path) in patterns().enumerate() {
            let added = router.insert(path, number);
            added.map_err(|refused| LabError::Usage(refused.to_string()))?;
        }
        contest.rival("matchit", move |path| {
            let found = router.at(path).ok()?;
            Some((*found.value, found.params.iter().count()))
        })
    };
    Ok(contest.build())
}
