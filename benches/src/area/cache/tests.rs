use std::path::PathBuf;

use super::*;
use crate::table::Table;
use crate::trace::TraceOptions;

/// A file of this test's own, removed at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str, contents: &[u8]) -> Self {
        let name = format!("purlin-cache-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, contents).expect("a temporary file");
        Self(path)
    }

    fn settings(&self, sizes: &[u64]) -> Settings {
        Settings {
            trace: Some((self.0.clone(), TraceOptions::default())),
            sizes: sizes.to_vec(),
            ..Settings::default()
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("the file is ours");
    }
}

fn table<'a>(report: &'a Report, title: &str) -> &'a Table {
    let mut tables = report.tables();
    tables
        .find(|table| table.title() == title)
        .expect("it is shown")
}

fn row<'a>(table: &'a Table, name: &str) -> &'a [Cell] {
    let mut rows = table.rows().iter();
    rows.find(|row| row[0] == Cell::text(name)).expect("a row")
}

/// The reference string of many lectures, with the page faults of FIFO, LRU and OPT that textbooks give (Silberschatz,
/// Galvin, Gagne: Operating System Concepts, on page replacement).
#[test]
fn a_published_trace_gives_the_published_hits_in_every_format() {
    const PAGES: [u64; 20] = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
    let lines = |line: fn(&u64) -> String| -> Vec<u8> {
        PAGES
            .iter()
            .flat_map(|page| line(page).into_bytes())
            .collect()
    };
    let words = PAGES
        .iter()
        .flat_map(|page| page.to_le_bytes())
        .collect::<Vec<_>>();
    let oracle = |page: &u64| {
        let mut record = vec![0; 4];
        record.extend(page.to_le_bytes());
        record.extend([1, 0, 0, 0]);
        record.extend((-1_i64).to_le_bytes());
        record
    };
    let compressed = zstd::encode_all(&words[..], 1).expect("in memory");
    let files = [
        File::new("a.keys", &lines(|page| format!("page {page}\n"))),
        File::new("a.u64", &words),
        File::new("a.u64.zst", &compressed),
        File::new(
            "a.oracleGeneral",
            &PAGES.iter().flat_map(oracle).collect::<Vec<_>>(),
        ),
        File::new("a.lis", &lines(|page| format!("{page} 1 0 0\n"))),
        File::new("a.csv", &lines(|page| format!("{page},x\n"))),
        File::new(
            "a.log",
            &lines(|page| {
                format!(
                    "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /{page} HTTP/1.0\" 200 1\n"
                )
            }),
        ),
    ];
    for file in &files {
        let report = Cache.run(&file.settings(&[3])).expect("readable");
        let ratios = table(&report, "Hit ratio");
        // 20 requests; 15 faults of FIFO and 12 of LRU. Belady's MIN has 9; one who may refuse a newcomer, no more.
        assert_eq!(
            row(ratios, "fifo")[1],
            Cell::number(25.0, "%"),
            "{:?}",
            file.0
        );
        assert_eq!(
            row(ratios, "lru")[1],
            Cell::number(40.0, "%"),
            "{:?}",
            file.0
        );
        let Cell::Number { value: opt, .. } = row(ratios, "opt")[1] else {
            panic!("a number");
        };
        assert!(opt >= 55.0, "{opt}");
        let advice = table(&report, "Which policy").rows();
        assert_eq!((advice.len(), &advice[0][0]), (1, &Cell::count(3)));
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let cases: [(&str, &[u8], &str); 5] = [
        (
            "b.u64",
            &[0; 12],
            "record 2 (byte 8): the file ends after 4 of 8 bytes",
        ),
        ("b.keys", b"a\n\n", "line 2: an empty key"),
        ("b.keys", b"", "no requests"),
        ("b.u64.zst", b"no frame at all", "b.u64.zst"),
        ("b.oracleGeneral", &[0; 25], "record 2 (byte 24)"),
    ];
    for (name, contents, message) in cases {
        let file = File::new(name, contents);
        let error = Cache.run(&file.settings(&[3])).expect_err("unreadable");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn a_variant_shows_its_own_rows() {
    let settings = Settings {
        variants: vec!["sieve".to_owned()],
        sizes: vec![1_000],
        ..Settings::default()
    };
    let report = Cache.tour(&settings).expect("valid");
    let names = |title: &str| {
        let rows = table(&report, title).rows().iter();
        rows.map(|row| row[0].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("Hit ratio, mean over the sizes"), ["sieve", "opt"]);
    assert_eq!(names("Throughput"), ["sieve"]);
    assert_eq!(names("Memory of an entry"), ["sieve"]);
}

#[test]
fn too_small_and_too_large_caches_are_refused() {
    for size in [0, SIZES.end() + 1] {
        let settings = Settings {
            sizes: vec![size],
            ..Settings::default()
        };
        let error = Cache.run(&settings).expect_err("out of range").to_string();
        assert!(error.contains("from 1 to 10,000,000"), "{error}");
    }
}
