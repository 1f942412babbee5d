//! The timeline, which is for people: what it shows, and what it leaves out.

use crate::recorder::{Do, Script, What, at, byte, ms, takes, tell};
use purlin_core::node::NodeId;
use purlin_sim::{Fault, FileWrite, Latency, Probability, Schedule, StorageModel, World};

const NODE: NodeId = NodeId(1);

/// What the trace says of a node, line by line without times.
fn lines(world: &World<Script>, node: u64) -> Vec<String> {
    let name = format!("n{node}");
    let text = world.trace().to_string();
    let words = text.lines().map(|line| line.split_whitespace().skip(1));
    let own = words.filter_map(|mut words| {
        (words.next() == Some(&*name)).then(|| words.collect::<Vec<_>>().join(" "))
    });
    own.collect()
}

fn storage(sync: Probability, lie: Probability) -> StorageModel {
    StorageModel {
        write_latency: Latency::Constant(ms(1)),
        sync_latency: Latency::Constant(ms(2)),
        sync_failure: sync,
        sync_lie: lie,
        lost: Probability::ALWAYS,
        ..StorageModel::perfect()
    }
}

#[test]
fn timers_are_not_shown_but_what_they_lead_to_is() {
    let script = Script::new(|seen| match seen.what {
        What::Start { .. } => vec![Do::At(at(10)), Do::At(at(20))],
        What::Timeout if seen.at >= at(20) => vec![Do::Send(0, 77)],
        _ => Vec::new(),
    });
    let mut world = script.world(2, 1).links(takes(1)).trace(100).build();
    world.run_until(at(50));
    assert_eq!(world.stats().steps, 4 + 2, "timers did fire");
    assert_eq!(
        lines(&world, 1),
        ["starts", "-> n0 77 (arrives 0.021000000s)"]
    );
    assert!(!world.trace().to_string().to_lowercase().contains("timer"));
}

#[test]
fn writes_and_syncs_are_shown_when_they_are_asked_for_and_when_they_are_done() {
    let (never, always) = (Probability::NEVER, Probability::ALWAYS);
    for (failure, lie, result) in [
        (never, never, "Done"),
        (always, never, "Failed"),
        (never, always, "Lied"),
    ] {
        let script = Script::idle();
        let builder = script.world(2, 1).storage(storage(failure, lie));
        let mut world = builder.trace(100).build();
        tell(&mut world, 1, &[Do::Write(5, byte(3, 9)), Do::Sync(6)]);
        world.run_until(at(50));
        let seen = lines(&world, 1);
        let write = FileWrite::Bytes {
            file: 3,
            offset: 0,
            bytes: vec![9],
        };
        let expected = [
            format!("writes 5 {write:?}"),
            "syncs 6".to_owned(),
            "write 5 accepted".to_owned(),
            format!("sync 6: {result}"),
        ];
        assert_eq!(seen[seen.len() - 4..], expected);
    }
}

/// The first three of these writes are synced, the others are not.
fn crash_line(seed: u64, storage: StorageModel) -> (String, usize) {
    let script = Script::idle();
    let faults = Schedule::new().with(at(100), ms(50), Fault::Crash(NODE));
    let builder = script.world(2, seed).storage(storage).faults(faults);
    let mut world = builder.trace(1_000).build();
    let write = |file| Do::Write(file, byte(file, 1));
    let mut told: Vec<Do> = (0..3).map(write).collect();
    told.push(Do::Sync(1));
    told.extend((3..13).map(write));
    tell(&mut world, 1, &told);
    world.run_until(at(120));
    let crashes = lines(&world, 1)
        .into_iter()
        .filter(|line| line.starts_with("crashes"));
    let [line] = &crashes.collect::<Vec<_>>()[..] else {
        panic!("one crash: {}", world.trace());
    };
    let files = world.store(NODE).expect("it exists");
    let left = (3..13).filter(|file| files.read(*file) == [1]).count();
    assert_eq!(files.list().filter(|file| *file < 3).count(), 3);
    (line.clone(), left)
}

#[test]
fn a_crash_says_what_became_of_the_writes_that_were_not_durable() {
    let base = storage(Probability::NEVER, Probability::NEVER);
    let lose = |lost, torn| StorageModel { lost, torn, ..base };
    let (never, always) = (Probability::NEVER, Probability::ALWAYS);
    let told = |lost, torn| crash_line(1, lose(lost, torn)).0;
    assert_eq!(
        told(always, never),
        "crashes; of 10 writes not durable 10 lost, 0 torn, 0 kept"
    );
    assert_eq!(
        told(never, always),
        "crashes; of 10 writes not durable 0 lost, 10 torn, 0 kept"
    );
    assert_eq!(told(never, never), "crashes; every write was durable");
    for seed in 0..50 {
        let half = Probability::percent(50);
        let (line, left) = crash_line(seed, lose(half, half));
        let words: Vec<usize> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [10, lost, torn, kept] = words[..] else {
            panic!("four numbers: {line}");
        };
        // A torn write of one byte leaves none.
        assert_eq!((lost + torn + kept, kept), (10, left), "{line}");
    }
}

#[test]
fn faults_clients_and_lost_messages_are_shown() {
    let script = Script::idle();
    let faults = Schedule::new()
        .with(at(10), ms(30), Fault::Wipe(NODE))
        .with(at(20), ms(30), Fault::Loss(Probability::ALWAYS));
    let mut world = script
        .world(2, 1)
        .links(takes(1))
        .faults(faults)
        .trace(100)
        .build();
    for (moment, node, told) in [
        (5, 1, Do::Reply(4)),
        (6, 1, Do::Refuse),
        (15, 1, Do::Reply(5)),
        (16, 0, Do::Send(1, 6)),
        (25, 0, Do::Send(1, 7)),
    ] {
        world.run_until(at(moment));
        tell(&mut world, node, &[told]);
    }
    world.run_until(at(100));
    let expected = [
        "starts",
        "request 0 [Reply(4)]",
        "reply 0 4",
        "request 1 [Refuse]",
        "refuses request 1",
        "fault: wipe n1 until 0.040000000s",
        "crashes; every write was durable",
        "refuses request 2",
        "<- n0 6 (lost: it is down)",
        "over: wipe n1",
        "starts",
    ];
    assert_eq!(lines(&world, 1), expected);
    assert!(lines(&world, 0).contains(&"-> n1 7 (lost)".to_owned()));
    let text = world.trace().to_string();
    assert!(
        text.contains("fault: loss 100%") && text.contains("over: loss 100%"),
        "{text}"
    );
}

#[test]
fn a_trace_keeps_the_last_events_and_says_how_many_it_forgot() {
    let run = |capacity| {
        let script = Script::idle();
        let mut world = script.world(2, 1).links(takes(1)).trace(capacity).build();
        for number in 0..50 {
            tell(&mut world, 0, &[Do::Send(1, number)]);
            world.run_for(ms(2));
        }
        world.trace().clone()
    };
    assert!(run(0).is_empty());
    let (all, few) = (run(10_000), run(10));
    // Two starts; a request, a message sent and received for each number.
    assert_eq!((all.len(), few.len()), (2 + 3 * 50, 10));
    let (all, few) = (all.to_string(), few.to_string());
    assert!(few.starts_with("  ... 142 earlier events\n"), "{few}");
    let tail: Vec<&str> = few.lines().skip(1).collect();
    assert!(all.lines().collect::<Vec<_>>().ends_with(&tail));
}
