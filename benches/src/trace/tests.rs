use proptest::prelude::*;

use super::*;

fn read(name: &str, bytes: &[u8]) -> Result<Vec<(u64, Option<u64>)>, TraceError> {
    read_with(name, bytes, &TraceOptions::default())
}

fn read_with(
    name: &str,
    bytes: &[u8],
    options: &TraceOptions,
) -> Result<Vec<(u64, Option<u64>)>, TraceError> {
    let reader = io::Cursor::new(bytes.to_vec());
    Trace::from_reader(name, reader, options)?
        .map(|request| request.map(|request| (request.key, request.size)))
        .collect()
}

fn keys(name: &str, bytes: &[u8]) -> Vec<u64> {
    read(name, bytes)
        .expect("a good trace")
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

fn error(name: &str, bytes: &[u8]) -> String {
    read(name, bytes).expect_err("a bad trace").to_string()
}

fn column(text: &str) -> TraceOptions {
    TraceOptions {
        key_column: text.parse().expect("never fails"),
        ..TraceOptions::default()
    }
}

#[test]
fn plain_keys() {
    assert_eq!(keys("t.keys", b"b\na\r\nb\n\xff\n"), [0, 1, 0, 2]);
    assert_eq!(keys("t.txt", b"no end of line"), [0]);
    assert_eq!(error("t.keys", b"a\n\nb\n"), "t.keys: line 2: an empty key");
}

#[test]
fn u64_ids() {
    let bytes = [7_u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat();
    assert_eq!(keys("t.u64", &bytes), [7, u64::MAX]);
    assert_eq!(
        error("t.u64", &bytes[..13]),
        "t.u64: record 2 (byte 8): the file ends after 5 of 8 bytes"
    );
}

#[test]
fn oracle_general() {
    let record = |time: u32, id: u64, size: u32, next: i64| {
        [
            &time.to_le_bytes()[..],
            &id.to_le_bytes(),
            &size.to_le_bytes(),
            &next.to_le_bytes(),
        ]
        .concat()
    };
    let bytes = [
        record(1, 0x0102_0304_0506_0708, 4096, 5),
        record(2, 9, u32::MAX, -1),
    ]
    .concat();
    let requests = read("w.oracleGeneral.bin", &bytes).expect("two whole records");
    assert_eq!(
        requests,
        [
            (0x0102_0304_0506_0708, Some(4096)),
            (9, Some(u32::MAX.into()))
        ]
    );
    let message = error("w.oracleGeneral", &bytes[..47]);
    assert_eq!(
        message,
        "w.oracleGeneral: record 2 (byte 24): the file ends after 23 of 24 bytes"
    );
}

#[test]
fn arc_runs_are_expanded() {
    assert_eq!(
        keys("t.lis", b"100 3 0 1\n5 1 0 2\n  9\t2 0 3\r\n1 0 0 4\n"),
        [100, 101, 102, 5, 9, 10]
    );
    let bad = [
        (
            "1 2 3\n",
            "t.lis: line 1: 3 fields, but the request number is wanted",
        ),
        (
            "\n",
            "t.lis: line 1: 0 fields, but the first block is wanted",
        ),
        (
            "1 1 0 1\n1 -2 0 2\n",
            r#"t.lis: line 2: the number of blocks is "-2", not a whole number"#,
        ),
        (
            "1 x 0 1\n",
            r#"t.lis: line 1: the number of blocks is "x", not a whole number"#,
        ),
        (
            "18446744073709551615 2 0 1\n",
            "t.lis: line 1: 2 blocks from 18446744073709551615 on go beyond the largest block number",
        ),
    ];
    for (text, message) in bad {
        assert_eq!(error("t.lis", text.as_bytes()), message);
    }
}

#[test]
fn csv_columns_by_number_and_name() {
    assert_eq!(
        keys("t.csv", b"a,1\nb,2\na,3\n"),
        [0, 1, 0],
        "the first column without a header"
    );
    let named = |name: &str, bytes: &[u8], column_name: &str| {
        let requests = read_with(name, bytes, &column(column_name));
        requests.map(|requests| requests.into_iter().map(|(key, _)| key).collect::<Vec<_>>())
    };
    let csv = b"time,key\n1,\"x, \"\"y\"\"\"\n2,z\n3,\"x, \"\"y\"\"\"\n4,\"x, y\"\n";
    assert_eq!(
        named("t.csv", csv, "key").expect("a good file"),
        [0, 1, 0, 2]
    );
    assert_eq!(
        named("t.tsv", b"1\ta\n2\tb,c\n", "2").expect("a good file"),
        [0, 1]
    );
    let message = |bytes: &[u8], column| {
        named("t.csv", bytes, column)
            .expect_err("a bad file")
            .to_string()
    };
    assert_eq!(
        message(csv, "id"),
        r#"t.csv: line 1: no column is called "id"; there are time, key"#
    );
    assert_eq!(
        message(b"a,b\nc\n", "2"),
        "t.csv: line 2: 1 columns, but the key is in column 2"
    );
    assert_eq!(message(b"a,b\n\nc,\n", "2"), "t.csv: line 3: an empty key");
}

#[test]
fn a_quote_that_is_not_closed_is_stopped_at_the_end_of_its_line() {
    assert_eq!(
        error("t.csv", b"a,b\n\"c\nd\n"),
        "t.csv: line 2: a quote is not closed on its line"
    );
    let endless = [b"a,b\n\"".to_vec(), vec![b'x'; 3 * LINE_MAX]].concat();
    assert_eq!(
        error("t.csv", &endless),
        format!("t.csv: line 2: longer than {LINE_MAX} bytes")
    );
}

#[test]
fn access_logs() {
    let log = b"h - - [t] \"GET /a HTTP/1.1\" 200 10 \"-\" \"ua\"\nh - - [t] \"-\" 400 0\nh - - [t] \"GET /b HTTP/1.1\" 200 -\n";
    let mut trace =
        Trace::from_reader("access.log", &log[..], &TraceOptions::default()).expect("a known name");
    let requests: Vec<_> = trace
        .by_ref()
        .map(|request| request.expect("good lines"))
        .collect();
    assert_eq!(
        requests,
        [
            Request {
                key: 0,
                size: Some(10)
            },
            Request { key: 1, size: None }
        ]
    );
    assert_eq!(trace.skipped(), 1);
    let message = error(
        "access.log",
        b"h - - [t] \"GET /a HTTP/1.1\" 200 10\nnonsense\n",
    );
    assert_eq!(
        message,
        "access.log: line 2: not an access log entry: no [time] followed by a quoted request"
    );
}

#[test]
fn the_format_can_be_said_and_must_be_when_it_cannot_be_guessed() {
    let options = TraceOptions {
        format: Some(Format::Arc),
        ..TraceOptions::default()
    };
    assert_eq!(
        read_with("t.unknown", b"3 1 0 1\n", &options)
            .expect("said")
            .len(),
        1
    );
    assert_eq!(
        error("t.unknown", b""),
        "t.unknown: the format cannot be guessed from the name; say it with --format"
    );
}

#[test]
fn an_empty_file_is_an_empty_trace() {
    for name in [
        "t.keys",
        "t.u64",
        "t.oracleGeneral",
        "t.lis",
        "t.csv",
        "t.log",
    ] {
        assert_eq!(read(name, b"").expect("no error"), [], "{name}");
    }
}

#[test]
fn nothing_comes_after_an_error() {
    let mut trace = Trace::from_reader("t.keys", &b"a\n\nb\n"[..], &TraceOptions::default())
        .expect("a known name");
    assert!(trace.next().is_some_and(|request| request.is_ok()));
    assert!(trace.next().is_some_and(|request| request.is_err()));
    assert!(trace.next().is_none());
}

#[test]
fn files_are_decompressed_by_name() {
    let directory = std::env::temp_dir().join(format!("purlin-trace-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary folder");
    let path = directory.join("t.u64.zst");
    let ids = [3_u64, 1, 4, 1, 5].map(u64::to_le_bytes).concat();
    let compressed = zstd::encode_all(&ids[..], 3).expect("zstd encodes");
    std::fs::write(&path, &compressed).expect("a temporary file");
    let whole = Trace::open(&path, &TraceOptions::default()).expect("opens");
    assert_eq!(
        whole
            .map(|request| request.map(|request| request.key).ok())
            .collect::<Vec<_>>(),
        [3, 1, 4, 1, 5].map(Some)
    );

    std::fs::write(&path, &compressed[..compressed.len() - 6]).expect("a temporary file");
    let cut = Trace::open(&path, &TraceOptions::default()).expect("opens");
    assert!(
        cut.last().is_some_and(|request| request.is_err()),
        "a cut file is an error, not a short trace"
    );
    std::fs::remove_dir_all(&directory).expect("the folder is ours");

    let missing = Trace::open(&path, &TraceOptions::default()).expect_err("gone");
    assert!(
        missing.to_string().starts_with(&path.display().to_string()),
        "{missing}"
    );
}

/// Numbers words in the order they are first seen, by a naive search.
fn first_seen(words: &[String]) -> Vec<u64> {
    let mut seen: Vec<&String> = Vec::new();
    let number = |word| {
        let known = seen.iter().position(|known| *known == word);
        known.unwrap_or_else(|| {
            seen.push(word);
            seen.len() - 1
        }) as u64
    };
    words.iter().map(number).collect()
}

proptest! {
    /// Whatever the bytes: requests, then perhaps one error; never a panic.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), line in "[0-9 \"\\[\\],\\\\\nGET/.-]{0,200}") {
        for name in ["t.keys", "t.u64", "t.oracleGeneral", "t.lis", "t.csv", "t.tsv", "t.log"] {
            for input in [&bytes[..], line.as_bytes()] {
                for options in [column("1"), column("key")] {
                    let reader = io::Cursor::new(input.to_vec());
                    let Ok(trace) = Trace::from_reader(name, reader, &options) else { continue };
                    // A run of blocks may be as long as it likes; a thousand requests are enough here.
                    let errors = trace.take(1000).filter(Result::is_err).count();
                    prop_assert!(errors <= 1);
                }
            }
        }
    }

    /// What was written comes back.
    #[test]
    fn ids_come_back(ids in prop::collection::vec(any::<u64>(), 0..50)) {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        prop_assert_eq!(keys("t.u64", &bytes), ids);
    }

    /// A field comes back whatever it holds, quoted as RFC 4180 says; its neighbours do not matter.
    #[test]
    fn quoted_fields_come_back(rows in prop::collection::vec(("[a-b\",\r ]{1,4}", "[a,\" ]{0,3}"), 1..20)) {
        let quoted = |field: &str| format!("\"{}\"", field.replace('"', "\"\""));
        let csv: String = rows.iter().map(|(key, other)| format!("{},{}\n", quoted(other), quoted(key))).collect();
        let keys: Vec<u64> = read_with("t.csv", csv.as_bytes(), &column("2"))
            .map(|requests| requests.into_iter().map(|(key, _)| key).collect())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(keys, first_seen(&rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>()));
    }

    /// Lines are numbered in the order their text is first seen, as a naive search numbers them.
    #[test]
    fn words_get_dense_ids(words in prop::collection::vec("[a-c]{1,2}", 0..50)) {
        let text: String = words.iter().map(|word| format!("{word}\n")).collect();
        prop_assert_eq!(keys("t.keys", text.as_bytes()), first_seen(&words));
    }
}
