//! Objects that really are atomic, and the histories they give.

use core::fmt::Debug;
use core::hash::Hash;
use std::collections::HashMap;

use purlin_sim::history::{History, OpId, Operation};
use purlin_sim::model::{KeyValue, Model, Register, RegisterOp, RegisterRet};

/// A model that can also be run: the one answer that the object gives.
pub(crate) trait Object: Model {
    fn apply(&self, state: &Self::State, op: &Self::Op) -> (Self::State, Self::Ret);
}

impl<V: Clone + Eq + Hash + Debug> Object for Register<V> {
    fn apply(&self, state: &Option<V>, op: &RegisterOp<V>) -> (Option<V>, RegisterRet<V>) {
        match op {
            RegisterOp::Read => (state.clone(), RegisterRet::Value(state.clone())),
            RegisterOp::Write(value) => (Some(value.clone()), RegisterRet::Written),
            RegisterOp::Delete => (None, RegisterRet::Written),
            RegisterOp::CompareAndSet { expected, new } if state == expected => {
                (Some(new.clone()), RegisterRet::Swapped)
            }
            RegisterOp::CompareAndSet { .. } => (state.clone(), RegisterRet::Refused),
        }
    }
}

/// A register whose model gives no hints.
pub(crate) struct Plain;

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
pub(crate) struct Fifo;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum FifoOp {
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
pub(crate) enum Fate {
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
pub(crate) fn run<O: Object>(
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
pub(crate) fn edited<Op, Ret, Other>(
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
pub(crate) fn corrupted<Op: Clone, Ret: Clone>(
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
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

/// `count` operations on a register, of which `unknown` in 1,000 have an unknown outcome, with
/// values below `values`.
pub(crate) fn register_operations(
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

impl<K: Clone + Eq + Hash + Debug> Object for KeyValue<K, usize> {
    fn apply(&self, state: &Self::State, (_, op): &Self::Op) -> (Self::State, Self::Ret) {
        Register::new(None).apply(state, op)
    }
}
