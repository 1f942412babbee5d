//! The replicated key-value store as its clients see it, while its leaders are killed.

extern crate alloc;

#[path = "../src/bin/raft_kv/client.rs"]
mod client;
#[path = "../src/bin/raft_kv/cluster.rs"]
mod cluster;

use client::Client;
use cluster::Cluster;
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{AtomicBool, AtomicU64};
use core::time::Duration;
use std::path::Path;
use std::thread;

const KILLS: u64 = 4;
/// Between two kills, so that each leader has taken some.
const WRITES: u64 = 25;
const PAUSE: Duration = Duration::from_millis(300);

/// A writer, a reader and kills at once. A read never sees less than was acknowledged before it
/// began, nor less than an earlier read; and in the end, after all nodes were killed, every
/// acknowledged write is there.
#[test]
fn nothing_acknowledged_is_lost_when_leaders_are_killed() {
    let mut cluster = Cluster::start(env!("CARGO_BIN_EXE_raft_kv")).unwrap();
    let directory = cluster.directory().to_owned();
    let (acknowledged, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut client = Client::new(&directory);
    client.leader().unwrap();

    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| write(&directory, &acknowledged, &done));
        let reader = scope.spawn(|| read(&directory, &acknowledged, &done));
        for _ in 0..KILLS {
            let enough = acknowledged.load(SeqCst) + WRITES;
            thread::sleep(PAUSE);
            while acknowledged.load(SeqCst) < enough && !writer.is_finished() {
                thread::sleep(PAUSE / 50);
            }
            let leader = client.leader().unwrap();
            cluster.kill(leader).unwrap();
            cluster.spawn(leader).unwrap();
        }
        done.store(true, SeqCst);
        assert!(reader.join().unwrap() > 0, "nothing was read");
        writer.join().unwrap()
    });
    assert!(written >= WRITES * KILLS, "{written}");
    assert_eq!(counter(&mut client), written);

    for id in 1..=3 {
        cluster.kill(id).unwrap();
        let snapshot = directory.join(format!("{id}/snapshot"));
        let bytes = snapshot.metadata().unwrap().len();
        assert!(bytes > 1000, "node {id} took no snapshot: {bytes}");
    }
    (1..=3).for_each(|id| cluster.spawn(id).unwrap());
    for number in 1..=written {
        let value = client.ask(&format!("get k{number}")).unwrap();
        assert!(
            value.starts_with(&format!("value {number} ")),
            "k{number}: {value}"
        );
    }
    assert_eq!(client.ask("get k0").unwrap(), "none");
    for nonsense in ["", "set", "set key", "add somebody", "remove", "frobnicate"] {
        let answer = client.ask(nonsense).unwrap();
        assert!(answer.starts_with("error: "), "{nonsense}: {answer}");
    }
}

/// Writes until it is done, and answers how much.
fn write(directory: &Path, acknowledged: &AtomicU64, done: &AtomicBool) -> u64 {
    let mut client = Client::new(directory);
    let padding = "x".repeat(100); // so that snapshots are taken on the way
    for number in 1.. {
        for request in [
            format!("set k{number} {number} {padding}"),
            format!("set counter {number}"),
        ] {
            assert_eq!(client.ask(&request).expect("an answer"), "ok");
        }
        acknowledged.store(number, SeqCst);
        if done.load(SeqCst) {
            return number;
        }
    }
    unreachable!("numbers do not end")
}

/// Reads until it is done, from each node in its turn: followers read as well. Answers how often.
fn read(directory: &Path, acknowledged: &AtomicU64, done: &AtomicBool) -> u64 {
    let mut client = Client::new(directory);
    let (mut latest, mut reads) = (0, 0);
    while !done.load(SeqCst) {
        let before = acknowledged.load(SeqCst).max(latest);
        latest = counter(client.turn_to(1 + reads % 3));
        assert!(
            latest >= before,
            "read {latest} after {before} was acknowledged or read"
        );
        reads += 1;
    }
    reads
}

fn counter(client: &mut Client) -> u64 {
    let answer = client.ask("get counter").expect("an answer");
    match answer.strip_prefix("value ") {
        Some(value) => value.parse().expect("a number"),
        None => 0,
    }
}

#[test]
fn a_wrong_command_line_says_what_is_right() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_raft_kv"))
        .output()
        .unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("node ID DIRECTORY"));
}
