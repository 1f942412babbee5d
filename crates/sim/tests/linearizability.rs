//! The checker against a brute-force oracle on small histories, and against histories of real
//! atomic objects on long ones.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use core::cell::Cell;
use core::fmt::Debug;
use core::hash::Hash;
use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use purlin_sim::history::{History, OpId, Operation};
use purlin_sim::linearizability::{self, CheckError};
use purlin_sim::model::{KeyValue, Model, Register, RegisterOp, RegisterRet};

// ---- the naive reference --------------------------------------------------------------------------------------------

/// Tries all orders of all completed operations and all subsets of the others.
fn oracle<M: Model<Key = ()>>(model: &M, history: &History<M::Op, M::Ret>) -> bool {
    let ids: Vec<_> = history.iter().map(|operation| operation.id).collect();
    extends(model, history, &model.initial(&()), &ids)
}

/// Whether some order of `rest`, the operations not placed yet, is right from `state` on.
fn extends<M: Model>(
    model: &M,
    history: &History<M::Op, M::Ret>,
    state: &M::State,
    rest: &[OpId],
) -> bool {
    let get = |id: &OpId| history.get(*id).unwrap();
    if rest.iter().all(|id| get(id).completion.is_none()) {
        return true;
    }
    rest.iter().any(|id| {
        let operation = get(id);
        let too_early = |other: &OpId| {
            get(other)
                .completion
                .is_some_and(|done| done.at < operation.call)
        };
        let ret = operation.completion.map(|done| done.ret);
        let others: Vec<_> = rest.iter().copied().filter(|other| other != id).collect();
        let after = model.step(state, operation.op, ret);
        !others.iter().any(too_early)
            && after.is_some_and(|after| extends(model, history, &after, &others))
    })
}

/// Panics unless `order` is a linearization of `history`.
fn verify_witness<M: Model>(model: &M, history: &History<M::Op, M::Ret>, order: &[OpId]) {
    let placed: HashSet<_> = order.iter().copied().collect();
    assert_eq!(placed.len(), order.len(), "an operation occurs twice");
    let mut completed = history
        .iter()
        .filter(|operation| operation.completion.is_some());
    assert!(
        completed.all(|operation| placed.contains(&operation.id)),
        "an operation is missing"
    );

    let mut states = HashMap::new();
    let mut latest_call = 0;
    for id in order {
        let operation = history.get(*id).unwrap();
        let returned = operation.completion.map_or(usize::MAX, |done| done.at);
        assert!(
            returned > latest_call,
            "{id} is placed after an operation that was invoked after its return"
        );
        latest_call = latest_call.max(operation.call);

        let key = model.key(operation.op);
        let state = states.remove(&key).unwrap_or_else(|| model.initial(&key));
        let after = model.step(
            &state,
            operation.op,
            operation.completion.map(|done| done.ret),
        );
        states.insert(
            key,
            after.unwrap_or_else(|| panic!("{id} cannot answer that in state {state:?}")),
        );
    }
}

/// The verdict, verified as far as the answer can be.
fn accepts<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> bool {
    match linearizability::check(model, history) {
        Ok(linearization) => {
            verify_witness(model, history, &linearization.order);
            true
        }
        Err(CheckError::NotLinearizable(evidence)) => {
            assert!(!evidence.states.is_empty());
            let blocked = &evidence.blocked;
            let possible = |state: &M::State| {
                model
                    .step(state, &blocked.op, blocked.ret.as_ref())
                    .is_some()
            };
            assert!(!evidence.states.iter().any(possible), "{evidence}");
            false
        }
        Err(undecided) => panic!("{undecided}"),
    }
}

// ---- real atomic objects --------------------------------------------------------------------------------------------

/// A model that can also be run: the one answer that the object gives.
trait Object: Model {
    fn apply(&self, state: &Self::State, op: &Self::Op) -> (Self::State, Self::Ret);
}

impl<V: Clone + Eq + Hash + Debug> Object for Register<V> {
    fn apply(&self, state: &Option<V>, op: &RegisterOp<V>) -> (Option<V>, RegisterRet<V>) {
        match op {
            RegisterOp::Read => (state.clone(), RegisterRet::Value(state.clone())),
            RegisterOp::Write(value) => (Some(value.clone()), RegisterRet::Written),
            RegisterOp::CompareAndSet { expected, new } if state == expected => {
                (Some(new.clone()), RegisterRet::Swapped)
            }
            RegisterOp::CompareAndSet { .. } => (state.clone(), RegisterRet::Refused),
        }
    }
}

/// A register whose model gives no hints.
struct Plain;

impl Model for Plain {
    type Op = RegisterOp<u8>;
    type Ret = RegisterRet<u8>;
    type State = Option<u8>;
    type Key = ();

    fn key(&self, _: &Self::Op) {}

    fn initial(&self, (): &()) -> Option<u8> {
        None
    }

    fn step(
        &self,
        state: &Option<u8>,
        op: &Self::Op,
        ret: Option<&Self::Ret>,
    ) -> Option<Option<u8>> {
        Register::new(None).step(state, op, ret)
    }
}

impl Object for Plain {
    fn apply(&self, state: &Option<u8>, op: &Self::Op) -> (Option<u8>, Self::Ret) {
        Register::new(None).apply(state, op)
    }
}

/// A first-in-first-out queue: a model that gives no hints, whose operations all change the state
/// and seldom commute.
struct Fifo;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum FifoOp {
    Push(u8),
    Pop,
}

impl Model for Fifo {
    type Op = FifoOp;
    type Ret = Option<u8>; // of a push: nothing
    type State = Vec<u8>;
    type Key = ();

    fn key(&self, _: &FifoOp) {}

    fn initial(&self, (): &()) -> Vec<u8> {
        Vec::new()
    }

    fn step(&self, state: &Vec<u8>, op: &FifoOp, ret: Option<&Option<u8>>) -> Option<Vec<u8>> {
        let (after, answer) = self.apply(state, op);
        ret.is_none_or(|ret| *ret == answer).then_some(after)
    }
}

impl Object for Fifo {
    fn apply(&self, state: &Vec<u8>, op: &FifoOp) -> (Vec<u8>, Option<u8>) {
        match (op, state.split_first()) {
            (FifoOp::Push(value), _) => ([state, &[*value][..]].concat(), None),
            (FifoOp::Pop, Some((first, rest))) => (rest.to_vec(), Some(*first)),
            (FifoOp::Pop, None) => (Vec::new(), None),
        }
    }
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    /// Nobody hears of it again; it may take effect, or not.
    Unknown,
    /// It never happens, and this is known.
    Cancelled,
}

/// An operation between its invocation and its end.
struct Pending<Ret> {
    id: OpId,
    fate: Fate,
    ret: Option<Ret>,
}

/// The history of `object` under `operations` of at most `processes` at a time, where `choose(n)`
/// picks one of `n` things that can happen next.
fn run<O: Object>(
    object: &O,
    operations: impl IntoIterator<Item = (O::Op, Fate)>,
    processes: usize,
    mut choose: impl FnMut(usize) -> usize,
) -> History<O::Op, O::Ret> {
    let mut history = History::new();
    let mut states = HashMap::new();
    let mut pending: Vec<Pending<O::Ret>> = Vec::new();
    let mut operations = operations.into_iter().peekable();
    loop {
        let invoking = usize::from(operations.peek().is_some() && pending.len() < processes);
        if invoking + pending.len() == 0 {
            return history;
        }
        let chosen = choose(invoking + pending.len());
        if chosen == pending.len() {
            let (op, fate) = operations.next().unwrap();
            let process = history.len() as u64;
            let id = history.invoke(process, op);
            pending.push(Pending {
                id,
                fate,
                ret: None,
            });
            continue;
        }
        let Pending { id, fate, ret } = &mut pending[chosen];
        if *fate == Fate::Cancelled {
            history.cancel(*id).unwrap();
        } else if let Some(ret) = ret.take() {
            history.complete(*id, ret).unwrap();
        } else {
            let op = history.get(*id).unwrap().op;
            let key = object.key(op);
            let state = states.remove(&key).unwrap_or_else(|| object.initial(&key));
            let lost = *fate == Fate::Unknown && choose(2) == 0;
            let (after, answer) = if lost {
                (state, None)
            } else {
                some_answer(object.apply(&state, op))
            };
            states.insert(key, after);
            if *fate == Fate::Answered {
                *ret = answer;
                continue;
            }
        }
        pending.swap_remove(chosen);
    }
}

fn some_answer<S, R>((state, answer): (S, R)) -> (S, Option<R>) {
    (state, Some(answer))
}

/// `history` with each operation and its answer, if any, as `edit` has them; those are left out for
/// which it has nothing.
fn edited<Op, Ret, Other>(
    history: &History<Op, Ret>,
    edit: impl Fn(&Operation<'_, Op, Ret>) -> Option<(Other, Option<Ret>)>,
) -> History<Other, Ret> {
    let calls = history.iter().map(|operation| (operation.call, operation));
    let ends = history
        .iter()
        .filter_map(|operation| Some((operation.completion?.at, operation)));
    let mut events: Vec<_> = calls.chain(ends).collect();
    events.sort_unstable_by_key(|(at, _)| *at);

    let mut copy = History::new();
    let mut ids = HashMap::new();
    for (at, operation) in events {
        let Some((op, ret)) = edit(&operation) else {
            continue;
        };
        if at == operation.call {
            ids.insert(operation.id, copy.invoke(operation.process, op));
        } else {
            copy.complete(ids[&operation.id], ret.unwrap()).unwrap();
        }
    }
    copy
}

/// `history` with those answers replaced for which `wrong` has another.
fn corrupted<Op: Clone, Ret: Clone>(
    history: &History<Op, Ret>,
    wrong: impl Fn(&Operation<'_, Op, Ret>) -> Option<Ret>,
) -> History<Op, Ret> {
    edited(history, |operation| {
        let ret = operation
            .completion
            .map(|done| wrong(operation).unwrap_or_else(|| done.ret.clone()));
        Some((operation.op.clone(), ret))
    })
}

/// `SplitMix64` (Steele, Lea and Flood 2014), for the long histories.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

// ---- small histories against the oracle -----------------------------------------------------------------------------

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![5 => Just(Fate::Answered), 4 => Just(Fate::Unknown), 1 => Just(Fate::Cancelled)]
}

fn register_op() -> impl Strategy<Value = RegisterOp<u8>> {
    let value = 0..3_u8;
    prop_oneof![
        4 => Just(RegisterOp::Read),
        3 => value.clone().prop_map(RegisterOp::Write),
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

// ---- long histories -------------------------------------------------------------------------------------------------

/// `count` operations on a register, of which `unknown` in 1,000 have an unknown outcome, with
/// values below `values`.
fn register_operations(
    seed: u64,
    count: usize,
    unknown: usize,
    values: usize,
) -> impl Iterator<Item = (RegisterOp<usize>, Fate)> {
    let mut random = Random(seed);
    (0..count).map(move |_| {
        let new = random.below(values);
        let op = match random.below(10) {
            0..5 => RegisterOp::Read,
            5..8 => RegisterOp::Write(new),
            _ => RegisterOp::CompareAndSet {
                expected: Some(random.below(values)),
                new,
            },
        };
        let unknown = random.below(1_000) < unknown;
        (
            op,
            if unknown {
                Fate::Unknown
            } else {
                Fate::Answered
            },
        )
    })
}

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

// ---- keys -----------------------------------------------------------------------------------------------------------

/// A store of six independent registers.
impl<K: Clone + Eq + Hash + Debug> Object for KeyValue<K, usize> {
    fn apply(&self, state: &Self::State, (_, op): &Self::Op) -> (Self::State, Self::Ret) {
        Register::new(None).apply(state, op)
    }
}

#[test]
fn keys_are_independent() {
    let store = KeyValue::<usize, usize>::new(Register::new(None));
    let mut violations = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let operations: Vec<_> = register_operations(seed, 200, 100, 4)
            .map(|(op, fate)| ((random.below(6), op), fate))
            .collect();
        let history = run(&store, operations, 12, |bound| random.below(bound));
        let reads = history
            .iter()
            .filter(|operation| operation.op.1 == RegisterOp::Read);
        let reads: Vec<_> = reads.map(|operation| operation.id).collect();
        let (wrong, value) = (reads[random.below(reads.len())], random.below(4));
        let history = corrupted(&history, |operation| {
            (operation.id == wrong).then_some(RegisterRet::Value(Some(value)))
        });

        let verdict = accepts(&store, &history);
        violations += usize::from(!verdict);
        // Each key without the events of the others gives the same.
        let alone = |key| {
            let part = |operation: &Operation<'_, (usize, RegisterOp<usize>), _>| {
                let ret = operation.completion.map(|done| *done.ret);
                (operation.op.0 == key).then_some((operation.op.1, ret))
            };
            accepts(&Register::new(None), &edited(&history, part))
        };
        assert_eq!((0..6).all(alone), verdict, "seed {seed}\n{history}");
        // What keys are called does not matter.
        let names = ["f", "a", "d", "b", "e", "c"];
        let renamed = edited(&history, |operation| {
            let ret = operation.completion.map(|done| *done.ret);
            Some(((names[operation.op.0], operation.op.1), ret))
        });
        let store = KeyValue::<&str, usize>::new(Register::new(None));
        assert_eq!(accepts(&store, &renamed), verdict, "seed {seed}\n{history}");
    }
    println!("{violations} of 400 histories are not linearizable");
    assert!((80..320).contains(&violations), "{violations}");
}
