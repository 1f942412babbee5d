use crate::recorder::{Do, Script, What, at, byte, ms, tell};
use crate::storage::{ALWAYS, NODE, constant, files, power_cut, survivors, world};
use purlin_sim::{Fault, Probability, Schedule, StorageModel};

#[test]
fn writes_and_syncs_are_reported_after_their_latencies_each_once() {
    let script = Script::idle();
    let mut world = world(&script, 1, constant(20, 50), Schedule::new());
    for moment in [0, 10] {
        world.run_until(at(moment));
        tell(
            &mut world,
            0,
            &[Do::Write(moment, byte(1, 5)), Do::Sync(moment)],
        );
    }
    world.run_until(at(200));
    let times = |what: What| script.times(0, |seen| *seen == what);
    assert_eq!(
        (times(What::Written(0)), times(What::Written(10))),
        (vec![20], vec![30])
    );
    assert_eq!(
        (times(What::Synced(0)), times(What::Synced(10))),
        (vec![50], vec![60])
    );
}

#[test]
fn a_sync_is_not_reported_before_the_writes_it_covers() {
    let script = Script::idle();
    let mut world = world(&script, 1, constant(80, 5), Schedule::new());
    tell(&mut world, 0, &[Do::Write(1, byte(1, 5)), Do::Sync(2)]);
    world.run_until(at(200));
    let order = script.of(0, |seen| match seen.what {
        What::Written(token) | What::Synced(token) => Some(token),
        _ => None,
    });
    assert_eq!(order, [1, 2]);
}

#[test]
fn a_sync_covers_what_was_written_before_it_was_asked_for() {
    let told = [
        Do::Write(1, byte(1, 1)),
        Do::Sync(1),
        Do::Write(2, byte(2, 2)),
    ];
    for seed in 0..30 {
        let left = survivors(seed, constant(1, 5), &told);
        assert_eq!(left.list().collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn no_later_sync_covers_the_writes_of_a_failed_one() {
    let faults = power_cut().with(at(0), ms(30), Fault::SyncErrors(NODE));
    for (lost, expected) in [(ALWAYS, &[2][..]), (Probability::NEVER, &[1, 2])] {
        for seed in 0..30 {
            let script = Script::idle();
            let model = StorageModel {
                lost,
                ..constant(1, 5)
            };
            let mut world = world(&script, seed, model, faults.clone());
            tell(&mut world, 0, &[Do::Write(1, byte(1, 1)), Do::Sync(1)]);
            world.run_until(at(50));
            tell(&mut world, 0, &[Do::Write(2, byte(2, 2)), Do::Sync(2)]);
            world.run_until(at(200));
            assert_eq!(script.times(0, |what| *what == What::SyncFailed(1)), [5]);
            assert_eq!(script.times(0, |what| *what == What::Synced(2)), [55]);
            assert_eq!(world.stats().sync_failures, 1);
            assert_eq!(files(&world).list().collect::<Vec<_>>(), expected);
        }
    }
}

/// However the writes of a failed sync fare, they do not come back over newer ones that are
/// durable.
#[test]
fn a_crash_does_not_undo_a_sync_with_writes_of_an_earlier_failed_one() {
    let faults = power_cut().with(at(0), ms(30), Fault::SyncErrors(NODE));
    for seed in 0..100 {
        let script = Script::idle();
        let mut world = world(&script, seed, StorageModel::disk(), faults.clone());
        tell(&mut world, 0, &[Do::Write(1, byte(1, 1)), Do::Sync(1)]);
        world.run_until(at(50));
        tell(&mut world, 0, &[Do::Write(2, byte(1, 2)), Do::Sync(2)]);
        world.run_until(at(200));
        let synced = script.times(0, |what| *what == What::Synced(2)).len();
        if synced == 1 {
            assert_eq!(files(&world).read(1), [2], "seed {seed}");
        }
    }
}

#[test]
fn syncs_fail_as_often_as_they_say() {
    for (percent, expected) in [(0, 0..=0), (25, 153..=347), (100, 1_000..=1_000)] {
        let script = Script::idle();
        let model = StorageModel {
            sync_failure: Probability::percent(percent),
            ..constant(1, 1)
        };
        let mut world = world(&script, 1, model, Schedule::new());
        tell(&mut world, 0, &(0..1_000).map(Do::Sync).collect::<Vec<_>>());
        world.run_until(at(10));
        let failed = script
            .times(0, |what| matches!(what, What::SyncFailed(_)))
            .len();
        let done = script
            .times(0, |what| matches!(what, What::Synced(_)))
            .len();
        assert_eq!(failed + done, 1_000);
        assert!(
            expected.contains(&failed),
            "{failed} of 1000 at {percent} %"
        );
        assert_eq!(world.stats().sync_failures, failed as u64);
    }
}

#[test]
fn a_lying_sync_reports_success_and_does_nothing() {
    let told = [Do::Write(1, byte(1, 1)), Do::Sync(1)];
    for (sync_lie, expected) in [(ALWAYS, &[][..]), (Probability::NEVER, &[1])] {
        let model = StorageModel {
            sync_lie,
            ..constant(1, 5)
        };
        let left = survivors(4, model, &told);
        assert_eq!(left.list().collect::<Vec<_>>(), expected);
        let script = Script::idle();
        let mut world = world(&script, 4, model, Schedule::new());
        tell(&mut world, 0, &told);
        world.run_until(at(50));
        assert_eq!(script.times(0, |what| *what == What::Synced(1)), [5]);
    }
}

#[test]
fn a_slow_disk_takes_longer_for_writes_and_syncs_while_the_incident_lasts() {
    let script = Script::idle();
    let faults = Schedule::new()
        .with(at(10), ms(20), Fault::SlowDisk(NODE, ms(100)))
        .with(at(25), ms(20), Fault::SlowDisk(NODE, ms(7)));
    let mut world = world(&script, 1, constant(2, 5), faults);
    for moment in [0, 15, 26, 35, 50] {
        world.run_until(at(moment));
        tell(&mut world, 0, &[Do::Write(moment, byte(1, 1))]);
    }
    world.run_until(at(500));
    let times = |token| script.times(0, |what| *what == What::Written(token));
    let delays = [0, 15, 26, 35, 50].map(|token| times(token)[0] - token);
    assert_eq!(delays, [2, 102, 109, 9, 2]);
}
