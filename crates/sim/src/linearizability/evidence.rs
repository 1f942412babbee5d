//! Why a history was refused, for people and for programs.

use core::fmt;

use thiserror::Error;

use super::search::Stuck;
use crate::history::{OpId, Operation};
use crate::model::Model;

/// How many of the operations placed last a message shows.
const PLACED_TOLD: usize = 8;

/// Why [`Checker::check`](super::Checker::check) did not accept a history.
///
/// `Debug` prints the message too, because that is what a test prints that returns the error.
#[derive(Error)]
#[non_exhaustive]
pub enum CheckError<M: Model> {
    /// No order of the operations explains all answers.
    #[error("{0}")]
    NotLinearizable(Box<Evidence<M>>),
    /// The search for one key remembered as many configurations as it may, and neither found an
    /// order nor excluded one.
    #[error(
        "undecided{}: {budget} configurations were not enough; allow more, or make histories with fewer concurrent operations on one key",
        Of(key)
    )]
    BudgetExhausted {
        /// The key whose search was given up.
        key: M::Key,
        /// The bound that was reached.
        budget: usize,
    },
}

impl<M: Model> fmt::Debug for CheckError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The proof that a history is not linearizable, as far as one can be told.
///
/// This is the furthest that the search came: it could order every operation that returned before
/// `blocked` was called, and more; `linearized` is one such order. In no way could it place
/// `blocked` as well. So either its answer is wrong, or one that came shortly before it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Evidence<M: Model> {
    /// The key whose operations cannot be explained.
    pub key: M::Key,
    /// The longest order that was found. It holds every operation of the key that returned before
    /// `blocked` was called.
    pub linearized: Vec<Placed<M::Op, M::Ret>>,
    /// The completed operation that cannot be placed after them.
    pub blocked: Placed<M::Op, M::Ret>,
    /// States that the object can have been in, eight different ones at most; `blocked` is
    /// impossible in every one.
    pub states: Vec<M::State>,
    /// How many configurations the search had remembered.
    pub configurations: usize,
}

/// An operation that is part of an [`Evidence`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed<Op, Ret> {
    /// Its name in the history.
    pub id: OpId,
    /// Who invoked it.
    pub process: u64,
    /// What was asked.
    pub op: Op,
    /// What was answered; `None` if the outcome is unknown.
    pub ret: Option<Ret>,
    /// Position of the invocation in the history.
    pub call: usize,
    /// Position of the completion in the history.
    pub returned: Option<usize>,
}

impl<M: Model> Evidence<M> {
    pub(super) fn new(key: M::Key, stuck: Stuck<'_, M>, configurations: usize) -> Self {
        Self {
            key,
            linearized: stuck.linearized.into_iter().map(Placed::new).collect(),
            blocked: Placed::new(stuck.blocked),
            states: stuck.states,
            configurations,
        }
    }
}

impl<Op: Clone, Ret: Clone> Placed<Op, Ret> {
    fn new(operation: Operation<'_, Op, Ret>) -> Self {
        Self {
            id: operation.id,
            process: operation.process,
            op: operation.op.clone(),
            ret: operation
                .completion
                .map(|completion| completion.ret.clone()),
            call: operation.call,
            returned: operation.completion.map(|completion| completion.at),
        }
    }
}

impl<M: Model> fmt::Display for Evidence<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "not linearizable{}: no order explains the answer of",
            Of(&self.key)
        )?;
        writeln!(f, "  {}", self.blocked)?;
        let placed = self.linearized.len();
        if placed > 0 {
            let told = placed.min(PLACED_TOLD);
            writeln!(
                f,
                "together with those before it. {placed} operations fit, for example with this end:"
            )?;
            for placement in &self.linearized[placed - told..] {
                writeln!(f, "  {placement}")?;
            }
        }
        writeln!(f, "The state could then be one of:")?;
        for state in &self.states {
            writeln!(f, "  {state:?}")?;
        }
        write!(f, "({} configurations tried)", self.configurations)
    }
}

impl<M: Model> fmt::Debug for Evidence<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<Op: fmt::Debug, Ret: fmt::Debug> fmt::Display for Placed<Op, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} process {}, {}..", self.id, self.process, self.call)?;
        match (&self.returned, &self.ret) {
            (Some(at), Some(ret)) => write!(f, "{at}: {:?} -> {ret:?}", self.op),
            _ => write!(f, ": {:?} -> ?", self.op),
        }
    }
}

/// " for key ...", or nothing where there is only one object.
struct Of<'a, K>(&'a K);

impl<K: fmt::Debug> fmt::Display for Of<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = format!("{:?}", self.0);
        if key == "()" {
            Ok(())
        } else {
            write!(f, " for key {key}")
        }
    }
}
