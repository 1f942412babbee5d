//! The rules of the search in their corner cases, and what the caller is told.

use super::{CheckError, Checker, check};
use crate::history::{History, OpId};
use crate::model::{ByKey, KeyValue, Register, RegisterOp, RegisterRet};
use RegisterOp::{CompareAndSet, Read, Write};
use RegisterRet::{Refused, Swapped, Value, Written};

type Ops = History<RegisterOp<u8>, RegisterRet<u8>>;

const REGISTER: Register<u8> = Register::new(Some(0));

fn swap(expected: u8, new: u8) -> RegisterOp<u8> {
    let expected = Some(expected);
    CompareAndSet { expected, new }
}

/// An operation that is answered before anything else happens.
fn done(history: &mut Ops, op: RegisterOp<u8>, ret: RegisterRet<u8>) -> OpId {
    let id = history.invoke(0, op);
    history.complete(id, ret).unwrap();
    id
}

fn reads(history: &mut Ops, value: u8) -> OpId {
    done(history, Read, Value(Some(value)))
}

/// The history of these events, where a lone operation is never answered.
fn ops(events: &[(RegisterOp<u8>, Option<RegisterRet<u8>>)]) -> Ops {
    let mut history = History::new();
    for (op, ret) in events {
        match ret {
            Some(ret) => done(&mut history, *op, *ret),
            None => history.invoke(9, *op),
        };
    }
    history
}

fn read(value: u8) -> (RegisterOp<u8>, Option<RegisterRet<u8>>) {
    (Read, Some(Value(Some(value))))
}

fn write(value: u8) -> (RegisterOp<u8>, Option<RegisterRet<u8>>) {
    (Write(value), Some(Written))
}

fn lost(op: RegisterOp<u8>) -> (RegisterOp<u8>, Option<RegisterRet<u8>>) {
    (op, None)
}

fn accepted(history: &Ops) -> bool {
    match check(&REGISTER, history) {
        Ok(_) => true,
        Err(CheckError::NotLinearizable(_)) => false,
        Err(undecided) => panic!("{undecided}"),
    }
}

#[test]
fn nothing_happened() {
    let linearization = check(&REGISTER, &Ops::new()).unwrap();
    assert_eq!(
        (linearization.order.len(), linearization.configurations),
        (0, 0)
    );
    let linearization = check(&REGISTER, &ops(&[lost(Write(1)), lost(swap(0, 3))])).unwrap();
    assert_eq!(linearization.order, []);
}

#[test]
fn an_unknown_operation_happens_at_most_once_and_at_any_later_time() {
    assert!(accepted(&ops(&[lost(Write(1)), read(0), read(0)])), "never");
    assert!(
        accepted(&ops(&[lost(Write(1)), write(2), read(2), read(1)])),
        "late"
    );
    assert!(
        !accepted(&ops(&[lost(Write(1)), read(1), write(0), read(1)])),
        "twice"
    );
    assert!(
        !accepted(&ops(&[read(1), lost(Write(1))])),
        "before it was invoked"
    );
}

#[test]
fn equal_unknown_operations_happen_once_each() {
    let twice = [lost(Write(1)), lost(Write(1)), read(1), write(0), read(1)];
    assert!(accepted(&ops(&twice)));
    let thrice = [&twice[..], &[write(0), read(1)]].concat();
    assert!(!accepted(&ops(&thrice)));
    // The second is there in time for the second read, or not.
    assert!(accepted(&ops(&[
        lost(Write(1)),
        read(1),
        write(0),
        lost(Write(1)),
        read(1)
    ])));
    assert!(!accepted(&ops(&[
        lost(Write(1)),
        read(1),
        write(0),
        read(1),
        lost(Write(1))
    ])));
}

#[test]
fn unknown_operations_build_on_each_other() {
    assert!(accepted(&ops(&[
        lost(swap(1, 2)),
        lost(swap(0, 1)),
        read(2)
    ])));
    assert!(!accepted(&ops(&[
        lost(swap(1, 2)),
        lost(swap(3, 1)),
        read(2)
    ])));
}

#[test]
fn of_several_explanations_the_one_is_found_that_leaves_the_right_one_for_later() {
    // Either the write or the swap explains the first read; the state before the second read admits
    // only the write. The last one only gives the search a choice, so that it remembers.
    for unknown in [
        [Write(1), swap(0, 1), Write(7)],
        [swap(0, 1), Write(1), Write(7)],
    ] {
        let unknown = unknown.map(lost);
        let history = [&unknown[..], &[read(1), write(5), read(1)]].concat();
        assert!(accepted(&ops(&history)));
        let history = [&history[..], &[write(0), read(1)]].concat();
        assert!(!accepted(&ops(&history)), "both are used up");
    }
}

#[test]
fn an_unknown_write_that_is_overwritten_may_have_been_read_before() {
    let mut history = ops(&[lost(Write(1))]);
    let overwrite = history.invoke(1, Write(2));
    reads(&mut history, 1);
    history.complete(overwrite, Written).unwrap();
    reads(&mut history, 2);
    assert!(accepted(&history));
    reads(&mut history, 1);
    assert!(!accepted(&history));
}

#[test]
fn a_write_of_the_present_value_is_no_read() {
    // Placed at once, where it changes nothing, it would be missing after the other write.
    let mut history = Ops::new();
    let (same, other) = (history.invoke(1, Write(0)), history.invoke(2, Write(1)));
    history.complete(same, Written).unwrap();
    history.complete(other, Written).unwrap();
    reads(&mut history, 0);
    assert!(accepted(&history));
}

#[test]
fn a_refusal_is_a_statement() {
    let refused = |expected| (swap(expected, 2), Some(Refused));
    assert!(accepted(&ops(&[refused(1), read(0)])));
    assert!(!accepted(&ops(&[refused(0)])));
    assert!(
        accepted(&ops(&[lost(Write(1)), refused(0)])),
        "so the write had happened"
    );
    assert!(!accepted(&ops(&[(swap(1, 2), Some(Swapped))])));
}

#[test]
fn a_wrong_kind_of_answer_is_no_answer() {
    assert!(!accepted(&ops(&[(Read, Some(Written))])));
    assert!(!accepted(&ops(&[(Write(1), Some(Value(Some(1))))])));
}

/// Concurrent writes and then reads of them in an order that needs one write twice, which takes a
/// search to see.
fn hard(history: &mut History<(&'static str, RegisterOp<u8>), RegisterRet<u8>>, key: &'static str) {
    let writes: Vec<_> = (1..8)
        .map(|value| history.invoke(u64::from(value), (key, Write(value))))
        .collect();
    for value in [1, 2, 3, 1] {
        let id = history.invoke(0, (key, Read));
        history.complete(id, Value(Some(value))).unwrap();
    }
    for id in writes {
        history.complete(id, Written).unwrap();
    }
}

#[test]
fn a_violation_counts_more_than_a_search_without_end() {
    let store: KeyValue<&str, u8> = ByKey::new(REGISTER);
    let mut history = History::new();
    hard(&mut history, "hard");
    let checker = Checker::new().budget(2);
    match checker.check(&store, &history) {
        Err(CheckError::BudgetExhausted {
            key: "hard",
            budget: 2,
        }) => {}
        other => panic!("{other:?}"),
    }
    let id = history.invoke(0, ("easy", Read));
    history.complete(id, Value(Some(9))).unwrap();
    match checker.check(&store, &history) {
        Err(CheckError::NotLinearizable(evidence)) => assert_eq!(evidence.key, "easy"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_say_what_was_wrong() {
    let store: KeyValue<&str, u8> = ByKey::new(REGISTER);
    let mut history = History::new();
    hard(&mut history, "x");
    let exhausted = Checker::new()
        .budget(2)
        .check(&store, &history)
        .unwrap_err();
    let expected = "undecided for key \"x\": 2 configurations were not enough; \
        allow more, or make histories with fewer concurrent operations on one key";
    assert_eq!(exhausted.to_string(), expected);

    let mut history = ops(&[lost(Write(1)), write(2), read(1)]);
    reads(&mut history, 2);
    let error = check(&REGISTER, &history).unwrap_err();
    let expected = "\
not linearizable: no order explains the answer of
  #3 process 0, 5..6: Read -> Value(Some(2))
together with those before it. 3 operations fit, for example with this end:
  #1 process 0, 1..2: Write(2) -> Written
  #0 process 9, 0..: Write(1) -> ?
  #2 process 0, 3..4: Read -> Value(Some(1))
The state could then be one of:
  Some(1)
(1 configurations tried)";
    assert_eq!(error.to_string(), expected);
    assert_eq!(format!("{error:?}"), expected, "what a failing test prints");
}
