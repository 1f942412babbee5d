//! The program `lab` as a user meets it: what it prints where, what it writes, how it exits.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn lab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the lab speaks UTF-8")
}

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn file(&self, name: &str, contents: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, contents).expect("a temporary file");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("the folder is ours");
    }
}

#[test]
fn usage_errors_exit_with_2_and_print_nothing_on_standard_output() {
    let cases: [&[&str]; 18] = [
        &["nothing"],
        &["core", "--variant", "nothing"],
        &["core", "--size", "0"],
        &["core", "--size", "99999999"],
        &["sim", "--size", "99999999"],
        &["hashring", "--size", "1"],
        &["lb", "--size", "201"],
        &["lb", "--scenario", "nothing"],
        &["quorum", "--scenario", "nothing"],
        &["quorum", "--nodes", "2"],
        &["quorum", "--from", "7"],
        &["versus"],
        &["versus", "core", "--trace", "t.u64"],
        &["versus", "cache", "--trace", "t.u64"],
        &["cache", "--size", "0"],
        &["cache", "--variant", "mru"],
        &["cache", "--requests", "5"],
        &["cache", "--trace", "not/there.u64"],
    ];
    for arguments in cases {
        let output = lab(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_lists_the_areas() {
    let output = lab(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for expected in ["core", "versus", "trace", "Exit status"] {
        assert!(help.contains(expected), "{expected} is missing in {help}");
    }
}

#[test]
fn the_sizes_that_are_possible_are_in_the_help_and_in_the_error() {
    let help = text(&lab(&["hashring", "--help"]).stdout);
    assert!(help.contains("from 2 to 20,000"), "{help}");
    let error = text(&lab(&["hashring", "--size", "0"]).stderr);
    assert!(error.contains("2..=20000"), "{error}");
}

#[test]
fn service_times_of_the_user_are_read_or_refused_with_their_line() {
    let folder = Folder::new("latencies");
    let run = |contents: &str| {
        let file = folder.file("times.txt", contents.as_bytes());
        let out = folder.0.join("pages");
        let arguments = [
            "lb",
            "--latencies",
            &file,
            "--scenario",
            "b-75",
            "--variant",
            "random",
        ];
        let rest = [
            "--size",
            "2",
            "--json",
            "--quiet",
            "--out",
            &out.to_string_lossy(),
        ];
        lab(&[&arguments[..], &rest[..]].concat())
    };
    let output = run("20ms\n20\n");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let row = &json["tables"][0]["rows"][0];
    let p50 = row[4]["value"].as_f64().expect("a number");
    assert!(
        (20.5..40.0).contains(&p50),
        "20 ms of work, both ways, and a wait: {row}"
    );
    for (contents, reason) in [
        ("20\n\n", "line 2: \"\" is no time"),
        ("1\n2\nfast\n", "line 3: \"fast\" is no time"),
        ("", "no times"),
        ("0\n0\n", "the mean is 0ns"),
    ] {
        let output = run(contents);
        assert_eq!(output.status.code(), Some(2), "{contents}");
        let error = text(&output.stderr);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn the_page_is_named_by_its_whole_path() {
    let folder = Folder::new("whole-path");
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["core", "--variant", "xxh3", "--size", "8", "--out", "pages"])
        .current_dir(&folder.0)
        .output()
        .expect("the program starts");
    let message = text(&output.stderr);
    let page = message.lines().find_map(|line| line.strip_prefix("page: "));
    let page = Path::new(page.expect("it is named"));
    assert!(page.is_absolute() && page.is_file(), "{message}");
    assert!(page.ends_with("whole-path/pages/core.html"), "{message}");
}

#[test]
fn json_is_all_that_is_printed_and_the_page_is_written_whole() {
    let folder = Folder::new("json");
    let out = folder.0.join("pages");
    let output = lab(&[
        "core",
        "--variant",
        "xxh3",
        "--size",
        "8",
        "--json",
        "--quiet",
        "--out",
        &out.to_string_lossy(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(json["area"], "core");
    let cost = &json["tables"][0]["rows"][0][1];
    assert!(
        cost["value"].as_f64().is_some_and(|cost| cost > 0.0) && cost["unit"] == "ns",
        "{cost}"
    );

    let files: Vec<_> = std::fs::read_dir(&out)
        .expect("written")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(files, ["core.html"]);
    let page = std::fs::read_to_string(out.join("core.html")).expect("readable");
    assert!(page.ends_with("</html>\n"), "the whole page");
}

#[test]
fn a_page_that_cannot_be_written_is_an_error_that_names_it() {
    let folder = Folder::new("blocked");
    let blocker = folder.file("blocker", b"");
    let output = lab(&[
        "core",
        "--variant",
        "xxh3",
        "--size",
        "8",
        "--out",
        &blocker,
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("blocker"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn caches_are_tried_on_a_trace_of_the_user() {
    let folder = Folder::new("cache-trace");
    let path = folder.file("requests", b"a\nb\nc\na\nb\nc\na\n");
    let out = folder.0.join("pages");
    let run = |rest: &[&str]| {
        let arguments = ["cache", "--trace", &path, "--format", "keys", "--json"];
        let out = ["--quiet", "--out", &out.to_string_lossy()];
        lab(&[&arguments[..], &out, rest].concat())
    };
    let output = run(&["--size", "2,3", "--variant", "lru"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    // A loop over three keys: with room for two, LRU never hits, and whoever knows the future twice.
    let ratios = &json["tables"][1]["rows"];
    let hits = |row: usize, column: usize| ratios[row][column]["value"].as_f64();
    assert_eq!((hits(0, 1), hits(0, 2)), (Some(0.0), Some(57.14)));
    assert_eq!(
        (ratios[1][0].as_str(), hits(1, 2)),
        (Some("opt"), Some(57.14))
    );
    assert!(hits(1, 1).is_some_and(|opt| opt > 0.0 && opt < 57.14));
    for (at, title) in [(3, "Throughput"), (4, "Memory of an entry")] {
        let table = &json["tables"][at];
        assert_eq!(table["title"].as_str(), Some(title));
        assert_eq!(table["rows"][0][0].as_str(), Some("lru"));
        let figure = table["rows"][0][1]["value"].as_f64();
        assert!(figure.is_some_and(|figure| figure > 0.0), "{title}");
    }
    assert!(out.join("cache.html").is_file());

    let cut = run(&["--requests", "3"]);
    let json: serde_json::Value = serde_json::from_slice(&cut.stdout).expect("JSON");
    assert_eq!(json["tables"][0]["rows"][0][1]["value"].as_f64(), Some(3.0));
}

#[test]
fn a_trace_is_summed_up() {
    let folder = Folder::new("trace");
    let path = folder.file("t.keys", b"a\nb\na\nc\n");
    let output = lab(&["trace", &path, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let values: Vec<_> = (0..3)
        .map(|column| json["rows"][0][column]["value"].as_f64())
        .collect();
    assert_eq!(
        values,
        [Some(4.0), Some(3.0), Some(2.0)],
        "requests, distinct, once"
    );
}

#[test]
fn a_bad_trace_is_an_error_with_its_line() {
    let folder = Folder::new("bad-trace");
    let path = folder.file("t.lis", b"1 2 0 1\n1 two 0 2\n");
    let output = lab(&["trace", &path]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(
        message.contains("t.lis: line 2: ") && message.contains("two"),
        "{message}"
    );
    assert!(output.stdout.is_empty());
}

#[cfg(not(feature = "rivals"))]
#[test]
fn versus_without_rivals_says_in_one_line_how_to_get_them() {
    let output = lab(&["versus", "core"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("--features rivals"), "{message}");
}

#[cfg(feature = "rivals")]
#[test]
fn versus_measures_one_row_and_judges_it() {
    let output = lab(&[
        "versus",
        "core",
        "--only",
        "core/xxh3-16",
        "--json",
        "--quiet",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(json["area"], "core");
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(1));
    let row = &json["rows"][0];
    assert_eq!(
        (&row["id"], &row["rival"]),
        (&"xxh3-16".into(), &"xxhash-rust xxh3_64".into())
    );
    let (low, high) = (row["spread"][0].as_f64(), row["spread"][1].as_f64());
    assert!(
        low <= row["ratio"].as_f64() && row["ratio"].as_f64() <= high,
        "{row}"
    );
    let met = high.zip(row["bar"].as_f64()).map(|(high, bar)| high <= bar);
    assert_eq!(row["met"].as_bool(), met);
    assert_eq!(
        lab(&["versus", "core", "--only", "nothing"]).status.code(),
        Some(2)
    );
}

#[cfg(feature = "rivals")]
#[test]
fn versus_judges_an_absolute_bar_by_our_own_value() {
    let output = lab(&["versus", "sim", "--only", "steps", "--json", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    let row = &json["rows"][0];
    assert!(
        row["ratio"].is_null() && row["against"] == "absolute",
        "{row}"
    );
    let (low, high) = (row["spread"][0].as_f64(), row["spread"][1].as_f64());
    assert!(
        low <= row["value"].as_f64() && row["value"].as_f64() <= high,
        "{row}"
    );
    let met = low.zip(row["bar"].as_f64()).map(|(low, bar)| low >= bar);
    assert_eq!(row["met"].as_bool(), met);
}
