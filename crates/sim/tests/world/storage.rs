use crate::recorder::{Do, Script, What, at, byte, ms, tell};
use purlin_core::node::NodeId;
use purlin_sim::{
    Fault, FileWrite, Files, Latency, Probability, Runner, Schedule, StorageModel, World,
};

pub(crate) const NODE: NodeId = NodeId(0);
pub(crate) const ALWAYS: Probability = Probability::ALWAYS;

/// A power cut at 100 ms.
pub(crate) fn power_cut() -> Schedule {
    Schedule::new().with(at(100), ms(50), Fault::Crash(NODE))
}

pub(crate) fn world(
    script: &Script,
    seed: u64,
    model: StorageModel,
    faults: Schedule,
) -> World<Script> {
    script.world(1, seed).storage(model).faults(faults).build()
}

pub(crate) fn files(world: &World<Script>) -> &Files {
    world.store(NODE).expect("it exists")
}

/// What is left after a power cut of what was written before it.
pub(crate) fn survivors(seed: u64, model: StorageModel, told: &[Do]) -> Files {
    let script = Script::idle();
    let mut world = world(&script, seed, model, power_cut());
    tell(&mut world, 0, told);
    world.run_until(at(200));
    assert_eq!(world.stats().crashes, 1);
    let booted = script.of(0, |seen| match &seen.what {
        What::Start { files, .. } => Some(files.clone()),
        _ => None,
    });
    assert_eq!(booted.last(), Some(files(&world)));
    files(&world).clone()
}

pub(crate) fn constant(write: u64, sync: u64) -> StorageModel {
    StorageModel {
        write_latency: Latency::Constant(ms(write)),
        sync_latency: Latency::Constant(ms(sync)),
        lost: ALWAYS,
        ..StorageModel::perfect()
    }
}

/// Ten writes with syncs in between; whatever was reported as synced is there after every crash,
/// whatever the seed.
#[test]
fn what_was_synced_survives_every_crash() {
    let model = StorageModel {
        sync_latency: Latency::Uniform {
            min: ms(1),
            max: ms(60),
        },
        sync_failure: Probability::percent(20),
        ..StorageModel::disk()
    };
    let (mut kept, mut unreported) = (0, 0);
    for seed in 0..300 {
        let script = Script::idle();
        let faults = match seed % 2 {
            0 => power_cut(),
            _ => Schedule::new().with(at(70), ms(50), Fault::CrashInStep(NODE)),
        };
        let mut world = world(&script, seed, model, faults);
        for file in 0..10 {
            tell(
                &mut world,
                0,
                &[Do::Write(file, byte(file, 9)), Do::Sync(file)],
            );
            world.run_for(ms(9));
        }
        world.run_until(at(200));
        assert_eq!(world.stats().crashes, 1);
        let reported = |wanted: fn(u64) -> What, token| {
            script
                .of(0, |seen| (seen.what == wanted(token)).then_some(()))
                .len()
                == 1
        };
        for file in 0..10 {
            let is_there = files(&world).read(file) == [9];
            if reported(What::Synced, file) {
                assert!(is_there, "seed {seed} lost file {file}");
                kept += 1;
            } else {
                unreported += u32::from(is_there);
            }
        }
    }
    assert!(kept > 1_000 && unreported > 100, "{kept} {unreported}");
}

#[test]
fn what_was_not_synced_is_sometimes_lost_sometimes_torn_and_sometimes_kept() {
    let bytes = vec![1, 2, 3, 4, 5, 6, 7, 8];
    let write = FileWrite::Bytes {
        file: 3,
        offset: 0,
        bytes: bytes.clone(),
    };
    let (mut lost, mut torn, mut kept) = (0, 0, 0);
    for seed in 0..400 {
        let left = survivors(seed, StorageModel::disk(), &[Do::Write(1, write.clone())]);
        let left = left.read(3);
        assert!(
            bytes.starts_with(left),
            "a torn write keeps a prefix: {left:?}"
        );
        match left.len() {
            0 => lost += 1,
            8 => kept += 1,
            _ => torn += 1,
        }
    }
    // Half is lost, a fifth of the rest torn (one of eight of these to nothing): 205, 35 and 160,
    // give or take five standard deviations.
    assert!((155..255).contains(&lost), "{lost} lost");
    assert!((7..63).contains(&torn), "{torn} torn");
    assert!((111..209).contains(&kept), "{kept} kept");
}

#[test]
pub(crate) fn survivors_may_be_applied_in_another_order() {
    let two = [Do::Write(1, byte(1, 1)), Do::Write(2, byte(1, 2))];
    let last = |seed, reordered| {
        let model = StorageModel {
            reordered,
            ..StorageModel::perfect()
        };
        survivors(seed, model, &two).read(1).to_vec()
    };
    let half = Probability::percent(50);
    let swapped = (0..200).filter(|seed| last(*seed, half) == [1]).count();
    assert!((65..135).contains(&swapped), "{swapped}");
    for seed in 0..20 {
        assert_eq!(last(seed, Probability::NEVER), [2]);
        assert_eq!(last(seed, ALWAYS), [1]);
    }
}

/// A disk that loses, tears and reorders nothing has nothing to sync: whether syncs fail, lie or
/// never end makes no difference.
#[test]
fn a_disk_that_takes_nothing_keeps_every_write_at_once() {
    let never = Latency::Constant(core::time::Duration::MAX);
    let perfect = StorageModel::perfect();
    let models = [
        perfect,
        StorageModel {
            sync_failure: ALWAYS,
            ..perfect
        },
        StorageModel {
            sync_lie: ALWAYS,
            ..perfect
        },
        StorageModel {
            write_latency: never,
            sync_latency: never,
            ..perfect
        },
    ];
    let told = [
        Do::Write(1, byte(1, 5)),
        Do::Sync(1),
        Do::Write(2, byte(1, 6)),
    ];
    for model in models {
        for seed in 0..20 {
            assert_eq!(survivors(seed, model, &told[..1]).read(1), [5]);
            assert_eq!(survivors(seed, model, &told).read(1), [6]);
        }
    }
}

#[test]
fn the_node_sees_its_writes_at_once() {
    let script = Script::idle();
    let mut world = world(&script, 1, constant(20, 50), Schedule::new());
    tell(&mut world, 0, &[Do::Write(1, byte(1, 5)), Do::Read(2)]);
    world.run_for(ms(0));
    assert_eq!(files(&world).read(1), [5]);
    world.run_for(ms(100));
    let read = script.of(0, |seen| match &seen.what {
        What::Read(2, files) => Some(files.read(1).to_vec()),
        _ => None,
    });
    assert_eq!(read, [[5]]);
}

/// The disk's durable state has no memory of crashes: what survived one survives the next.
#[test]
fn what_survived_a_crash_is_durable() {
    let twice = power_cut().with(at(200), ms(50), Fault::Crash(NODE));
    let mut kept = 0;
    for seed in 0..100 {
        let script = Script::idle();
        let mut world = world(&script, seed, StorageModel::disk(), twice.clone());
        tell(
            &mut world,
            0,
            &[Do::Write(1, byte(1, 1)), Do::Write(2, byte(2, 2))],
        );
        world.run_until(at(160));
        let after_one = files(&world).clone();
        world.run_until(at(300));
        assert_eq!(files(&world), &after_one);
        kept += after_one.list().count();
    }
    assert!(kept > 30, "{kept}");
}

/// A node that computes an offset wrongly is told so, whatever its disk may hold.
#[test]
fn a_write_far_beyond_the_end_is_a_violation_and_not_the_end_of_the_memory() {
    let far = FileWrite::Bytes {
        file: 3,
        offset: usize::MAX,
        bytes: vec![1, 2],
    };
    let long = FileWrite::Truncate {
        file: 3,
        len: Files::MAX_LEN + 1,
    };
    for write in [far, long] {
        let check = |world: &mut World<Script>| {
            tell(world, 0, &[Do::Write(1, write.clone())]);
            world.run_for(ms(10));
            Ok(())
        };
        let build = |seed| Script::idle().world(1, seed).build();
        let found = Runner::new().search(0..1, build, check);
        let found = found.expect_err("it is refused").violation.to_string();
        assert!(
            found.contains("makes file 3") && found.contains("is the most"),
            "{found}"
        );
    }
}
