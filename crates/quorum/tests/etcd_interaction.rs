//! etcd's interaction scripts: what its Raft does and what its nodes look like then, asked of ours.
//!
//! They are read from `$PURLIN_VECTORS/quorum/etcd-interaction` and are not part of this project.
//! `ETCD_SCRIPTS.md` says what is compared, and where and why our nodes differ.

#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

#[path = "interaction/cluster.rs"]
mod cluster;
#[path = "interaction/commands.rs"]
mod commands;
#[path = "interaction/disk.rs"]
mod disk;
#[path = "interaction/facts.rs"]
mod facts;
#[path = "interaction/node.rs"]
mod node;
#[path = "interaction/render.rs"]
mod render;
#[path = "interaction/run.rs"]
mod run;
#[path = "interaction/script.rs"]
mod script;
#[path = "interaction/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use table::Difference;

fn folder() -> Result<PathBuf, &'static str> {
    let vectors = std::env::var_os("PURLIN_VECTORS").ok_or("PURLIN_VECTORS is not set")?;
    let folder = Path::new(&vectors).join("quorum/etcd-interaction");
    let there = folder.is_dir();
    there
        .then_some(folder)
        .ok_or("$PURLIN_VECTORS/quorum/etcd-interaction is not there")
}

#[test]
fn scripts_agree_but_for_the_known_differences() {
    let folder = match folder() {
        Ok(folder) => folder,
        Err(why) => return println!("SKIP {why}"),
    };
    let table = table::parse(include_str!("ETCD_SCRIPTS.md")).unwrap();
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let scripts = files
        .map(|name| name.into_string().unwrap())
        .filter(|name| name.ends_with(".txt"));
    let mut scripts: Vec<_> = scripts.collect();
    scripts.sort();
    assert_eq!(
        scripts,
        table.keys().cloned().collect::<Vec<_>>(),
        "the folder and the table"
    );
    let mut wrong = String::new();
    for (name, known) in &table {
        let script = fs::read_to_string(folder.join(name)).unwrap();
        match run::run(&script, known) {
            Err(error) => wrong += &format!("{name}: {error}\n"),
            Ok(report) => {
                println!(
                    "{name:<44} {:>3} commands, {:>3} compared, {:>2} differ",
                    report.commands,
                    report.compared,
                    report.differences.len()
                );
                let mut known = known.clone();
                known.sort();
                wrong += &unexpected(name, &report.differences, &known);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Differences that the table does not have, and those that it has in vain.
fn unexpected(name: &str, found: &[Difference], known: &[Difference]) -> String {
    let new = found
        .iter()
        .filter(|difference| !known.contains(difference));
    let gone = known
        .iter()
        .filter(|difference| !found.contains(difference));
    let new = new.map(|Difference { line, etcd, here }| {
        format!("{name}:{line}: etcd says `{etcd}`, our nodes `{here}`\n")
    });
    let gone = gone.map(|Difference { line, etcd, here }| {
        format!("{name}:{line}: that etcd says `{etcd}` and our nodes `{here}` is not so\n")
    });
    new.chain(gone).collect()
}

/// A script of our own, in which each kind of thing that is compared is right once and wrong once.
const SCRIPT: &str = r#"
add-nodes 3 voters=(1,2,3) index=5
----
ok

campaign 2
----
INFO 2 became candidate at term 1

stabilize
----
> 2 handling Ready
  Lead:2 State:StateLeader
  HardState Term:1 Vote:2

raft-state
----
1: StateFollower (Voter) Term:1 Lead:2
2: StateLeader (Voter) Term:1 Lead:2
3: StateFollower (Voter) Term:1 Lead:2

propose 2 hello
----
ok

propose 1 hello
----
raft proposal dropped

stabilize
----
ok

status 2
----
1: StateReplicate match=7 next=8
2: StateReplicate match=7 next=8
3: StateReplicate match=7 next=8

report-unreachable 2 3
----
ok

transfer-leadership from=2 to=3
----
ok

stabilize
----
> 1 handling Ready
  HardState Term:2 Vote:3 Commit:8
  CommittedEntries:
  1/7 EntryNormal "hello"
  2/8 EntryNormal ""
  INFO 1 switched to configuration voters=(1 2 3)

raft-log 3
----
1/6 EntryNormal ""
1/7 EntryNormal "hello"
2/8 EntryNormal ""

tick-election 2
----
INFO 2 became candidate at term 3
"#;

#[test]
fn a_script_that_is_right_agrees() {
    let report = run::run(SCRIPT, &[]).unwrap();
    assert_eq!(report.differences, []);
    assert_eq!(report.commands, 13);
}

#[test]
fn whatever_is_wrong_in_a_script_is_found() {
    let wrong = [
        ("became candidate at term 1", "became candidate at term 4"),
        ("State:StateLeader", "State:StateFollower"),
        (
            "1: StateFollower (Voter) Term:1 Lead:2",
            "1: StateFollower (Voter) Term:1 Lead:1",
        ),
        ("raft proposal dropped", "ok"),
        (
            "propose 2 hello\n----\nok",
            "propose 2 hello\n----\nraft proposal dropped",
        ),
        ("3: StateReplicate match=7", "3: StateReplicate match=6"),
        ("Commit:8", "Commit:9"),
        ("Vote:3", "Vote:1"),
        ("  1/7 EntryNormal \"hello\"", "  1/7 EntryNormal \"hallo\""),
        ("voters=(1 2 3)\n", "voters=(1 2)\n"),
        ("\n2/8 EntryNormal \"\"\n", "\n"),
        (
            "\n2/8 EntryNormal \"\"\n",
            "\n2/8 EntryNormal \"\"\n3/9 EntryNormal \"\"\n",
        ),
        ("tick-election 2", "tick-heartbeat 2"),
    ];
    for (right, text) in wrong {
        assert_eq!(SCRIPT.matches(right).count(), 1, "{right:?} is there once");
        let report = run::run(&SCRIPT.replace(right, text), &[]).unwrap();
        assert!(
            !report.differences.is_empty(),
            "{right:?} as {text:?}: {report:#?}"
        );
    }
    let unknown = run::run("\nsend-snapshot 1 2\n----\nok\n", &[]).unwrap_err();
    assert_eq!(unknown, "line 2: the command send-snapshot is not known");
}

#[test]
fn differences_must_be_those_of_the_table() {
    let difference = |line, here: &str| Difference {
        line,
        etcd: "x".into(),
        here: here.into(),
    };
    let (one, other) = ([difference(1, "y")], [difference(1, "z")]);
    assert_eq!(unexpected("s", &one, &one), "");
    assert!(unexpected("s", &one, &[]).contains("s:1: etcd says `x`, our nodes `y`"));
    assert!(unexpected("s", &[], &one).contains("is not so"));
    assert_eq!(unexpected("s", &one, &other).lines().count(), 2);
}
