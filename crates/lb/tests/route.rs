//! The table of routes.

#[path = "models/routes.rs"]
mod model;

use model::Spec;
use proptest::prelude::*;
use purlin_lb::route::{NoRoute, Route, RouteError, RouteTable};

fn table(routes: &[(Route<'static>, &'static str)]) -> RouteTable<&'static str> {
    let mut table = RouteTable::new();
    for (route, value) in routes {
        table.insert(*route, *value).expect("no conflicts");
    }
    table
}

fn found(table: &RouteTable<&'static str>, host: &str, path: &str) -> Option<&'static str> {
    table.find(host, "GET", path).ok().map(|found| *found.value)
}

fn refused(path: &str) -> RouteError {
    let mut table = table(&[(Route::new("/users/{id}"), "users")]);
    let refused = table.insert(Route::new(path), "refused").expect_err(path);
    assert_eq!((refused.value, table.len()), ("refused", 1));
    refused.error
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_table_is_the_list_of_its_routes(
        specs in prop::collection::vec((
            prop::option::of(prop::sample::select(vec!["a.b", "*.b", "*.A.b", "b"])),
            prop::option::of(prop::sample::select(vec!["GET", "PUT"])),
            "(/(a|b|ab|aa|\\{x\\}|\\{y\\}|\\{\\{a)){1,3}(/|/\\{\\*r\\})?",
        ), 1..10),
        requests in prop::collection::vec((
            prop::sample::select(vec!["a.b", "c.b", "c.a.b", "b", "d"]),
            prop::sample::select(vec!["GET", "PUT", "POST"]),
            "(/(a|b|ab|ba|c|\\{a|)){1,4}",
        ), 1..20),
    ) {
        let specs: Vec<Spec> = specs.into_iter().map(|(host, method, path)| Spec {
            host: host.map(str::to_owned),
            method: method.map(str::to_owned),
            path,
        }).collect();
        let owned = |(host, method, path): (&str, &str, String)| (host.to_owned(), method.to_owned(), path);
        let requests: Vec<_> = requests.into_iter().map(owned).collect();
        model::play(&specs, &requests);
    }

    /// Never a panic, whatever is a pattern, a host, a method.
    #[test]
    fn any_text_is_a_route_or_an_error(texts in prop::collection::vec(("/?[/a{}*.é]{0,9}", ".{0,9}", ".{0,4}"), 1..9)) {
        let mut table = RouteTable::new();
        for (path, host, method) in &texts {
            let _ = table.insert(Route::new(path), ());
            let _ = table.insert(Route::new(path).host(host), ());
            let _ = table.insert(Route::new("/").method(method), ());
        }
        for (path, host, method) in &texts {
            let _ = table.find(host, method, path);
        }
        prop_assert!(table.len() <= 3 * texts.len());
    }
}

#[test]
fn patterns_that_are_none() {
    for path in [
        "", "users", "/{", "/}", "/{}", "/{*}", "/{a", "/a}", "/{a}{b}", "/{a}b", "/a{b}",
        "/{{{a}}}", "/{*a}/b", "/é", "/a b", "/{a}/{a}", "/{a{b}",
    ] {
        let error = refused(path);
        assert!(
            matches!(error, RouteError::InvalidPath { .. }),
            "{path}: {error}"
        );
    }
    let many: String = (0..26).map(|number| format!("/{{p{number}}}")).collect();
    assert!(matches!(refused(&many), RouteError::InvalidPath { .. }));
}

#[test]
fn conflicts_name_the_other_route() {
    let conflict = |path: &str| match refused(path) {
        RouteError::Conflict { route, with } => (route, with),
        other => panic!("{other}"),
    };
    let users = || "/users/{id}".to_owned();
    assert_eq!(conflict("/users/{id}"), (users(), users()));
    assert_eq!(
        conflict("/users/{name}"),
        ("/users/{name}".to_owned(), users())
    );
}

#[test]
fn hosts_and_methods_that_are_none() {
    let mut table = RouteTable::new();
    let long = "a".repeat(254);
    for host in [
        "",
        ".",
        "a..b",
        "*",
        "a.*",
        "*.",
        "a:80",
        "é.com",
        "[::1",
        "*.[::1]",
        "[]",
        "[a b]",
        "[1.2.3.4]",
        &long,
    ] {
        let refused = table.insert(Route::new("/").host(host), 1).expect_err(host);
        assert!(
            matches!(refused.error, RouteError::InvalidHost { .. }),
            "{host}"
        );
    }
    for method in ["", "GET ", "G/T", "é"] {
        let refused = table
            .insert(Route::new("/").method(method), 1)
            .expect_err(method);
        assert!(
            matches!(refused.error, RouteError::InvalidMethod { .. }),
            "{method}"
        );
    }
    assert!(table.is_empty());
}

#[test]
fn the_host_is_chosen_first() {
    let table = table(&[
        (Route::new("/x"), "any"),
        (Route::new("/x").host("example.com"), "exact"),
        (Route::new("/x").host("*.example.com"), "below"),
        (Route::new("/x").host("*.eu.example.com"), "further below"),
        (Route::new("/y").host("API.eu.example.com."), "one of them"),
        (Route::new("/x").host("[::1]"), "address"),
    ]);
    for (host, expected) in [
        ("example.com", Some("exact")),
        ("EXAMPLE.com.:8080", Some("exact")),
        ("a.example.com", Some("below")),
        ("a.b.example.com", Some("below")),
        ("a.eu.example.com", Some("further below")),
        ("api.eu.example.com", None),
        ("badexample.com", Some("any")),
        (".example.com", Some("any")),
        ("", Some("any")),
        ("[::1]:80", Some("address")),
        ("[::2]:80", Some("any")),
    ] {
        assert_eq!(found(&table, host, "/x"), expected, "{host}");
    }
    assert_eq!(found(&table, &"a.".repeat(200), "/x"), Some("any"));
}

#[test]
fn a_method_that_is_not_there_is_told_from_a_path_that_is_not() {
    let mut table = table(&[
        (Route::new("/a").method("GET"), "get"),
        (Route::new("/a").method("PUT"), "put"),
    ]);
    let allowed = match table.find("", "DELETE", "/a") {
        Err(NoRoute::MethodNotAllowed { allowed }) => allowed.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(allowed, "GET, PUT");
    assert_eq!(table.find("", "GET", "/b").err(), Some(NoRoute::NotFound));
    table.insert(Route::new("/a"), "rest").expect("no conflict");
    assert_eq!(
        table
            .find("", "DELETE", "/a")
            .map(|found| *found.value)
            .ok(),
        Some("rest")
    );
    assert_eq!(
        table.find("", "PUT", "/a").map(|found| *found.value).ok(),
        Some("put")
    );
}

#[test]
fn a_lookup_allocates_nothing() {
    let table = table(&[
        (Route::new("/{a}/{b}/{c}").method("GET"), "three"),
        (Route::new("/{a}/{b}").host("*.example.com"), "host"),
    ]);
    let counts = allocation_counter::measure(|| {
        assert_eq!(found(&table, "other", "/1/2/3"), Some("three"));
        assert_eq!(found(&table, "a.b.Example.com:443", "/1/2"), Some("host"));
        assert_eq!(found(&table, "a.b.example.com", "/1"), None);
    });
    assert_eq!(counts.count_total, 0);
}
