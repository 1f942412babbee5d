//! What clients asked, what they were told, and in which order.

use core::fmt;

use thiserror::Error;

/// A concurrent history: the invocations and completions of operations, in the order in which they
/// happened.
///
/// The order of the calls to [`invoke`](Self::invoke) and [`complete`](Self::complete) *is* the
/// real-time order: each takes the next position of one common sequence. No clock is involved. An
/// operation that completed before another was invoked precedes it; two operations neither of which
/// precedes the other are concurrent (Herlihy and Wing, "Linearizability: A Correctness Condition
/// for Concurrent Objects", 1990, section 2).
///
/// An operation that was never completed has an **unknown** outcome: the client timed out or
/// crashed. It may take effect at any time after its invocation, even long after the client gave
/// up, or never. Closing it at the moment of the time-out would be wrong and make correct histories
/// fail. An operation that is known *not* to have happened is [cancelled](Self::cancel).
///
/// The process number is a label for people. Nothing demands that a process waits for one operation
/// before it invokes the next.
///
/// | operation | time | space |
/// |---|---|---|
/// | `invoke`, `complete`, `cancel` | O(1) amortised | one record an operation; nothing is ever dropped |
///
/// # Examples
///
/// ```
/// use purlin_sim::history::History;
///
/// let mut history = History::new();
/// let write = history.invoke(1, "write 7");
/// let read = history.invoke(2, "read");
/// history.complete(read, "7")?;
///
/// assert_eq!(history.len(), 2);
/// assert_eq!(history.open(), 1); // nobody ever heard of the write again
/// assert_eq!(history.to_string(), "\
/// #0  process 1  0..   \"write 7\" -> ?
/// #1  process 2  1..2  \"read\" -> \"7\"
/// ");
/// # let _ = write;
/// # Ok::<(), purlin_sim::history::HistoryError>(())
/// ```
#[derive(Debug, Clone)]
pub struct History<Op, Ret> {
    records: Vec<Record<Op, Ret>>,
    /// Position of the next event.
    events: usize,
    open: usize,
    cancelled: usize,
}

#[derive(Debug, Clone)]
struct Record<Op, Ret> {
    process: u64,
    op: Op,
    call: usize,
    end: End<Ret>,
}

#[derive(Debug, Clone)]
enum End<Ret> {
    Open,
    Completed { at: usize, ret: Ret },
    Cancelled,
}

/// Names one operation of a [`History`]: the first one invoked is 0, the next 1, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(usize);

impl OpId {
    /// How many operations of the history were invoked before this one.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A completion or cancellation that does not fit the history. The history is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// No operation of this history has the id. It comes from another history.
    #[error("operation {id} is not of this history, which has {invoked} operations")]
    UnknownOperation {
        /// The id that was given.
        id: OpId,
        /// How many operations the history has seen invoked.
        invoked: usize,
    },
    /// The operation already has an answer.
    #[error("operation {id} has already completed (at position {at})")]
    AlreadyCompleted {
        /// The id that was given.
        id: OpId,
        /// Position of the completion that stands.
        at: usize,
    },
    /// The operation was taken out of the history.
    #[error("operation {id} was cancelled")]
    AlreadyCancelled {
        /// The id that was given.
        id: OpId,
    },
}

/// One operation of a [`History`], borrowed from it.
#[derive(Debug)]
pub struct Operation<'a, Op, Ret> {
    /// Its name in the history.
    pub id: OpId,
    /// Who invoked it.
    pub process: u64,
    /// What was asked.
    pub op: &'a Op,
    /// Position of the invocation in the history.
    pub call: usize,
    /// The answer, or `None` while the outcome is unknown.
    pub completion: Option<Completion<'a, Ret>>,
}

/// The end of an [`Operation`] whose outcome is known.
#[derive(Debug)]
pub struct Completion<'a, Ret> {
    /// Position of the completion in the history, greater than that of the invocation.
    pub at: usize,
    /// What was answered.
    pub ret: &'a Ret,
}

// Not derived: a derive would demand that `Op` and `Ret` themselves are `Copy`, and these only
// borrow them.
impl<Op, Ret> Copy for Operation<'_, Op, Ret> {}
impl<Op, Ret> Clone for Operation<'_, Op, Ret> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Ret> Copy for Completion<'_, Ret> {}
impl<Ret> Clone for Completion<'_, Ret> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Op, Ret> History<Op, Ret> {
    /// A history in which nothing has happened yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            records: Vec::new(),
            events: 0,
            open: 0,
            cancelled: 0,
        }
    }

    /// Records that `process` asks for `op` now. The operation stays open until it is completed or
    /// cancelled.
    pub fn invoke(&mut self, process: u64, op: Op) -> OpId {
        let id = OpId(self.records.len());
        let call = self.next_position();
        self.records.push(Record {
            process,
            op,
            call,
            end: End::Open,
        });
        self.open += 1;
        id
    }

    /// Records that the operation `id` is answered with `ret` now.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] when `id` is not open. Ids are positions, so an id of another, longer
    /// history is recognised, one of another history that is not longer is not.
    pub fn complete(&mut self, id: OpId, ret: Ret) -> Result<(), HistoryError> {
        self.require_open(id)?;
        let at = self.next_position();
        self.records[id.0].end = End::Completed { at, ret };
        self.open -= 1;
        Ok(())
    }

    /// Takes the operation `id` out of consideration: it is known that it did not happen and never
    /// will.
    ///
    /// A refused connection is such a case; a time-out is not.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] when `id` is not open, as for [`complete`](Self::complete).
    pub fn cancel(&mut self, id: OpId) -> Result<(), HistoryError> {
        self.require_open(id)?;
        self.records[id.0].end = End::Cancelled;
        self.open -= 1;
        self.cancelled += 1;
        Ok(())
    }

    /// How many operations there are, without the cancelled ones.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len() - self.cancelled
    }

    /// Whether there is no operation, without the cancelled ones.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many operations are neither completed nor cancelled.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.open
    }

    /// The operation `id`, unless it was cancelled or never was in this history.
    #[must_use]
    pub fn get(&self, id: OpId) -> Option<Operation<'_, Op, Ret>> {
        let record = self.records.get(id.0)?;
        let completion = match &record.end {
            End::Open => None,
            End::Completed { at, ret } => Some(Completion { at: *at, ret }),
            End::Cancelled => return None,
        };
        Some(Operation {
            id,
            process: record.process,
            op: &record.op,
            call: record.call,
            completion,
        })
    }

    /// The operations in the order of their invocation, without the cancelled ones.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Operation<'_, Op, Ret>> {
        (0..self.records.len()).filter_map(|index| self.get(OpId(index)))
    }

    /// The part of the history that a model is about, in the model's terms: the operations for
    /// which `op` gives one, with their answers as `ret` gives them. Their order stays; they
    /// are numbered anew.
    ///
    /// ```
    /// use purlin_sim::history::History;
    ///
    /// let mut all = History::new();
    /// let read = all.invoke(1, "read 5");
    /// all.invoke(2, "who is leader?");
    /// all.complete(read, 7)?;
    /// let reads: History<u64, u64> = all.filter_map(|op| op.strip_prefix("read ")?.parse().ok(), |_, ret| *ret);
    /// assert_eq!((reads.len(), reads.open()), (1, 0));
    /// # Ok::<(), purlin_sim::history::HistoryError>(())
    /// ```
    #[must_use]
    pub fn filter_map<O, R>(
        &self,
        mut op: impl FnMut(&Op) -> Option<O>,
        mut ret: impl FnMut(&Op, &Ret) -> R,
    ) -> History<O, R> {
        let mut part = History::new();
        for operation in self.iter() {
            if let Some(kept) = op(operation.op) {
                let end = match operation.completion {
                    Some(Completion { at, ret: answer }) => End::Completed {
                        at,
                        ret: ret(operation.op, answer),
                    },
                    None => End::Open,
                };
                part.open += usize::from(matches!(end, End::Open));
                part.records.push(Record {
                    process: operation.process,
                    op: kept,
                    call: operation.call,
                    end,
                });
            }
        }
        part.events = self.events;
        part
    }

    const fn next_position(&mut self) -> usize {
        let position = self.events;
        self.events += 1;
        position
    }

    fn require_open(&self, id: OpId) -> Result<(), HistoryError> {
        let invoked = self.records.len();
        match self.records.get(id.0).map(|record| &record.end) {
            Some(End::Open) => Ok(()),
            Some(End::Completed { at, .. }) => Err(HistoryError::AlreadyCompleted { id, at: *at }),
            Some(End::Cancelled) => Err(HistoryError::AlreadyCancelled { id }),
            None => Err(HistoryError::UnknownOperation { id, invoked }),
        }
    }
}

impl<Op, Ret> Default for History<Op, Ret> {
    fn default() -> Self {
        Self::new()
    }
}

/// One operation a line, in the order of invocation: id, process, positions of invocation and
/// completion, question and answer.
impl<Op: fmt::Debug, Ret: fmt::Debug> fmt::Display for History<Op, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.events.saturating_sub(1).to_string().len();
        let id = self.records.len().saturating_sub(1).to_string().len() + 1;
        let processes = self.iter().map(|operation| operation.process);
        let process = processes.max().map_or(0, |most| most.to_string().len());
        for operation in self.iter() {
            let name = operation.id.to_string();
            write!(f, "{name:<id$}  process {:<process$}  ", operation.process)?;
            write!(f, "{:>position$}..", operation.call)?;
            match operation.completion {
                Some(Completion { at, ret }) => {
                    writeln!(f, "{at:<position$}  {:?} -> {ret:?}", operation.op)?;
                }
                None => writeln!(f, "{:position$}  {:?} -> ?", "", operation.op)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
