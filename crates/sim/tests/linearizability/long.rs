//! Long histories: accepted fast, and one wrong answer is found.

use std::collections::HashSet;

use purlin_sim::history::History;
use purlin_sim::linearizability::{self, CheckError};
use purlin_sim::model::{Register, RegisterOp, RegisterRet};

use crate::atomic::{Random, corrupted, register_operations, run};
use crate::oracle::{accepts, verify_witness};

/// A history of an atomic register, eight processes at a time.
fn register_history(
    count: usize,
    unknown: usize,
    values: usize,
) -> History<RegisterOp<usize>, RegisterRet<usize>> {
    let mut random = Random(7);
    let operations = register_operations(1, count, unknown, values);
    run(&Register::new(None), operations, 8, |bound| {
        random.below(bound)
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "real time is what is printed")]
fn long_histories_of_an_atomic_register_are_accepted() {
    let register = Register::new(None);
    let many = 1_000_000;
    let cases = [
        (20_000, 0, 5),
        (20_000, 10, 5),
        (20_000, 10, many),
        (10_000, 50, 5),
        (10_000, 50, many),
        (100_000, 1, 100),
    ];
    for (count, unknown, values) in cases {
        let history = register_history(count, unknown, values);
        let started = std::time::Instant::now();
        let checked = linearizability::check(&register, &history).unwrap();
        let took = started.elapsed().as_secs_f64() * 1e3;
        let (open, configurations) = (history.open(), checked.configurations);
        println!(
            "{count:>6} operations, {open:>3} unknown, {values:>7} values: {took:>6.1} ms, {configurations:>5} configurations"
        );
        verify_witness(&register, &history, &checked.order);
        // Remembering grows with the history, not with the number of orders.
        assert!(configurations < count, "{configurations}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "real time is what is printed")]
fn one_wrong_read_in_a_long_history_is_found() {
    let register = Register::new(None);
    for (unknown, values) in [(0, 5), (2, 5), (10, 100), (10, 1_000_000)] {
        let history = register_history(10_000, unknown, values);
        let reads = history.iter().filter(|operation| {
            *operation.op == RegisterOp::Read && operation.completion.is_some()
        });
        let wrong = reads.map(|operation| operation.id).nth(3_000).unwrap();
        let nobodys = RegisterRet::Value(Some(usize::MAX));
        let corrupt = corrupted(&history, |operation| {
            (operation.id == wrong).then_some(nobodys)
        });
        let started = std::time::Instant::now();
        let Err(CheckError::NotLinearizable(evidence)) =
            linearizability::check(&register, &corrupt)
        else {
            panic!("nobody wrote that value");
        };
        println!(
            "{unknown} in 1,000 unknown, {values} values: {:?}, {} configurations",
            started.elapsed(),
            evidence.configurations
        );
        let placed: HashSet<_> = evidence
            .linearized
            .iter()
            .map(|placement| placement.id)
            .collect();
        assert!(!placed.contains(&wrong), "it cannot be placed");
        let limit = evidence.blocked.call;
        let mut before = corrupt
            .iter()
            .filter(|operation| operation.completion.is_some_and(|done| done.at < limit));
        assert!(
            before.all(|operation| placed.contains(&operation.id)),
            "what returned before is placed"
        );
    }
}

#[test]
fn a_stale_read_in_a_long_history_is_found() {
    // Values are unique, so a read of any but the latest value is wrong once no write is
    // concurrent.
    let mut history = History::new();
    for value in 0..10_000_u32 {
        let id = history.invoke(0, RegisterOp::Write(value));
        history.complete(id, RegisterRet::Written).unwrap();
        let id = history.invoke(1, RegisterOp::Read);
        let seen = if value == 7_000 { 6_999 } else { value };
        history
            .complete(id, RegisterRet::Value(Some(seen)))
            .unwrap();
    }
    let Err(CheckError::NotLinearizable(evidence)) =
        linearizability::check(&Register::new(None), &history)
    else {
        panic!("the read of 6,999 is stale");
    };
    assert_eq!(evidence.blocked.ret, Some(RegisterRet::Value(Some(6_999))));
    assert_eq!(evidence.states, [Some(7_000)]);
    assert_eq!(evidence.linearized.len(), 14_001);
    assert_eq!(
        evidence.configurations, 0,
        "a sequential history leaves no choice"
    );
}

#[test]
fn an_operation_as_long_as_the_history_costs_no_quadratic_time() {
    let mut history = History::new();
    let slow = history.invoke(0, RegisterOp::Read);
    let count = 100_000_u32;
    for value in 0..count {
        let id = history.invoke(1, RegisterOp::Write(value));
        history.complete(id, RegisterRet::Written).unwrap();
    }
    history
        .complete(slow, RegisterRet::Value(Some(count - 1)))
        .unwrap();
    assert!(accepts(&Register::new(None), &history));
    let never = corrupted(&history, |operation| {
        (operation.id == slow).then_some(RegisterRet::Value(Some(count)))
    });
    assert!(!accepts(&Register::new(None), &never));
}
