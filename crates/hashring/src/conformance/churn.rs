//! Random histories.

use super::draw::{self, Draw};
use super::history::History;
use super::subject::{Case, Subject};
use crate::{Membership, NodeId};
use alloc::vec::Vec;

/// Through a random history of changes, good and bad, a placement keeps the members of a naive
/// model, and moves no key that it promises not to move.
#[track_caller]
pub fn churn(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "churn",
        seed,
    };
    random_history(subject, case);
}

/// A history of 60 steps from a few members, or from none.
#[track_caller]
fn random_history<'a>(subject: &'a Subject<'a>, case: Case) -> History<'a> {
    let mut draw = Draw::new(subject, case.seed);
    if !case.seed.is_multiple_of(3) {
        draw = draw.located();
    }
    let members = match case.seed % 4 {
        0 => Vec::new(),
        _ => draw.members(),
    };
    let mut history = match History::start(subject, members, case) {
        Ok(history) => history,
        Err(error) => case.fail(format_args!("good members were refused: {error}")),
    };
    for _ in 0..60 {
        let step = draw.step(history.placement());
        history.step(&step);
    }
    history
}

/// After a random history, a placement answers as one that is built of the same members in another
/// order: owners, replicas and preferences.
#[track_caller]
pub fn history_independence(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "history_independence",
        seed,
    };
    let history = random_history(subject, case);
    let mut draw = Draw::new(subject, !seed);
    let mut members = history.members();
    draw.shuffle(&mut members);
    let anew = subject.build(case, members);
    let placement = history.placement();
    for key in draw.keys(200) {
        let what = format_args!("owner of {key:?} after a history, and built anew");
        case.equal(
            &draw::owner(placement, key),
            &draw::owner(&*anew, key),
            what,
        );
        let what = format_args!("replicas of {key:?} after a history, and built anew");
        let (grown, fresh) = (
            draw::replicas(placement, key, 5),
            draw::replicas(&*anew, key, 5),
        );
        case.equal(&grown, &fresh, what);
    }
    for key in draw.keys(20) {
        let order = |placement: &dyn Membership<Node = u64>| -> Vec<NodeId> {
            let order = draw::preference(placement, key);
            (order.iter())
                .map(|&index| draw::id_at(placement, index))
                .collect()
        };
        let what = format_args!("preferences of {key:?} after a history, and built anew");
        case.equal(&order(placement), &order(&*anew), what);
    }
}
