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
    there.then_some(folder).ok_or("$PURLIN_VECTORS/quorum/etcd-interaction is not there")
}

#[test]
fn scripts_agree_but_for_the_known_differences() {
    let folder = match folder() {
        Ok(folder) => folder,
        Err(why) => return println!("SKIP {why}"),
    };
    let table = table::parse(include_str!("ETCD_SCRIPTS.md")).unwrap();
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let scripts = files.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".txt"));
    let mut scripts: Vec<_> = scripts.collect();
    scripts.sort();
    assert_eq!(scripts, table.keys().cloned().collect::<Vec<_>>(), "the folder and the table");
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
    let new = found.iter().filter(|difference| !known.contains(difference));
    let gone = known.iter().filter(|difference| !found.contains(difference));
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

campaign 1
----
INFO 1 became candidate at term 1

stabilize
----
ok

campaign 2
----
INFO 2 became candidate at term 2

stabilize
----
ok

raft-state
----
1: StateFollower (Voter) Term:2 Lead:2
2: StateLeader (Voter) Term:2 Lead:2
3: StateFollower (Voter) Term:2 Lead:2

propose 2 hello
----
ok

propose 1 hello
----
raft proposal dropped

process-ready 2
----
HardState Term:2 Vote:2 Commit:7
CommittedEntries:
2/6 EntryNormal ""
2/7 EntryNormal "hello"
INFO 2 switched to configuration voters=(1 2 3)

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
ok

raft-log 3
----
2/6 EntryNormal ""
2/7 EntryNormal "hello"
3/8 EntryNormal ""

raft-state
----
1: StateFollower (Voter) Term:3 Lead:3
2: StateFollower (Voter) Term:3 Lead:3
3: StateLeader (Voter) Term:3 Lead:3
"#;

#[test]
fn a_script_that_is_right_agrees() {
    let report = run::run(SCRIPT, &[]).unwrap();
    assert_eq!(report.differences, []);
    assert_eq!(report.commands, 15);
}

#[test]
fn whatever_is_wrong_in_a_script_is_found() {
    let wrong = [
        ("became candidate at term 1", "became candidate at term 4"),
        ("1: StateFollower (Voter) Term:2 Lead:2", "1: StateFollower (Voter) Term:2 Lead:1"),
        ("raft proposal dropped", "ok"),
        ("propose 2 hello\n----\nok", "propose 2 hello\n----\nraft proposal dropped"),
        ("Commit:7", "Commit:9"),
        ("Vote:2", "Vote:1"),
        ("2/7 EntryNormal \"hello\"\nINFO", "2/7 EntryNormal \"hallo\"\nINFO"),
        ("voters=(1 2 3)\n", "voters=(1 2)\n"),
        ("3: StateReplicate match=7", "3: StateReplicate match=6"),
        ("3/8 EntryNormal \"\"\n", ""),
        ("3/8 EntryNormal \"\"\n", "3/8 EntryNormal \"\"\n3/9 EntryNormal \"\"\n"),
    ];
    for (right, text) in wrong {
        assert_eq!(SCRIPT.matches(right).count(), 1, "{right:?} is there once");
        let report = run::run(&SCRIPT.replace(right, text), &[]).unwrap();
        assert_eq!(report.differences.len(), 1, "{right:?} as {text:?}: {report:#?}");
    }
    let unknown = run::run("\nsend-snapshot 1 2\n----\nok\n", &[]).unwrap_err();
    assert_eq!(unknown, "line 2: the command send-snapshot is not known");
}

#[test]
fn differences_must_be_those_of_the_table() {
    let difference = |line, here: &str| Difference { line, etcd: "x".into(), here: here.into() };
    let (one, other) = (difference(1, "y"), difference(1, "z"));
    assert_eq!(unexpected("s", &[one.clone()], &[one.clone()]), "");
    assert!(unexpected("s", &[one.clone()], &[]).contains("s:1: etcd says `x`, our nodes `y`"));
    assert!(unexpected("s", &[], &[one.clone()]).contains("is not so"));
    assert_eq!(unexpected("s", &[one], &[other]).lines().count(), 2);
}
