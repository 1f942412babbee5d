//! The replicated key-value store as its clients see it, while its leaders are killed.

extern crate alloc;

#[path = "../src/bin/raft_kv/client.rs"]
mod client;
#[path = "../src/bin/raft_kv/cluster.rs"]
mod cluster;

use client::Client;
use cluster::Cluster;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::thread;

const KILLS: usize = 4;
/// Between two kills, so that each leader has taken some.
const WRITES: u64 = 25;
const PAUSE: Duration = Duration::from_millis(300);

/// Writers, readers and kills at once. Every acknowledged write is there in the end; a read never
/// sees less than was acknowledged before it began, nor less than an earlier read; and the logs were
/// cut on the way.
#[test]
fn nothing_acknowledged_is_lost_when_leaders_are_killed() {
    let mut cluster = Cluster::start(env!("CARGO_BIN_EXE_raft_kv")).unwrap();
    let directory = cluster.directory().to_owned();
    let (acknowledged, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut client = Client::new(&directory);
    client.leader().unwrap();

    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut client = Client::new(&directory);
            let mut number = 0;
            while !done.load(Ordering::Relaxed) {
                number += 1;
                // Padded, so that snapshots are taken on the way.
                let padding = "x".repeat(100);
                for request in [
                    format!("set k{number} {number} {padding}"),
                    format!("set counter {number}"),
                ] {
                    assert_eq!(client.ask(&request).expect("an answer"), "ok");
                }
                acknowledged.store(number, Ordering::SeqCst);
            }
            number
        });
        let reader = scope.spawn(|| {
            let (mut latest, mut reads) = (0, 0_u64);
            while !done.load(Ordering::Relaxed) {
                // Each node in its turn: followers read as well.
                let mut client = Client::new(&directory);
                let before = acknowledged.load(Ordering::SeqCst).max(latest);
                latest = counter(client.turn_to(1 + reads % 3));
                assert!(
                    latest >= before,
                    "read {latest} after {before} was acknowledged or read"
                );
                reads += 1;
            }
            reads
        });
        for _ in 0..KILLS {
            let enough = acknowledged.load(Ordering::SeqCst) + WRITES;
            thread::sleep(PAUSE);
            while acknowledged.load(Ordering::SeqCst) < enough && !writer.is_finished() {
                thread::sleep(PAUSE / 50);
            }
            let leader = client.leader().unwrap();
            cluster.kill(leader).unwrap();
            cluster.spawn(leader).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
        writer.join().unwrap()
    });

    assert!(written >= WRITES * KILLS as u64);
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
