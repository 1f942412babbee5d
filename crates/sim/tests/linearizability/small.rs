//! Small histories, compared with the oracle.

use core::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use purlin_sim::model::{Register, RegisterOp, RegisterRet};

use crate::atomic::{Fate, Fifo, FifoOp, Object, Plain, corrupted, run};
use crate::oracle::{accepts, oracle};

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![5 => Just(Fate::Answered), 4 => Just(Fate::Unknown), 1 => Just(Fate::Cancelled)]
}

fn register_op() -> impl Strategy<Value = RegisterOp<u8>> {
    let value = 0..3_u8;
    prop_oneof![
        4 => Just(RegisterOp::Read),
        3 => value.clone().prop_map(RegisterOp::Write),
        1 => Just(RegisterOp::Delete),
        3 => (proptest::option::weighted(0.8, value.clone()), value)
            .prop_map(|(expected, new)| RegisterOp::CompareAndSet { expected, new }),
    ]
}

fn register_ret() -> impl Strategy<Value = RegisterRet<u8>> {
    prop_oneof![
        4 => proptest::option::weighted(0.8, 0..3_u8).prop_map(RegisterRet::Value),
        1 => Just(RegisterRet::Written),
        2 => Just(RegisterRet::Swapped),
        2 => Just(RegisterRet::Refused),
    ]
}

fn fifo_op() -> impl Strategy<Value = FifoOp> {
    prop_oneof![(0..3_u8).prop_map(FifoOp::Push), Just(FifoOp::Pop)]
}

/// Compares the checker with the oracle on histories of up to seven operations, some answers of
/// which are replaced, and demands that both verdicts are common.
fn compare<O: Object<Key = ()>>(
    object: &O,
    op: impl Strategy<Value = O::Op>,
    ret: impl Strategy<Value = O::Ret>,
) {
    let operations = proptest::collection::vec((op, fate()), 1..=7);
    let choices = proptest::collection::vec(any::<prop::sample::Index>(), 48);
    let wrong = proptest::collection::vec((any::<prop::sample::Index>(), ret), 0..=2);
    let cases = 4_000;
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(
        &(operations, choices, wrong),
        |(operations, choices, wrong)| {
            let total = operations.len();
            let mut choices = choices.iter().cycle();
            let choose = |bound| choices.next().map_or(0, |choice| choice.index(bound));
            let history = run(object, operations, total, choose);
            let history = corrupted(&history, |operation| {
                let mut wrong = wrong
                    .iter()
                    .filter(|(at, _)| at.index(total) == operation.id.index());
                wrong.next().map(|(_, ret)| ret.clone())
            });
            let expected = oracle(object, &history);
            let count = if expected { &accepted } else { &refused };
            count.set(count.get() + 1);
            prop_assert_eq!(accepts(object, &history), expected, "\n{}", history);
            if wrong.is_empty() {
                prop_assert!(expected, "an atomic object is linearizable\n{}", history);
            }
            Ok(())
        },
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    let (accepted, refused) = (accepted.get(), refused.get());
    assert!(
        accepted.min(refused) * 5 > cases,
        "{accepted} linearizable, {refused} not"
    );
}

#[test]
fn registers_agree_with_the_oracle() {
    compare(&Register::new(None), register_op(), register_ret());
}

#[test]
fn registers_without_hints_agree_with_the_oracle() {
    compare(&Plain, register_op(), register_ret());
}

#[test]
fn queues_agree_with_the_oracle() {
    compare(&Fifo, fifo_op(), proptest::option::weighted(0.8, 0..3_u8));
}
