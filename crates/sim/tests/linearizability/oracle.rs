//! The naive reference, and what any answer of the checker must satisfy.

use std::collections::{HashMap, HashSet};

use purlin_sim::history::{History, OpId};
use purlin_sim::linearizability::{self, CheckError};
use purlin_sim::model::Model;

/// Tries all orders of all completed operations and all subsets of the others.
pub(crate) fn oracle<M: Model<Key = ()>>(model: &M, history: &History<M::Op, M::Ret>) -> bool {
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
pub(crate) fn verify_witness<M: Model>(
    model: &M,
    history: &History<M::Op, M::Ret>,
    order: &[OpId],
) {
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
pub(crate) fn accepts<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> bool {
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
