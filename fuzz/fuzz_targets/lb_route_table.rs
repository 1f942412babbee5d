//! A table of routes against a list that is gone through.
#![no_main]

#[path = "../../crates/lb/tests/models/routes.rs"]
mod model;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

const HOSTS: [&str; 6] = ["a.b", "*.b", "*.A.b", "b", "c.b", "d.a.b"];
const METHODS: [&str; 4] = ["GET", "PUT", "POST", "QUERY"];
const SEGMENTS: [&str; 8] = ["a", "b", "ab", "abc", "{x}", "{y}", "{{a", ""];

#[derive(Arbitrary, Debug)]
struct Input {
    routes: Vec<(Option<u8>, Option<u8>, Path)>,
    requests: Vec<(u8, u8, Path)>,
}

/// Of segments that often agree, or any text.
#[derive(Arbitrary, Debug)]
enum Path {
    Segments(Vec<u8>, Option<bool>),
    Text(String),
}

impl Path {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Segments(segments, end) => {
                let all = segments.iter().take(6);
                let path: String = all.map(|one| format!("/{}", of(&SEGMENTS, *one))).collect();
                let end = end.map_or("", |rest| if rest { "/{*rest}" } else { "/" });
                path + end
            }
        }
    }
}

fn of<'s>(all: &[&'s str], one: u8) -> &'s str {
    all[usize::from(one) % all.len()]
}

fuzz_target!(|input: Input| {
    let specs: Vec<model::Spec> = (input.routes.into_iter().take(24))
        .map(|(host, method, path)| model::Spec {
            host: host.map(|host| of(&HOSTS, host).to_owned()),
            method: method.map(|method| of(&METHODS, method).to_owned()),
            path: path.text(),
        })
        .collect();
    let requests: Vec<_> = (input.requests.into_iter().take(24))
        .map(|(host, method, path)| {
            let host = of(&HOSTS, host).trim_start_matches("*.").to_owned();
            (host, of(&METHODS, method).to_owned(), path.text())
        })
        .collect();
    model::play(&specs, &requests);
});
