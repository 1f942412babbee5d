//! Is a concurrent history linearizable?
//!
//! A history is linearizable when every operation can be thought to take effect at one moment
//! between its invocation and its completion, such that the answers are those of a [`Model`] that
//! carries the operations out one by one in the order of these moments (Herlihy and Wing 1990).
//! [`check`] looks for such an order.
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) as
//! improved by Lowe ("Testing for linearizability", 2017: remember what was tried) and by Horn and
//! Kroening ("Faster linearizability checking via P-compositionality", 2015: one key at a time). To
//! these it adds rules for what histories of distributed systems are full of: operations whose
//! outcome nobody knows, which stay candidates to the very end. `search.rs` states every rule and
//! why none changes a verdict.
//!
//! To make histories that are cheap to check: spread the operations over keys, let every write
//! write a value of its own (then a read tells which write it saw, and far fewer orders are
//! possible), and give the model its [hints](Model::may_answer).
//!
//! Deciding linearizability is NP-complete, so a time that is exponential in the number of
//! concurrent operations of one key cannot be excluded. A [budget](Checker::budget) bounds the
//! memory, and with it the time; where it does not suffice the answer is
//! [`CheckError::BudgetExhausted`], never a guess.

mod bits;
mod evidence;
mod search;
mod timeline;
mod unknown;
mod visited;

use core::hash::Hash;
use std::collections::HashMap;

pub use evidence::{CheckError, Evidence, Placed};
use search::{Search, Verdict};

use crate::history::{History, OpId, Operation};
use crate::model::Model;

/// How many configurations each of several keys may take before the next key has its turn.
const FIRST_ROUND: usize = 10_000;

/// How many times more each following round allows. A search starts over in each round, which adds
/// one part in seven to the work at most.
const ROUND_GROWTH: usize = 8;

/// An operation in the terms of model `M`.
type OperationOf<'a, M> = Operation<'a, <M as Model>::Op, <M as Model>::Ret>;

/// Checks `history` against `model` with the default [budget](Checker::DEFAULT_BUDGET).
///
/// # Errors
///
/// As [`Checker::check`].
///
/// # Examples
///
/// ```
/// use purlin_sim::history::History;
/// use purlin_sim::linearizability::{self, CheckError};
/// use purlin_sim::model::{Register, RegisterOp::*, RegisterRet::*};
///
/// let register = Register::new(Some(0));
/// let mut history = History::new();
/// history.invoke(1, Write(1)); // timed out: it may have happened or not
/// let read = history.invoke(2, Read);
/// history.complete(read, Value(Some(1)))?; // so it did
/// linearizability::check(&register, &history)?;
///
/// let stale = history.invoke(3, Read);
/// history.complete(stale, Value(Some(0)))?;
/// let Err(CheckError::NotLinearizable(evidence)) = linearizability::check(&register, &history) else {
///     panic!("the second read is older than the first");
/// };
/// assert_eq!(evidence.blocked.id, stale);
/// assert_eq!(evidence.states, [Some(1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check<M: Model>(
    model: &M,
    history: &History<M::Op, M::Ret>,
) -> Result<Linearization, CheckError<M>> {
    Checker::new().check(model, history)
}

/// A linearizability checker with a bound on its memory.
///
/// # Examples
///
/// ```
/// use purlin_sim::history::History;
/// use purlin_sim::linearizability::{CheckError, Checker};
/// use purlin_sim::model::{Register, RegisterOp::*, RegisterRet::*};
///
/// let mut history = History::new();
/// let writes: Vec<_> = (1..8).map(|value| history.invoke(value, Write(value))).collect();
/// for value in [1, 2, 3, 1] {
///     let read = history.invoke(0, Read);
///     history.complete(read, Value(Some(value)))?; // 1 was written twice?
/// }
/// for write in writes {
///     history.complete(write, Written)?;
/// }
///
/// let register = Register::new(None);
/// let verdict = Checker::new().budget(2).check(&register, &history);
/// assert!(matches!(verdict, Err(CheckError::BudgetExhausted { budget: 2, .. })));
/// let verdict = Checker::new().check(&register, &history);
/// assert!(matches!(verdict, Err(CheckError::NotLinearizable(_))));
/// # Ok::<(), purlin_sim::history::HistoryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checker {
    budget: usize,
}

impl Checker {
    /// How many configurations of one key are remembered unless [`budget`](Self::budget) says
    /// otherwise: one million.
    pub const DEFAULT_BUDGET: usize = 1_000_000;

    /// A checker with the default budget.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            budget: Self::DEFAULT_BUDGET,
        }
    }

    /// Bounds the number of configurations (operations placed so far, state) that are remembered at
    /// a time.
    ///
    /// One takes some 200 bytes plus its state, plus one bit for each operation between the oldest
    /// one not yet placed and the newest one placed. Configurations that leave a single choice are
    /// not remembered, so a history without concurrency needs no budget. The bound is for each key;
    /// the memory of a key is freed before the next.
    #[must_use]
    pub const fn budget(self, configurations: usize) -> Self {
        Self {
            budget: configurations,
        }
    }

    /// Checks `history` against `model`, key by key.
    ///
    /// Time is proportional to the length of the history times the number of concurrent operations
    /// where few operations must be reordered, and exponential in the number of concurrent
    /// operations of one key at worst. Keys that turn out to be hard are put off until the others
    /// have been looked at: a violation that is easy to find is found soon. The search keeps its
    /// own stack, so any length of history is fine.
    ///
    /// # Errors
    ///
    /// * [`CheckError::NotLinearizable`] when no order explains the answers of some key. Where
    ///   several are wrong it is one that was easy to refute.
    /// * [`CheckError::BudgetExhausted`] when the search of one key outgrew its budget, and no
    ///   other key shows a violation.
    pub fn check<M: Model>(
        &self,
        model: &M,
        history: &History<M::Op, M::Ret>,
    ) -> Result<Linearization, CheckError<M>> {
        let mut points = Vec::with_capacity(history.len());
        let mut configurations = 0;
        let mut undecided = partition(history.iter(), |operation| model.key(operation.op));
        let mut limit = FIRST_ROUND;
        while !undecided.is_empty() {
            limit = if undecided.len() == 1 {
                self.budget
            } else {
                limit.min(self.budget)
            };
            let mut hard = Vec::new();
            for (key, operations) in undecided {
                let search = Search::new(model, model.initial(&key), &operations, limit);
                let (verdict, remembered) = search.run();
                configurations += remembered;
                match verdict {
                    Verdict::Linearizable(order) => points.extend(linearization_points(&order)),
                    Verdict::Stuck(stuck) => {
                        let evidence = Evidence::new(key, stuck, configurations);
                        return Err(CheckError::NotLinearizable(Box::new(evidence)));
                    }
                    Verdict::BudgetExhausted => hard.push((key, operations)),
                }
            }
            if limit == self.budget && !hard.is_empty() {
                let (key, budget) = (hard.swap_remove(0).0, self.budget);
                return Err(CheckError::BudgetExhausted { key, budget });
            }
            undecided = hard;
            limit = limit.saturating_mul(ROUND_GROWTH);
        }
        points.sort_unstable();
        let order = points.into_iter().map(|(_, _, id)| id).collect();
        Ok(Linearization {
            order,
            configurations,
        })
    }
}

impl Default for Checker {
    fn default() -> Self {
        Self::new()
    }
}

/// The proof that a history is linearizable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Linearization {
    /// An order of the operations that explains every answer and respects real time, over all
    /// keys.
    ///
    /// It holds every completed operation, and those of unknown outcome that must have taken
    /// effect.
    pub order: Vec<OpId>,
    /// How many configurations were remembered on the way: the size of the search, and the figure
    /// a [budget](Checker::budget) bounds for each key.
    pub configurations: usize,
}

/// The operations of each key in the order of invocation; keys in the order of their first
/// operation.
fn partition<'a, K: Eq + Hash + Clone, Op, Ret>(
    operations: impl Iterator<Item = Operation<'a, Op, Ret>>,
    key: impl Fn(&Operation<'a, Op, Ret>) -> K,
) -> Vec<(K, Vec<Operation<'a, Op, Ret>>)> {
    let mut parts = Vec::new();
    let mut index_of = HashMap::new();
    for operation in operations {
        let key = key(&operation);
        let index = *index_of.entry(key.clone()).or_insert(parts.len());
        if index == parts.len() {
            parts.push((key, Vec::new()));
        }
        parts[index].1.push(operation);
    }
    parts
}

/// The earliest moments at which the operations of one key can take effect in the given order, as
/// sortable `(position, rank, id)`.
///
/// An operation takes effect when it has been invoked and its predecessors have taken effect, so
/// sorting the moments of all keys merges their orders into one that still respects real time.
/// Moments of different keys never tie: each is the invocation of an operation of its own key.
fn linearization_points<Op, Ret>(order: &[Operation<'_, Op, Ret>]) -> Vec<(usize, usize, OpId)> {
    let mut now = 0;
    let point = |(rank, operation): (usize, &Operation<'_, Op, Ret>)| {
        now = now.max(operation.call);
        (now, rank, operation.id)
    };
    order.iter().enumerate().map(point).collect()
}

#[cfg(test)]
mod tests;
