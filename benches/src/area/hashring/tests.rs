use std::path::PathBuf;

use clap::Command;

use super::*;
use crate::table::{Cell, Table};
use crate::versus::Measure;

fn only(variant: &str, sizes: &[u64]) -> Settings {
    Settings {
        variants: vec![variant.to_owned()],
        sizes: sizes.to_vec(),
        ..Settings::default()
    }
}

/// The number in a row of a table, by the head of its column (the first of that name).
fn number(table: &Table, row: usize, column: &str) -> f64 {
    let column = table.columns().iter().position(|head| head == column);
    match &table.rows()[row][column.expect("a column of that name")] {
        Cell::Number { value, .. } => *value,
        other => panic!("{other:?} is no number"),
    }
}

fn table<'a>(report: &'a Report, title: &str) -> &'a Table {
    let mut tables = report.tables();
    tables
        .find(|table| table.title() == title)
        .expect("it is shown")
}

#[test]
fn a_variant_shows_its_own_rows_at_the_sizes_asked_for() {
    let report = HashRing
        .tour(&only("rendezvous", &[5, 20]))
        .expect("few nodes");
    let names = |title| {
        let rows = table(&report, title).rows().iter();
        rows.map(|row| (row[0].to_string(), row[1].to_string()))
            .collect::<Vec<_>>()
    };
    let row = |name: &str, nodes: &str| (name.to_owned(), nodes.to_owned());
    let ours = [row("rendezvous", "5"), row("rendezvous", "20")];
    assert_eq!(names("Moved keys"), ours);
    assert_eq!(names("Memory"), ours);
    assert_eq!(names("Balance")[..2], ours);
    assert!(
        names("Balance")[2..]
            .iter()
            .all(|(name, _)| name.starts_with("chance"))
    );
    let lookups = table(&report, "Finding the owner of a key");
    assert_eq!(lookups.columns(), ["variant", "5 nodes", "20 nodes"]);
    assert!(number(lookups, 0, "5 nodes") > 0.0);
}

#[test]
fn rendezvous_is_as_even_as_chance_and_moves_what_it_must() {
    let report = HashRing
        .tour(&only("rendezvous", &[50]))
        .expect("few nodes");
    let balance = table(&report, "Balance");
    for row in [0, 1] {
        // The second row is chance itself: the yardstick's own check.
        assert!(number(balance, row, "surprise").abs() < 4.0, "{balance}");
    }
    let moved = table(&report, "Moved keys");
    assert!(
        (number(moved, 0, "moved by a new node") - 1.0).abs() < 0.2,
        "{moved}"
    );
    assert_eq!(moved.rows()[0][3], Cell::number(0.0, "of ideal"));
    assert_eq!(moved.rows()[0][5], Cell::number(0.0, "of ideal"));
}

#[test]
fn too_few_and_too_many_nodes_are_refused() {
    for size in [NODES.start() - 1, NODES.end() + 1] {
        let error = HashRing
            .run(&only("rendezvous", &[size]))
            .expect_err("refused");
        assert!(
            error.to_string().contains(&format!("{size} nodes")),
            "{error}"
        );
    }
}

/// The settings of `lab hashring --keys FILE`.
fn with_keys(path: &str) -> Settings {
    let command = HashRing.arguments(Command::new("hashring"));
    let arguments = command.get_matches_from(["hashring", "--keys", path]);
    Settings {
        arguments,
        ..only("rendezvous", &[2])
    }
}

struct File(PathBuf);

impl File {
    fn new(name: &str, contents: &str) -> Self {
        let path = std::env::temp_dir().join(format!("purlin-{}-{name}", std::process::id()));
        std::fs::write(&path, contents).expect("a temporary file");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("the file is ours");
    }
}

#[test]
fn the_users_keys_are_placed_instead_of_made_ones() {
    use purlin_core::hash::{KeyHasher as _, Xxh3};

    let file = File::new("good.txt", "user:42\nuser:43\r\nuser:42\n");
    let keys = Keys::of(&with_keys(&file.0.to_string_lossy()), 10).expect("good keys");
    let hash = |key: &str| Xxh3::new().hash_bytes(key.as_bytes());
    assert_eq!(
        keys.hashes,
        [hash("user:42"), hash("user:43"), hash("user:42")]
    );
    assert!(
        keys.described.starts_with("the 3 keys of "),
        "{}",
        keys.described
    );
}

#[test]
fn a_bad_file_of_keys_is_an_error_with_its_line() {
    for (name, contents, expected) in [
        ("hole.txt", "a\n\nb\n", "line 2: an empty key"),
        ("none.txt", "", "no keys"),
    ] {
        let file = File::new(name, contents);
        let error = HashRing
            .run(&with_keys(&file.0.to_string_lossy()))
            .expect_err("bad");
        let message = error.to_string();
        assert!(
            message.contains(name) && message.contains(expected),
            "{message}"
        );
    }
    let error = HashRing
        .run(&with_keys("/no/such/file"))
        .expect_err("not there");
    assert!(error.to_string().contains("/no/such/file"), "{error}");
}

/// Rows of ten thousand nodes and of half a gigabyte are left to an optimised run.
#[test]
fn the_small_timed_rows_set_up_and_every_contender_runs() {
    let mut ran = 0;
    for row in rows::ROWS.iter().filter(|row| row.id.ends_with("-10")) {
        let Measure::Timed(setup) = row.measure else {
            continue;
        };
        let mut contest = setup(&Settings::default()).expect("ten nodes");
        for contender in contest.contenders_mut() {
            contender.run(100);
        }
        ran += 1;
    }
    assert_eq!(
        ran, 6,
        "tables, their rivals, rings, buckets, and halves twice"
    );
}
