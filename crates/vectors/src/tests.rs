//! The runner on small files in a folder of the system's temporary directory.

use super::{Field, Hex, Suite};
use crate::suite::Report;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = format!(
            "purlin-vectors-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = Self(std::env::temp_dir().join(unique));
        std::fs::create_dir_all(&folder.0).unwrap();
        for (name, text) in files {
            std::fs::write(folder.0.join(name), text).unwrap();
        }
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `test` over one file of schema `t/x@1` with this body.
fn run(body: &str, test: impl Fn(&Field<'_>)) -> Report {
    let folder = Folder::new(&[("x.json", &format!(r#"{{"schema": "t/x@1", {body}}}"#))]);
    suite(test).run(&folder.0, None)
}

fn suite<'t>(test: impl Fn(&Field<'_>) + 't) -> Suite<'t> {
    let mut suite = Suite::new("t");
    suite.schema("t/x@1", test);
    suite
}

/// The test most of the files below are meant for.
fn doubles(file: &Field<'_>) {
    file.cases("cases", |case| {
        let twice = case.read::<u64>("n").wrapping_mul(2);
        case.check_eq("twice", twice, case.read("twice"));
    });
}

#[track_caller]
fn assert_fails(report: &Report, expected: &[&str]) {
    let matching = report
        .failures
        .iter()
        .zip(expected)
        .all(|(failure, end)| failure.ends_with(end));
    assert!(
        matching && report.failures.len() == expected.len(),
        "{:#?}",
        report.failures
    );
}

#[test]
fn passing_cases_are_counted() {
    let report = run(
        r#""cases": [{"n": 2, "twice": 4}, {"n": 0, "twice": 0}]"#,
        doubles,
    );
    assert_fails(&report, &[]);
    assert!(
        report.lines[0].ends_with("x.json: 2 passed, 0 differ on purpose, 0 failed"),
        "{:?}",
        report.lines
    );
}

#[test]
fn a_mismatch_names_file_case_and_values_and_the_rest_still_runs() {
    let cases = r#""cases": [{"n": 2, "twice": 5}, {"n": 1, "twice": 2}, {"id": "odd", "n": 3, "twice": 7}]"#;
    let report = run(cases, doubles);
    assert_fails(
        &report,
        &[
            "x.json: `cases[0]`: twice: got 4, expected 5",
            "x.json: `cases[2]` (odd): twice: got 6, expected 7",
        ],
    );
    assert!(report.lines[0].contains("1 passed") && report.lines[0].contains("2 failed"));
}

#[test]
fn bad_fields_end_their_case_only() {
    let bad = [
        (r#"{"n": 1}"#, "field `cases[0].twice` is missing"),
        (
            r#"{"n": 1, "twice": null}"#,
            "field `cases[0].twice` is missing",
        ),
        (r#"{"n": -1, "twice": 2}"#, "field `cases[0].n` is no u64"),
        (r#"{"n": 1.5, "twice": 2}"#, "field `cases[0].n` is no u64"),
        (
            r#"{"n": 18446744073709551616, "twice": 2}"#,
            "field `cases[0].n` is no u64",
        ),
        (r#"{"n": "0x", "twice": 2}"#, "field `cases[0].n` is no u64"),
        (
            r#"{"n": "0x-1", "twice": 2}"#,
            "field `cases[0].n` is no u64",
        ),
        (
            r#"{"n": "one", "twice": 2}"#,
            "field `cases[0].n` is no u64",
        ),
        (r#"{"n": [1], "twice": 2}"#, "field `cases[0].n` is no u64"),
        ("7", "field `cases[0]` is no object"),
    ];
    for (case, failure) in bad {
        let report = run(
            &format!(r#""cases": [{case}, {{"n": 1, "twice": 2}}]"#),
            doubles,
        );
        assert_fails(&report, &[failure]);
        assert!(report.lines[0].contains("1 passed"), "{case}");
    }
}

#[test]
fn a_bad_field_outside_of_cases_ends_the_file() {
    assert_fails(
        &run(r#""note": """#, doubles),
        &[
            "x.json: no case was run",
            "x.json: outside of any case: field `cases` is missing",
        ],
    );
    assert_fails(
        &run(r#""cases": 7"#, doubles),
        &[
            "x.json: no case was run",
            "x.json: outside of any case: field `cases` is no array",
        ],
    );
}

#[test]
fn integers_come_as_numbers_and_as_strings() {
    let report = run(
        r#""cases": [{"n": "9223372036854775807", "twice": "0xfffffffffffffffe"}, {"n": 9223372036854775807, "twice": 18446744073709551614}]"#,
        doubles,
    );
    assert_fails(&report, &[]);
    assert!(report.lines[0].contains("2 passed"));
}

#[test]
fn every_type_decodes() {
    let body = r#""case": {
        "hex": "00fF", "text": "t", "float": 0.1, "whole": 2, "yes": true, "signed": "-5", "pair": [1, false], "three": [1, 2, 3],
        "map": {"a": 1, "b": 2}, "null": null, "options": [null, 4], "empty": [], "none": {}
    }"#;
    let report = run(body, |file| {
        file.case("case", |case| {
            case.check_eq("hex", case.read::<Hex>("hex"), Hex(vec![0, 255]));
            case.check_eq("text", case.read("text"), "t".to_owned());
            case.check_eq(
                "float",
                case.read::<f64>("float").to_bits(),
                0.1_f64.to_bits(),
            );
            case.check_close("whole", case.read("whole"), 2.0, 0.0);
            case.check("yes", case.read("yes"));
            case.check_eq("signed", case.read::<i64>("signed"), -5);
            case.check_eq("pair", case.read::<(u8, bool)>("pair"), (1, false));
            case.check_eq("three", case.read::<[usize; 3]>("three"), [1, 2, 3]);
            let map = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
            case.check_eq("map", case.read::<BTreeMap<String, u32>>("map"), map);
            case.check_eq("null", case.read::<Option<u64>>("null"), None);
            case.check_eq("absent", case.read::<Option<u64>>("absent"), None);
            case.check_eq(
                "options",
                case.read::<Vec<Option<u64>>>("options"),
                vec![None, Some(4)],
            );
            case.check_eq("empty", case.read::<Vec<u64>>("empty"), vec![]);
            case.check("none", case.at("none").entries().is_empty());
        });
    });
    assert_fails(&report, &[]);
}

#[test]
fn wrong_lengths_and_digits_are_refused() {
    type Refused = (&'static str, fn(&Field<'_>), &'static str);
    let refused: [Refused; 5] = [
        (
            "[1, 2]",
            |f| _ = f.read::<[u64; 3]>("v"),
            "field `case.v` has 2 items, not 3",
        ),
        (
            "[1, 2]",
            |f| _ = f.read::<(u64, u64, u64)>("v"),
            "field `case.v` has 2 items, not 3",
        ),
        (
            r#""abc""#,
            |f| _ = f.read::<Hex>("v"),
            "field `case.v` is no string of hexadecimal bytes",
        ),
        (
            r#""0g""#,
            |f| _ = f.read::<Hex>("v"),
            "field `case.v` is no string of hexadecimal bytes",
        ),
        (
            "256",
            |f| assert_eq!(f.read::<u8>("v"), 0),
            "field `case.v` is no u8",
        ),
    ];
    for (value, read, failure) in refused {
        let report = run(&format!(r#""case": {{"v": {value}}}"#), |file| {
            file.case("case", |case| read(case));
        });
        assert_fails(&report, &[failure]);
    }
}

#[test]
fn entries_of_an_object_are_cases_named_by_their_keys() {
    let report = run(r#""lengths": {"four": 4, "three": 5, "five": 6}"#, |file| {
        file.cases("lengths", |case| {
            case.check_eq("length", case.name().len(), case.decode());
        });
    });
    assert_fails(
        &report,
        &["`lengths.five` (five): length: got 4, expected 6"],
    );
    assert!(report.lines[0].contains("2 passed"));
}

#[test]
fn a_panic_is_caught_and_attributed() {
    let report = run(
        r#""cases": [{"name": "first", "extra": 1}, {"name": "second"}]"#,
        |file| {
            file.cases("cases", |case| {
                assert_eq!(case.name(), "second", "not the second");
                case.check("reached", true);
            });
        },
    );
    assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    assert!(
        report.failures[0].contains("x.json: `cases[0]` (first): panicked: ")
            && report.failures[0].contains("not the second")
    );
    assert!(report.lines[0].contains("1 passed"));
}

#[test]
fn a_case_that_checks_nothing_fails() {
    let report = run(r#""cases": [{"n": 1}]"#, |file| {
        file.cases("cases", |case| {
            let _: u64 = case.read("n");
        });
    });
    assert_fails(&report, &["x.json: `cases[0]`: nothing was checked"]);
}

#[test]
fn a_file_without_cases_fails() {
    assert_fails(
        &run(r#""cases": []"#, doubles),
        &["x.json: no case was run"],
    );
    assert_fails(
        &run(r#""cases": []"#, |file| file.ignore(&["cases"])),
        &["x.json: no case was run"],
    );
}

#[test]
fn differing_on_purpose_is_listed_and_must_really_differ() {
    let test = |file: &Field<'_>| {
        file.cases("cases", |case| {
            if case.name() == "peer rounds" {
                case.differs("we do not round");
            }
            case.check_eq("out", case.read::<u64>("out"), 1);
        });
    };
    let report = run(
        r#""cases": [{"name": "peer rounds", "out": 2}, {"out": 1}]"#,
        test,
    );
    assert_fails(&report, &[]);
    assert!(
        report.lines[0].ends_with("1 passed, 1 differ on purpose, 0 failed"),
        "{:?}",
        report.lines
    );
    assert!(
        report.lines[1].ends_with("differs on purpose: `cases[0]` (peer rounds): we do not round")
    );

    let agrees = run(r#""cases": [{"name": "peer rounds", "out": 1}]"#, test);
    assert_fails(
        &agrees,
        &["(peer rounds): declared to differ (we do not round), but every check holds"],
    );
    let broken = run(r#""cases": [{"name": "peer rounds", "out": "?"}]"#, test);
    assert_fails(&broken, &["(peer rounds): field `cases[0].out` is no u64"]);
}

#[test]
fn unread_fields_are_found_at_any_depth() {
    let body = r#""cases": [{"n": 1, "twice": 2, "in": {"deep": [1, {"er": 2}], "source": "prose"}}, {"n": 1, "twice": 2, "new": []}],
        "more": [{"n": 1}], "note": "prose", "limits": {"low": 1, "high": 2}"#;
    let report = run(body, |file| {
        doubles(file);
        let _: u64 = file.at("limits").read("low");
    });
    assert_fails(
        &report,
        &[
            "field `cases[].in` was never read (1x)",
            "field `cases[].new` was never read (1x)",
            "field `limits.high` was never read (1x)",
            "field `more` was never read (1x)",
        ],
    );
}

#[test]
fn what_is_ignored_is_not_missed() {
    let report = run(
        r#""cases": [{"n": 1, "twice": 2, "peer": {"x": 1}}], "limits": [1]"#,
        |file| {
            doubles(file);
            file.ignore(&["limits", "absent"]);
            file.cases("cases", |case| {
                case.ignore(&["peer"]);
                case.check("again", true);
            });
        },
    );
    assert_fails(&report, &[]);
}

#[test]
fn closeness_is_absolute_and_refuses_nan() {
    let report = run(
        r#""cases": [[1.0, 1.1, 0.2], [1.0, 1.3, 0.2], [1e308, 1.0, 0.5]]"#,
        |file| {
            file.cases("cases", |case| {
                let (actual, expected, tolerance): (f64, f64, f64) = case.decode();
                case.check_close("x", actual, expected, tolerance);
            });
        },
    );
    assert_fails(
        &report,
        &[
            "x: got 1.0, expected 1.3 +- 0.2",
            "x: got 1e308, expected 1.0 +- 0.5",
        ],
    );
    let report = run(r#""case": {}"#, |file| {
        file.case("case", |case| {
            case.check_close("nan", f64::NAN, 0.0, f64::INFINITY);
            case.check_close("infinite", f64::INFINITY, f64::INFINITY, 0.0);
            assert!(case.entries().is_empty());
        });
    });
    assert_fails(&report, &["nan: got NaN, expected 0.0 +- inf"]);
}

#[test]
fn own_files_must_all_be_understood() {
    let folder = Folder::new(&[
        ("a_unknown.json", r#"{"schema": "t/y@1", "cases": []}"#),
        ("b_nameless.json", r#"{"cases": []}"#),
        ("c_broken.json", "{"),
        ("d_text.txt", ""),
        ("README.md", ""),
    ]);
    let report = suite(doubles).run(&folder.0, None);
    assert_fails(
        &report,
        &[
            "d_text.txt: no vector file",
            "a_unknown.json: schema `t/y@1` is not known; nothing of it was run",
            "b_nameless.json: names no schema; nothing of it was run",
            "c_broken.json: no JSON: EOF while parsing an object at line 1 column 1",
            &format!("schema `t/x@1`: no file of it in {}", folder.0.display()),
        ],
    );
    let nowhere = suite(doubles).run(&folder.0.join("absent"), None);
    assert_eq!(nowhere.failures.len(), 2, "{:?}", nowhere.failures);
}

#[test]
fn brought_files_are_run_and_the_unknown_in_them_reported() {
    let own = Folder::new(&[(
        "x.json",
        r#"{"schema": "t/x@1", "cases": [{"n": 1, "twice": 2}]}"#,
    )]);
    let brought = Folder::new(&[
        (
            "extra.json",
            r#"{"schema": "t/x@1", "cases": [{"n": 4, "twice": 8, "colour": "red"}]}"#,
        ),
        ("unknown.json", r#"{"schema": "t/y@1"}"#),
    ]);
    let report = suite(doubles).run(&own.0, Some(&brought.0));
    assert_fails(&report, &[]);
    let said = report.lines.join("\n");
    assert!(said.contains("extra.json: 1 passed"), "{said}");
    assert!(
        said.contains("extra.json: field `cases[].colour` was never read (1x)"),
        "{said}"
    );
    assert!(
        said.contains("unknown.json: schema `t/y@1` is not known"),
        "{said}"
    );

    let wrong = Folder::new(&[
        (
            "a.json",
            r#"{"schema": "t/x@1", "cases": [{"n": 4, "twice": 9}]}"#,
        ),
        ("b.json", r#"{"schema": "t/x@1", "cases": []}"#),
        ("c.json", "?"),
    ]);
    let report = suite(doubles).run(&own.0, Some(&wrong.0));
    assert_fails(
        &report,
        &[
            "twice: got 8, expected 9",
            "b.json: no case was run",
            "no JSON: expected value at line 1 column 1",
        ],
    );

    let absent = own.0.join("absent");
    let report = suite(doubles).run(&own.0, Some(&absent));
    assert_fails(&report, &[]);
    assert!(report.lines.join("\n").contains("absent: no such folder"));
}

#[test]
#[should_panic(expected = "is not of the form `t/name@version`")]
fn a_schema_of_another_area_is_refused() {
    Suite::new("t").schema("tt/x@1", doubles);
}

#[test]
#[should_panic(expected = "was given before")]
fn a_schema_is_given_once() {
    suite(doubles).schema("t/x@1", doubles);
}

#[test]
fn the_summary_stays_readable() {
    let cases = vec![r#"{"n": 1, "twice": 1}"#; 150].join(",");
    let report = run(&format!(r#""cases": [{cases}]"#), doubles);
    let summary = report.summary();
    assert!(summary.starts_with("150 failures in the test vectors:\n"));
    assert!(summary.ends_with("\n  ... and 50 more"));
    assert_eq!(summary.lines().count(), 102);
}
