//! The search for an order, depth first, for the operations of one key.
//!
//! A **configuration** is (P, s, U): the completed operations placed so far, the state they and the
//! used operations of unknown outcome have led to, and the latter. It is final when P holds every
//! completed operation: operations of unknown outcome are optional. Which operations may come next
//! depends on P alone: those whose call precedes the return of every completed operation not in P,
//! and that are not in P or U. A *completion* of a configuration is a sequence of legal next
//! operations that ends in a final one.
//!
//! The rules that keep the search small:
//!
//! 1. **Settle.** A completed operation that may come next, whose answer is right, and of which the
//!    model says that it [never](Model::is_read) changes the state (a read, a refused
//!    compare-and-set) is placed at once, and no alternative is tried.
//! 2. **No idle unknowns.** An operation of unknown outcome that would not change the state is not
//!    placed.
//! 3. **Symmetry.** Of several operations of unknown outcome with equal `Op`, the one invoked
//!    earliest is placed first.
//! 4. **No wasted unknowns.** Directly after an operation `u` of unknown outcome, nothing is placed
//!    that would have led to the same state without `u` (a write that overwrites what `u` wrote).
//! 5. **Dominance.** A configuration is abandoned when one with the same P and s and a subset of U
//!    was reached before: see [`Visited`].
//! 6. **Reach.** A configuration is abandoned when the model [says](Model::may_answer) of a
//!    completed operation that may come next that it cannot be right, whichever of the operations
//!    called before its return come before it. Such a configuration has no completion.
//!
//! None of them loses an answer. Suppose that the search ends without a final configuration
//! although the initial one has a completion, and call a configuration *expanded* if it was settled
//! and then left with every choice tried. All that are remembered end up expanded, also those that
//! were still ancestors on the stack when a later one was compared with them. (So do those with a
//! single choice, which are not remembered.) What has a completion is not abandoned by rule 6.
//! Among the pairs of an expanded configuration and a completion of it take one with the shortest
//! completion c, and among these the one least deep in the search tree. Settling keeps a
//! completion, and shortens it: the settled operation must occur in it, may come first, and changes
//! the state neither there nor where it was (rule 1). So the initial configuration yields such a
//! pair, and since expanded ones are not final, c has a first operation x.
//!
//! * If x is of unknown outcome and an earlier one with equal `Op` is unused, exchange the two: c
//!   is as long as before (rule 3).
//! * If x is an unknown that leaves the state as it is, the rest of c is a shorter completion of
//!   the same configuration, for it needs nothing that x provides: a contradiction (rule 2).
//! * If x was not tried because of rule 4, the parent in the search tree has the same P and leads
//!   by x to the same s with less in U. So c is a completion of the parent, of the same length but
//!   less deep: a contradiction.
//! * Otherwise x was tried, and led to a configuration with a shorter completion. That one was
//!   expanded, or abandoned because of an expanded one that it is dominated by (dominance is
//!   transitive), which has the same completion, for what it has used is less and what may come
//!   next depends on P: a contradiction (rule 5).

use alloc::rc::Rc;

use super::OperationOf;
use super::bits::Bits;
use super::timeline::Timeline;
use super::unknown::Unknown;
use super::visited::Visited;
use crate::history::{Completion, Operation};
use crate::model::Model;

/// How many of the states in which an operation was impossible are told.
const STATES_TOLD: usize = 8;

/// How many completed operations rule 6 looks at. An operation that more of them may precede counts
/// as within reach: to look at all that happened during an operation as long as the history would
/// take quadratic time.
const LOOK_AHEAD: usize = 256;

/// What a search found.
pub(super) enum Verdict<'a, M: Model> {
    /// The operations in an order that explains every answer.
    Linearizable(Vec<OperationOf<'a, M>>),
    /// There is no such order.
    Stuck(Stuck<'a, M>),
    /// More configurations than the budget allows.
    BudgetExhausted,
}

/// The furthest that a search came.
pub(super) struct Stuck<'a, M: Model> {
    /// Position of the first return that is not explained, and how many completed operations are
    /// placed.
    progress: (usize, usize),
    /// An order for every operation that returned before that position, and some others.
    pub(super) linearized: Vec<OperationOf<'a, M>>,
    /// The completed operation that no order could include.
    pub(super) blocked: OperationOf<'a, M>,
    /// Distinct states in which it was impossible, [`STATES_TOLD`] at most.
    pub(super) states: Vec<M::State>,
}

/// One placed operation.
struct Step<'a, M: Model> {
    operation: OperationOf<'a, M>,
    slot: Slot,
    /// The state before it.
    before: Rc<M::State>,
    /// Placed by rule 1: there is nothing else to try in its place.
    settled: bool,
}

/// Where a placed operation came from, and goes back to.
#[derive(Clone, Copy)]
enum Slot {
    /// Its number among the completed operations.
    Completed(usize),
    /// Its class among the operations of unknown outcome.
    Unknown(usize),
}

/// An operation that may come next, and the state after it.
struct Choice<'a, M: Model> {
    operation: OperationOf<'a, M>,
    slot: Slot,
    after: M::State,
}

pub(super) struct Search<'a, M: Model> {
    model: &'a M,
    completed: Vec<OperationOf<'a, M>>,
    /// The completed operations not yet placed.
    timeline: Timeline,
    /// The completed operations placed so far.
    placed: Bits,
    unknown: Unknown<'a, M>,
    state: Rc<M::State>,
    /// All operations placed so far.
    path: Vec<Step<'a, M>>,
    visited: Visited<M::State>,
    budget: usize,
    /// The path has not changed below this length since it was last copied.
    unchanged: usize,
}

impl<'a, M: Model> Search<'a, M> {
    /// A search for an order of `operations`, which are those of one key in the order of
    /// invocation, from the state `initial`.
    pub(super) fn new(
        model: &'a M,
        initial: M::State,
        operations: &[OperationOf<'a, M>],
        budget: usize,
    ) -> Self {
        let all = operations.iter().copied();
        let completed: Vec<_> = all
            .clone()
            .filter(|operation| operation.completion.is_some())
            .collect();
        let intervals = completed.iter();
        let intervals: Vec<_> = intervals
            .filter_map(|operation| Some((operation.call, operation.completion?.at)))
            .collect();
        Self {
            model,
            timeline: Timeline::new(&intervals),
            placed: Bits::new(completed.len()),
            completed,
            unknown: Unknown::new(all.filter(|operation| operation.completion.is_none())),
            state: Rc::new(initial),
            path: Vec::new(),
            visited: Visited::new(),
            budget,
            unchanged: 0,
        }
    }

    /// Searches to the end. The number is that of the configurations remembered.
    pub(super) fn run(mut self) -> (Verdict<'a, M>, usize) {
        let mut furthest = None;
        let mut tried = None; // the choice tried last in the present configuration
        self.settle();
        let verdict = loop {
            let Some(first) = self.timeline.first_return() else {
                break Verdict::Linearizable(self.path.iter().map(|step| step.operation).collect());
            };
            if self.visited.remembered() > self.budget {
                break Verdict::BudgetExhausted;
            }
            let limit = return_position(&self.completed[first]);
            let hopeless = if tried.is_none() {
                self.out_of_reach()
            } else {
                None
            };
            let choice = if hopeless.is_none() {
                self.choice_after(tried, limit)
            } else {
                None
            };
            if let Some(choice) = choice {
                if tried.is_none() && !self.is_new(choice.slot, limit) {
                    tried = self.back_out();
                    continue;
                }
                self.place(choice.operation, choice.slot, Rc::new(choice.after), false);
                self.settle();
                tried = None;
            } else {
                let stuck = self.further(furthest, limit, hopeless.unwrap_or(first));
                tried = self.back_out();
                if tried.is_none() {
                    break Verdict::Stuck(stuck);
                }
                furthest = Some(stuck);
            }
        };
        (verdict, self.visited.remembered())
    }

    /// Rule 6: a completed operation that was called and cannot be placed any more, whatever is
    /// placed before it.
    fn out_of_reach(&self) -> Option<usize> {
        self.candidates().find(|&number| {
            let operation = &self.completed[number];
            operation.completion.is_some_and(|completion| {
                let mut seen = 0;
                let others = self.timeline.called_before_return(number);
                let others = others.filter(|&other| other != number).take(LOOK_AHEAD);
                let others = others
                    .inspect(|_| seen += 1)
                    .map(|other| self.completed[other].op);
                let mut others = others.chain(self.unknown.unused(completion.at));
                let may =
                    self.model
                        .may_answer(&self.state, operation.op, completion.ret, &mut others);
                !may && seen < LOOK_AHEAD
            })
        })
    }

    /// The first choice after the one `tried` last; completed operations before those of unknown
    /// outcome, which makes configurations that used few of these come first, and these dominate
    /// others.
    fn choice_after(&self, tried: Option<Slot>, limit: usize) -> Option<Choice<'a, M>> {
        let mut last = match tried {
            None => None,
            Some(Slot::Completed(number)) => Some(number),
            Some(Slot::Unknown(class)) => return self.unknown_choice_from(class + 1, limit),
        };
        while let Some(number) = self.next_to_return(last) {
            let operation = self.completed[number];
            if let Some(after) = self.worthwhile(&operation) {
                let slot = Slot::Completed(number);
                return Some(Choice {
                    operation,
                    slot,
                    after,
                });
            }
            last = Some(number);
        }
        self.unknown_choice_from(0, limit)
    }

    /// Of the completed operations that may come next, the one that returned first after `last`
    /// did.
    fn next_to_return(&self, last: Option<usize>) -> Option<usize> {
        let returned = |number: usize| return_position(&self.completed[number]);
        let later = self
            .candidates()
            .filter(|&number| last.is_none_or(|last| returned(number) > returned(last)));
        later.min_by_key(|&number| returned(number))
    }

    /// The completed operations that may come next, in the order of their calls.
    fn candidates(&self) -> impl Iterator<Item = usize> {
        let first = self.timeline.candidate_after(None);
        core::iter::successors(first, |&number| self.timeline.candidate_after(Some(number)))
    }

    fn unknown_choice_from(&self, mut class: usize, limit: usize) -> Option<Choice<'a, M>> {
        while let Some((index, operation)) = self.unknown.candidate_from(class, limit) {
            if let Some(after) = self.worthwhile(&operation) {
                let slot = Slot::Unknown(index);
                return Some(Choice {
                    operation,
                    slot,
                    after,
                });
            }
            class = index + 1;
        }
        None
    }

    /// The state after `operation`, if its answer is right now and rules 2 and 4 do not speak
    /// against it.
    fn worthwhile(&self, operation: &OperationOf<'a, M>) -> Option<M::State> {
        let after = self.step(&self.state, operation)?;
        let idle = operation.completion.is_none() && after == *self.state;
        let wasted = self.path.last().is_some_and(|last| {
            matches!(last.slot, Slot::Unknown(_))
                && self.step(&last.before, operation).as_ref() == Some(&after)
        });
        (!idle && !wasted).then_some(after)
    }

    fn step(&self, state: &M::State, operation: &OperationOf<'a, M>) -> Option<M::State> {
        let ret = operation.completion.map(|completion| completion.ret);
        self.model.step(state, operation.op, ret)
    }

    /// Rule 1. One pass is enough: the state stays, so what could not be settled still cannot be,
    /// and whatever may come next because of what was settled stands later in the list.
    fn settle(&mut self) {
        let mut last = None;
        while let Some(number) = self.timeline.candidate_after(last) {
            let operation = self.completed[number];
            let is_read = |done: Completion<'_, M::Ret>| self.model.is_read(operation.op, done.ret);
            if operation.completion.is_some_and(is_read)
                && self.step(&self.state, &operation).is_some()
            {
                self.place(
                    operation,
                    Slot::Completed(number),
                    Rc::clone(&self.state),
                    true,
                );
            } else {
                last = Some(number);
            }
        }
    }

    fn place(
        &mut self,
        operation: OperationOf<'a, M>,
        slot: Slot,
        after: Rc<M::State>,
        settled: bool,
    ) {
        match slot {
            Slot::Completed(number) => {
                self.timeline.lift(number);
                self.placed.insert(number);
            }
            Slot::Unknown(class) => self.unknown.take(class),
        }
        let before = core::mem::replace(&mut self.state, after);
        self.path.push(Step {
            operation,
            slot,
            before,
            settled,
        });
    }

    /// Whether the present configuration, whose first choice is `first`, is worth expanding (rule
    /// 5).
    ///
    /// One without a second choice is not remembered: most are of this kind, and to walk once more
    /// to where a choice is costs less than to remember them all.
    fn is_new(&mut self, first: Slot, limit: usize) -> bool {
        if self.choice_after(Some(first), limit).is_none() {
            return true;
        }
        let state = Rc::clone(&self.state);
        self.visited
            .remember(self.placed.trimmed(), self.unknown.used(), state)
    }

    /// Returns to the configuration before the last choice and says which that was; `None` when no
    /// choice is left to undo.
    fn back_out(&mut self) -> Option<Slot> {
        while let Some(step) = self.path.pop() {
            match step.slot {
                Slot::Completed(number) => {
                    self.placed.remove(number);
                    self.timeline.unlift(number);
                }
                Slot::Unknown(class) => self.unknown.put_back(class),
            }
            self.state = step.before;
            self.unchanged = self.unchanged.min(self.path.len());
            if !step.settled {
                return Some(step.slot);
            }
        }
        None
    }

    /// The further of `furthest` and the present configuration, which was tried in vain and whose
    /// first return is at `position`.
    ///
    /// `blocked` is the operation out of reach, or else the one with the first return. If no
    /// configuration came further, it is impossible in the present state: placing it would have led
    /// further.
    fn further(
        &mut self,
        furthest: Option<Stuck<'a, M>>,
        position: usize,
        blocked: usize,
    ) -> Stuck<'a, M> {
        let blocked = self.completed[blocked];
        let progress = (position, self.placed.len());
        let mut stuck = furthest.unwrap_or(Stuck {
            progress,
            linearized: Vec::new(),
            blocked,
            states: Vec::new(),
        });
        if progress > stuck.progress || stuck.states.is_empty() {
            // Copies only what changed, or long histories would take quadratic time.
            stuck.linearized.truncate(self.unchanged);
            let changed = &self.path[stuck.linearized.len()..];
            stuck
                .linearized
                .extend(changed.iter().map(|step| step.operation));
            self.unchanged = self.path.len();
            stuck.progress = progress;
            stuck.blocked = blocked;
            stuck.states.clear();
        }
        let same = progress == stuck.progress && blocked.id == stuck.blocked.id;
        if same && stuck.states.len() < STATES_TOLD && !stuck.states.contains(&self.state) {
            stuck.states.push(M::State::clone(&self.state));
        }
        stuck
    }
}

/// Where a completed operation returned.
fn return_position<Op, Ret>(operation: &Operation<'_, Op, Ret>) -> usize {
    operation
        .completion
        .map_or(usize::MAX, |completion| completion.at)
}
