//! Progress by rules of etcd's tracker, by invariants under any calls, and by a follower that has to
//! catch up over a bad network.

use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

const MESSAGES: usize = 4;
const BYTES: u64 = 100;

fn replicating(matched: u64) -> Progress {
    let mut progress = Progress::new(Index(1));
    progress.acknowledge(Index(matched));
    progress.replicate();
    progress
}

#[test]
fn one_probe_at_a_time() {
    let mut progress = Progress::new(Index(5));
    assert!(!progress.is_paused(MESSAGES, BYTES));
    progress.sent(Index(7), 10);
    assert!(progress.is_paused(MESSAGES, BYTES));
    assert_eq!(progress.next(), Index(5), "a probe is not counted on");
    assert!(progress.inflight().is_empty());
    progress.resume();
    assert!(!progress.is_paused(MESSAGES, BYTES));
}

#[test]
fn a_rejected_probe_goes_back_to_the_hint() {
    let cases = [
        // next, rejected, hint => next then
        (10, 9, 5, Some(6)),
        (10, 9, 9, Some(9)), // never forward: at least one back
        (10, 9, 100, Some(9)),
        (10, 9, 0, Some(3)), // never to what is acknowledged
        (10, 8, 5, None),    // the answer to an older probe
        (10, 10, 5, None),
    ];
    for (next, rejected, hint, expected) in cases {
        let mut progress = Progress::new(Index(1));
        progress.acknowledge(Index(2));
        progress.probe(Index(next));
        progress.sent(Index(next), 1);
        let news = progress.reject(Index(rejected), Index(hint));
        assert_eq!(news, expected.is_some(), "{rejected} rejected");
        assert_eq!(
            progress.next(),
            Index(expected.unwrap_or(next)),
            "{rejected} rejected"
        );
        assert_eq!(
            progress.is_paused(MESSAGES, BYTES),
            !news,
            "{rejected} rejected"
        );
    }
}

#[test]
fn a_rejection_in_replication_goes_back_to_probing() {
    let mut progress = replicating(5);
    progress.sent(Index(8), 10);
    progress.sent(Index(9), 10);
    assert!(
        !progress.reject(Index(5), Index(0)),
        "older than what is acknowledged"
    );
    assert_eq!(progress.state(), ProgressState::Replicate);
    assert!(progress.reject(Index(8), Index(3)));
    assert_eq!(progress.state(), ProgressState::Probe);
    assert_eq!(progress.next(), Index(6));
    assert!(progress.inflight().is_empty());
}

#[test]
fn windows_close_by_messages_and_by_bytes() {
    let mut progress = replicating(0);
    for last in 1..=4 {
        assert!(!progress.is_paused(MESSAGES, BYTES));
        progress.sent(Index(last), 1);
    }
    assert!(progress.is_paused(MESSAGES, BYTES));
    progress.sent(Index(4), 0);
    assert_eq!(
        progress.inflight().len(),
        4,
        "a message without entries takes no room"
    );
    progress.acknowledge(Index(2));
    assert_eq!(
        (progress.inflight().len(), progress.inflight().bytes()),
        (2, 2)
    );
    assert!(!progress.is_paused(MESSAGES, BYTES));

    progress.sent(Index(5), 98);
    assert!(progress.is_paused(MESSAGES, BYTES));
    progress.acknowledge(Index(3));
    assert!(
        !progress.is_paused(MESSAGES, BYTES),
        "99 bytes are below 100"
    );
    progress.sent(Index(6), 1_000_000);
    assert_eq!(
        progress.inflight().bytes(),
        1_000_099,
        "what is larger than the cap travels"
    );
}

#[test]
fn no_room_lasts_until_something_is_acknowledged() {
    let mut progress = replicating(3);
    progress.sent(Index(4), 1);
    progress.pause();
    assert!(!progress.acknowledge(Index(3)), "old");
    assert!(progress.is_paused(MESSAGES, BYTES));
    assert!(progress.acknowledge(Index(4)));
    assert!(!progress.is_paused(MESSAGES, BYTES));
}

#[test]
fn snapshots_stop_entries() {
    let mut progress = replicating(3);
    progress.sent(Index(9), 7);
    progress.snapshot();
    assert!(progress.is_paused(usize::MAX, u64::MAX));
    assert!(progress.inflight().is_empty());
    progress.resume();
    assert!(
        progress.is_paused(usize::MAX, u64::MAX),
        "only its end ends it"
    );
    assert!(
        !progress.reject(Index(9), Index(0)),
        "about something before it"
    );

    assert!(progress.acknowledge(Index(20)));
    progress.replicate();
    assert_eq!(
        (progress.matched(), progress.next()),
        (Index(20), Index(21))
    );
    progress.snapshot();
    progress.probe(Index(5));
    assert_eq!(
        progress.next(),
        Index(21),
        "given up: from what is acknowledged"
    );
}

#[test]
fn the_ends_of_numbers() {
    assert_eq!(Progress::new(Index(0)).next(), Index(1));
    let mut progress = replicating(0);
    progress.sent(Index(1), u64::MAX);
    progress.sent(Index(u64::MAX), u64::MAX);
    progress.check_invariants();
    assert!(progress.is_paused(usize::MAX, u64::MAX));
    progress.acknowledge(Index(u64::MAX));
    progress.check_invariants();
    assert_eq!(progress.inflight().bytes(), 0);
    progress.probe(Index(u64::MAX));
    progress.check_invariants();
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Sent(u64, u64),
    Acknowledge(u64),
    Reject(u64, u64),
    Replicate,
    Probe(u64),
    Snapshot,
    Pause,
    Resume,
}

fn call() -> impl Strategy<Value = Call> {
    let index = || prop_oneof![20 => 0_u64..30, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    prop_oneof![
        8 => (index(), prop_oneof![9 => 0_u64..60, 1 => any::<u64>()])
            .prop_map(|(last, bytes)| Call::Sent(last, bytes)),
        3 => index().prop_map(Call::Acknowledge),
        2 => (index(), index()).prop_map(|(previous, hint)| Call::Reject(previous, hint)),
        4 => Just(Call::Replicate),
        1 => index().prop_map(Call::Probe),
        1 => Just(Call::Snapshot),
        1 => Just(Call::Pause),
        1 => Just(Call::Resume),
    ]
}

proptest! {
    #[test]
    fn invariants_hold_under_any_calls(calls in prop::collection::vec(call(), 0..100)) {
        let mut progress = Progress::new(Index(3));
        for call in calls {
            let before = progress.clone();
            match call {
                Call::Sent(last, bytes) => progress.sent(Index(last), bytes),
                Call::Acknowledge(matched) => {
                    let news = progress.acknowledge(Index(matched));
                    prop_assert_eq!(news, progress.matched() > before.matched());
                }
                Call::Reject(previous, hint) => {
                    let news = progress.reject(Index(previous), Index(hint));
                    prop_assert!(news || progress == before, "an old answer changes nothing");
                    prop_assert!(progress.next() <= before.next(), "never forward");
                }
                Call::Replicate => progress.replicate(),
                Call::Probe(next) => progress.probe(Index(next)),
                Call::Snapshot => progress.snapshot(),
                Call::Pause => progress.pause(),
                Call::Resume => progress.resume(),
            }
            progress.check_invariants();
            prop_assert!(progress.matched() >= before.matched(), "what is acknowledged stays so");
            if progress.state() == ProgressState::Probe || progress.inflight().is_empty() {
                prop_assert_eq!(progress.inflight().bytes(), 0);
            }
        }
    }

    #[test]
    fn a_follower_catches_up_over_a_bad_network(
        agree in 0_u64..20,
        differ in 0_u64..20,
        missing in 0_u64..40,
        fates in prop::collection::vec(0_usize..10, 0..200),
    ) {
        // Terms of entries; the follower's after `agree` are another leader's.
        let leader: Vec<u64> = (0..agree).map(|_| 1).chain((0..missing).map(|_| 3)).collect();
        let mut follower: Vec<u64> = (0..agree).map(|_| 1).chain((0..differ).map(|_| 2)).collect();
        let end = Index(leader.len() as u64);
        let mut progress = Progress::new(end.next());
        let mut requests: Vec<(Index, Index)> = Vec::new(); // previous, last
        let mut answers: Vec<Result<Index, (Index, Index)>> = Vec::new();
        let mut fates = fates.into_iter();
        for round in 0.. {
            prop_assert!(round < 500, "does not end: {:?}", progress);
            // One heartbeat a round: an empty message, sent whatever the window.
            progress.resume();
            requests.push((progress.next().previous(), progress.next().previous()));
            while !progress.is_paused(3, 10) && progress.next() <= end {
                let last = progress.next().0.max(end.0.min(progress.next().0 + 2));
                requests.push((progress.next().previous(), Index(last)));
                progress.sent(Index(last), last - progress.next().0 + 1);
                prop_assert!(progress.inflight().len() <= 3 && progress.inflight().bytes() < 13);
                progress.check_invariants();
            }
            deliver(&mut requests, &mut fates, |(previous, last)| {
                answers.push(append(&leader, &mut follower, previous, last));
            });
            deliver(&mut answers, &mut fates, |answer| match answer {
                Ok(matched) => {
                    let news = progress.acknowledge(matched);
                    let probing = progress.state() == ProgressState::Probe;
                    if probing && (news || matched == progress.matched()) {
                        progress.replicate();
                    }
                }
                Err((previous, hint)) => {
                    progress.reject(previous, hint);
                }
            });
            progress.check_invariants();
            let has = usize::try_from(progress.matched().0).expect("small");
            prop_assert_eq!(&follower[..has], &leader[..has], "acknowledged is what agrees");
            if progress.matched() == end {
                break;
            }
        }
    }
}

/// Loses, repeats and reorders messages while there are fates, then delivers all.
fn deliver<T: Clone>(
    messages: &mut Vec<T>,
    fates: &mut impl Iterator<Item = usize>,
    mut receive: impl FnMut(T),
) {
    for message in core::mem::take(messages) {
        match fates.next() {
            Some(0..=2) => {}
            Some(3) => messages.push(message), // later
            Some(4) => {
                receive(message.clone());
                messages.push(message);
            }
            _ => receive(message),
        }
    }
}

/// A follower as the paper has it (figure 2), with a hint.
fn append(
    leader: &[u64],
    follower: &mut Vec<u64>,
    previous: Index,
    last: Index,
) -> Result<Index, (Index, Index)> {
    let at = |index: Index| usize::try_from(index.0).expect("small");
    let (before, upto) = (at(previous), at(last));
    if follower.len() < before || follower[..before].last() != leader[..before].last() {
        // It knows no more than that its own end and the entry before are too far.
        let hint = follower.len().min(before.saturating_sub(1));
        return Err((previous, Index(hint as u64)));
    }
    for (index, &term) in leader.iter().enumerate().take(upto).skip(before) {
        if follower.get(index) != Some(&term) {
            follower.truncate(index);
            follower.push(term);
        }
    }
    Ok(last)
}
