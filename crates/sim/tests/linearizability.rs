//! The checker against a brute-force oracle on small histories, and against histories of real atomic objects on long ones.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use purlin_sim::history::{History, OpId};
use purlin_sim::linearizability::{self, CheckError, Checker};
use purlin_sim::model::{ByKey, KeyValue, Model, Register, RegisterOp, RegisterRet};

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

    let mut states = std::collections::HashMap::new();
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

impl<V: Clone + Eq + std::hash::Hash + Debug> Object for Register<V> {
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

/// A first-in-first-out queue: a model that gives no hints, whose operations all change the state and seldom commute.
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

/// The history of `object` under `operations` of at most `processes` at a time, where `choose(n)` picks one of `n` things that can happen next.
fn run<O: Object>(
    object: &O,
    operations: impl IntoIterator<Item = (O::Op, Fate)>,
    processes: usize,
    mut choose: impl FnMut(usize) -> usize,
) -> History<O::Op, O::Ret> {
    let mut history = History::new();
    let mut states = std::collections::HashMap::new();
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

/// `history` with the answers replaced for which `corrupt` has another.
fn corrupted<Op: Clone, Ret: Clone>(
    history: &History<Op, Ret>,
    corrupt: impl Fn(OpId) -> Option<Ret>,
) -> History<Op, Ret> {
    let mut copy = History::new();
    let mut events: Vec<_> = history
        .iter()
        .map(|operation| (operation.call, operation, false))
        .collect();
    let ends = history
        .iter()
        .filter_map(|operation| Some((operation.completion?.at, operation, true)));
    events.extend(ends);
    events.sort_unstable_by_key(|(at, ..)| *at);
    let mut ids = std::collections::HashMap::new();
    for (_, operation, end) in events {
        if end {
            let ret = operation.completion.unwrap().ret;
            let ret = corrupt(operation.id).unwrap_or_else(|| ret.clone());
            copy.complete(ids[&operation.id], ret).unwrap();
        } else {
            ids.insert(
                operation.id,
                copy.invoke(operation.process, operation.op.clone()),
            );
        }
    }
    copy
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
    prop_oneof![6 => Just(Fate::Answered), 3 => Just(Fate::Unknown), 1 => Just(Fate::Cancelled)]
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

/// Compares the checker with the oracle on histories of up to seven operations, some answers of which are replaced, and demands that both verdicts are common.
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
        ..Config::default()
    });
    let result = runner.run(
        &(operations, choices, wrong),
        |(operations, choices, wrong)| {
            let total = operations.len();
            let mut choices = choices.iter().cycle();
            let choose = |bound| choices.next().map_or(0, |choice| choice.index(bound));
            let history = run(object, operations, total, choose);
            let history = corrupted(&history, |id| {
                let mut wrong = wrong.iter().filter(|(at, _)| at.index(total) == id.index());
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
    println!("{accepted} linearizable, {refused} not");
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
fn queues_agree_with_the_oracle() {
    compare(&Fifo, fifo_op(), proptest::option::weighted(0.8, 0..3_u8));
}

// ---- long histories -------------------------------------------------------------------------------------------------

/// `count` operations on a register, of which `unknown` in 1,000 have an unknown outcome, with values below `values`.
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

#[test]
#[expect(clippy::disallowed_methods, reason = "real time is what is printed")]
fn long_histories_of_an_atomic_register_are_accepted() {
    let register = Register::new(None);
    for (count, unknown, values) in [
        (20_000, 0, 5),
        (20_000, 10, 5),
        (20_000, 10, 1_000_000),
        (10_000, 50, 5),
        (10_000, 50, 100),
        (10_000, 50, 1_000_000),
        (100_000, 1, 100),
    ] {
        let mut random = Random(7);
        let operations = register_operations(1, count, unknown, values);
        let history = run(&register, operations, 8, |bound| random.below(bound));
        let started = std::time::Instant::now();
        let checked = linearizability::check(&register, &history).unwrap();
        let took = started.elapsed();
        println!(
            "{count} operations, {} unknown, {values} values: {took:?}, {} configurations",
            history.open(),
            checked.configurations
        );
        verify_witness(&register, &history, &checked.order);
    }
}
