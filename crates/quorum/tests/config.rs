//! What a configuration may be: whatever is valid makes a node that works.

use core::time::Duration;
use proptest::prelude::*;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{Config, Configuration, Output, Raft, Recovered, Refusal, RoleKind};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Mostly what is valid by itself.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        10 => Just(Duration::from_nanos(1)),
        20 => Just(Duration::from_millis(100)),
        10 => Just(DAY),
        1 => Just(DAY + Duration::from_nanos(1)),
        1 => Just(Duration::MAX),
    ]
}

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 10 => Just(1), 10 => Just(100), 10 => Just(u64::MAX)]
}

fn config() -> impl Strategy<Value = Config> {
    let times = (
        duration(),
        duration(),
        duration(),
        prop::option::of(0_u32..600_000),
    );
    let sizes = (size(), size(), size(), size(), size(), size(), size());
    (times, sizes, any::<(bool, bool)>()).prop_map(|(times, sizes, (pre_vote, quiesce))| {
        let mut config = Config::new(NodeId(1));
        (
            config.election_timeout,
            config.election_jitter,
            config.heartbeat_interval,
            config.lease_drift_ppm,
        ) = times;
        (
            config.max_message_bytes,
            config.max_entry_bytes,
            config.max_inflight_bytes,
            config.max_uncommitted_bytes,
            config.max_unapplied_bytes,
            config.max_log_bytes,
            config.trailing_entries,
        ) = sizes;
        (config.pre_vote, config.quiesce) = (pre_vote, quiesce);
        config
    })
}

/// Reports everything done; what was given out to be applied.
fn drain(raft: &mut Raft, now: Instant) -> u64 {
    let mut commands = 0;
    while let Some(output) = raft.poll_output() {
        match output {
            Output::Write(write) => raft.persisted(now, write.ticket).expect("its ticket"),
            Output::Commit(entries) => {
                commands += entries
                    .iter()
                    .filter(|(_, entry)| !entry.payload.is_empty())
                    .count() as u64;
                let last = entries.last().expect("some").index;
                raft.applied(now, last).expect("given out");
                let meta = raft.snapshot_meta(last, 0).expect("applied");
                raft.compact(now, meta).expect("applied");
            }
            _ => {}
        }
    }
    commands
}

/// What is said of a configuration that is changed like that.
fn refusal(change: impl FnOnce(&mut Config)) -> Option<String> {
    let mut config = Config::new(NodeId(1));
    change(&mut config);
    config.validate().err().map(|error| error.to_string())
}

#[test]
fn what_cannot_be_is_named_with_its_bound() {
    let nano = Duration::from_nanos(1);
    assert_eq!(refusal(|_| {}), None);
    assert_eq!(refusal(|config| config.election_timeout = DAY), None);
    assert_eq!(refusal(|config| config.election_jitter = DAY), None);
    assert_eq!(
        refusal(|config| config.election_timeout = DAY + nano).as_deref(),
        Some(
            "election_timeout is 86400.000000001s: it must be above 0 and a day (86,400 s) at most"
        )
    );
    assert_eq!(
        refusal(|config| config.election_jitter = Duration::MAX).as_deref(),
        Some(
            "election_jitter is 18446744073709551615.999999999s: it must be a day (86,400 s) at most"
        )
    );
    assert_eq!(
        refusal(|config| config.max_log_bytes = config.max_entry_bytes),
        None
    );
    assert_eq!(
        refusal(|config| config.max_log_bytes = 1000).as_deref(),
        Some("max_log_bytes is 1000: it must be max_entry_bytes or more")
    );
    assert_eq!(refusal(|config| config.quiesce = true), None);
    assert_eq!(
        refusal(|config| (config.quiesce, config.check_quorum) = (true, false)).as_deref(),
        Some("quiesce is true: it must be false without check_quorum")
    );
}

proptest! {
    #[test]
    fn what_is_valid_works(config in config(), seed: u64) {
        let mut now = Instant::default();
        let recovered = Recovered::bootstrap(Configuration::new([NodeId(1)]));
        let valid = config.validate();
        let raft = Raft::new(config.clone(), recovered, seed, now);
        prop_assert_eq!(valid.is_ok(), raft.is_ok());
        let Ok(mut raft) = raft else { return Ok(()) };
        if config.lease_drift_ppm.is_some() {
            prop_assert_eq!(raft.campaign(now), Err(Refusal::LeasePromised));
            return Ok(());
        }
        raft.campaign(now).expect("a voter");
        drain(&mut raft, now);
        prop_assert_eq!(raft.role(), RoleKind::Leader);
        let mut commands = 0;
        for _ in 0..20 {
            raft.propose(now, vec![b'x'].into()).expect("room for one");
            commands += drain(&mut raft, now);
            // Not beyond the end of the clock, 584 years from its start.
            let soon = now + Duration::from_secs(10);
            now = raft.poll_timeout().map_or(soon, |due| due.min(soon));
            raft.handle_timeout(now);
        }
        prop_assert_eq!(commands, 20);
        prop_assert_eq!(raft.role(), RoleKind::Leader);
    }
}
