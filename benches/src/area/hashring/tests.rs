use alloc::collections::BTreeSet;
use std::path::PathBuf;

use clap::Command;

use super::*;
use crate::table::{Cell, Table};
use crate::versus::{Bar, Measure};

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
        let message = error.to_string();
        assert!(
            message.contains(&format!("{size} nodes")) && message.contains("from 2 to 20,000"),
            "{message}"
        );
    }
}

#[test]
fn every_variant_shows_at_the_smallest_and_the_largest_size() {
    let keys = Keys::of(&Settings::default(), 1_000).expect("made");
    for variant in VARIANTS {
        let sizes = [*NODES.start(), *NODES.end()];
        let settings = Settings::default();
        let (balance, _) = balance::table(&[variant], &sizes, &keys, &settings).expect("balance");
        let (moved, _) = movement::table(&[variant], &sizes, &keys, &settings).expect("movement");
        assert!(number(&balance, 0, "fullest") >= 1.0, "{balance}");
        assert!(number(&moved, 1, "moved by a new node") >= 0.0, "{moved}");
    }
}

#[test]
fn variants_are_those_of_the_registry() {
    let registered = purlin_hashring::registry::VARIANTS.iter();
    let registered: Vec<String> = registered
        .map(|variant| variant.name.replace('_', "-"))
        .collect();
    assert_eq!(NAMES.as_slice(), registered);
}

/// A row is read alone, by `--only` and in a list of missed bars.
#[test]
fn rows_and_bars_describe_themselves() {
    let bars = Bar::all().expect("bars.toml is valid");
    let bars = bars.iter().filter(|bar| bar.area == HashRing.name());
    for texts in [
        rows::ROWS.iter().map(|row| row.what).collect::<Vec<_>>(),
        bars.map(|bar| bar.what.as_str()).collect(),
    ] {
        let pointing = |text: &&str| text.contains("the same") || text.contains("such ");
        assert_eq!(texts.iter().copied().find(pointing), None);
        let distinct: BTreeSet<_> = texts.iter().collect();
        assert_eq!(distinct.len(), texts.len(), "two of one text");
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
fn with_the_users_keys_only_what_they_change_is_shown() {
    let file = File::new("few.txt", "user:42\nuser:43\n");
    let report = HashRing
        .run(&with_keys(&file.0.to_string_lossy()))
        .expect("good keys");
    let titles: Vec<_> = report.tables().map(Table::title).collect();
    assert_eq!(titles, ["Balance", "Moved keys"]);
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
    let folder = std::env::temp_dir();
    let error = HashRing
        .run(&with_keys(&folder.to_string_lossy()))
        .expect_err("a folder");
    assert_eq!(
        error.to_string(),
        format!("{}: is a directory", folder.display())
    );
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
