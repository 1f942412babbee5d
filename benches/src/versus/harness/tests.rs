use purlin_core::time::{Clock as _, SystemClock};

use super::*;
use crate::versus::Role;

/// A chain of dependent multiplications that goes on from operation to operation: nothing the
/// processor does in parallel can hide its length.
fn chain(links: u32) -> impl FnMut(&u64) -> u64 {
    let mut product = 1;
    move |input| {
        for _ in 0..links {
            product = (product ^ input).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        product
    }
}

fn inputs() -> Vec<u64> {
    (0..256).collect()
}

const QUICK: Effort = Effort {
    rounds: 101,
    batch: Duration::from_micros(100),
    limit: Duration::from_secs(5),
};

#[test]
fn twice_the_work_has_ratio_two() {
    let mut contest = Contest::over(inputs())
        .ours("double", chain(64))
        .rival("single", chain(32))
        .build();
    let ratio = run(&mut contest, QUICK, 1)
        .ratio_to("single")
        .expect("some rounds are undisturbed");
    assert!((1.8..2.2).contains(&ratio.median), "{ratio:?}");
    assert!(
        ratio.low <= ratio.median && ratio.median <= ratio.high,
        "{ratio:?}"
    );
}

#[test]
fn equal_work_has_ratio_one() {
    let mut contest = Contest::over(inputs())
        .ours("a", chain(32))
        .rival("b", chain(32))
        .floor("none", |x| *x)
        .build();
    let samples = run(&mut contest, QUICK, 2);
    let ratio = samples.ratio_to("b").expect("some rounds are undisturbed");
    assert!((0.9..1.1).contains(&ratio.median), "{ratio:?}");
    assert!(
        samples
            .ratio_to("none")
            .expect("some rounds are undisturbed")
            .low
            > 2.0
    );
}

#[test]
fn an_operation_longer_than_a_batch_runs_once_and_cuts_the_rounds() {
    let effort = Effort {
        rounds: 1_000,
        batch: Duration::from_micros(10),
        limit: Duration::from_millis(20),
    };
    let mut calls = 0_u64;
    let slow = move |iterations: u64| {
        assert_eq!(iterations, 1);
        calls += iterations;
        std::thread::sleep(Duration::from_millis(2));
        calls
    };
    let mut contest = Contest::over(vec![()])
        .enter_kernel(Role::Ours, "slow", slow)
        .build();
    let samples = run(&mut contest, effort, 3);
    assert_eq!(samples.rounds(), Effort::ROUNDS_MIN);
    // Sleeping gives the processor up by choice: nothing to discard, except where a neighbour made
    // it late.
    assert!(
        samples
            .ours()
            .median()
            .expect("sleeping is not an interruption")
            >= 2e6
    );
}

#[test]
fn a_kernel_that_does_nothing_does_not_hang_the_calibration() {
    let mut contest = Contest::over(vec![()])
        .enter_kernel(Role::Ours, "idle", |_| 0)
        .build();
    let samples = run(&mut contest, QUICK, 4);
    assert!(samples.ours().median().is_some_and(|nanos| nanos < 1e-3));
}

#[test]
fn outliers_are_discarded_around_the_median() {
    let values = vec![
        Some(1.0),
        Some(1.1),
        None,
        Some(0.9),
        Some(4.9),
        Some(5.6),
        Some(1.0),
    ];
    let kept = without_outliers(values);
    assert_eq!(
        kept,
        [
            Some(1.0),
            Some(1.1),
            None,
            Some(0.9),
            Some(4.9),
            None,
            Some(1.0)
        ]
    );
    assert_eq!(without_outliers(vec![None, None]), [None, None]);
}

#[test]
fn rounds_follow_the_time_limit() {
    let effort = Effort {
        rounds: 300,
        batch: Duration::ZERO,
        limit: Duration::from_secs(1),
    };
    assert_eq!(effort.rounds_for(Duration::from_millis(1)), 300);
    assert_eq!(effort.rounds_for(Duration::from_millis(10)), 100);
    assert_eq!(
        effort.rounds_for(Duration::from_secs(10)),
        Effort::ROUNDS_MIN
    );
    assert_eq!(effort.rounds_for(Duration::ZERO), 300);
}

#[test]
fn batches_too_long_to_be_left_alone_are_kept() {
    let effort = Effort {
        rounds: 15,
        batch: Duration::from_micros(10),
        limit: Duration::ZERO,
    };
    let clock = SystemClock::new();
    let busy = move |_| {
        let start = clock.now();
        let mut spins = 0;
        while clock.now() < start + UNDISTURBED_MAX * 3 / 2 {
            spins += 1;
        }
        spins
    };
    let mut contest = Contest::over(vec![()])
        .enter_kernel(Role::Ours, "busy", busy)
        .build();
    let samples = run(&mut contest, effort, 5);
    assert!(samples.ours().median().expect("on any machine") >= 15e6);
}
