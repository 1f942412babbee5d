//! Sequential specifications: what an object may answer when nobody else is talking to it.

mod by_key;
mod register;

use core::{fmt::Debug, hash::Hash};

pub use by_key::{ByKey, KeyValue};
pub use register::{Register, RegisterOp, RegisterRet};

/// A sequential specification: the states of an object, and which answers each operation may give
/// in which state.
///
/// [`linearizability::check`](crate::linearizability::check) holds a concurrent history against it.
/// [`Register`] and [`KeyValue`] are ready to use; most other objects take twenty lines.
///
/// # Implementing
///
/// * **Do** make [`step`](Self::step) a pure function of its arguments: it is called for many
///   hypothetical orders.
/// * **Do** compare the answer with the state. A `step` that ignores `ret` accepts every history.
/// * **Do** give independent parts of the object different keys, or lift the model of one part with
///   [`ByKey`]: the time to check a history can grow exponentially with the number of concurrent
///   operations *of one key*.
/// * **Do** keep states small, or cheap to hash and compare: many of them are remembered.
/// * **Do not** answer `Some` for a `ret` that belongs to another kind of operation. Such an answer
///   is never right.
/// * **Do** override [`is_read`](Self::is_read) and [`may_answer`](Self::may_answer) where there
///   are reads: it can save most of the time.
/// * **Do not** let `ret == None` forbid anything that some answer would allow.
///
/// # Examples
///
/// A counter whose `add` answers with the new value:
///
/// ```
/// use purlin_sim::{history::History, linearizability, model::Model};
///
/// struct Counter;
///
/// impl Model for Counter {
///     type Op = u64; // how much to add
///     type Ret = u64; // the value afterwards
///     type State = u64;
///     type Key = (); // one counter: nothing to divide
///
///     fn key(&self, _: &u64) {}
///
///     fn initial(&self, (): &()) -> u64 {
///         0
///     }
///
///     fn step(&self, value: &u64, add: &u64, ret: Option<&u64>) -> Option<u64> {
///         let after = value + add;
///         ret.is_none_or(|ret| *ret == after).then_some(after)
///     }
/// }
///
/// let mut history = History::new();
/// let (a, b) = (history.invoke(1, 1), history.invoke(2, 1));
/// history.complete(a, 2)?; // the second of the two, although it was invoked first
/// history.complete(b, 1)?;
/// assert!(linearizability::check(&Counter, &history).is_ok());
///
/// let c = history.invoke(1, 1);
/// history.complete(c, 2)?; // an increment was lost
/// assert!(linearizability::check(&Counter, &history).is_err());
/// # Ok::<(), purlin_sim::history::HistoryError>(())
/// ```
pub trait Model {
    /// What can be asked.
    type Op: Clone + Eq + Hash + Debug;
    /// What can be answered.
    type Ret: Clone + Debug;
    /// What the object remembers between operations.
    type State: Clone + Eq + Hash + Debug;
    /// What an operation is about, where the object is a collection of independent ones; `()` where
    /// it is one whole.
    ///
    /// A history is linearizable exactly when its part for each key is (Herlihy and Wing's
    /// locality), so keys are checked one by one.
    type Key: Clone + Eq + Hash + Debug;

    /// Which of the independent objects `op` is about.
    fn key(&self, op: &Self::Op) -> Self::Key;

    /// The state of the object `key` before any operation.
    fn initial(&self, key: &Self::Key) -> Self::State;

    /// The state after `op` was carried out in `state` and answered `ret`, or `None` when `op`
    /// cannot answer `ret` in `state`.
    ///
    /// `ret` is `None` when the outcome is unknown: then any answer the object could give is
    /// allowed.
    fn step(
        &self,
        state: &Self::State,
        op: &Self::Op,
        ret: Option<&Self::Ret>,
    ) -> Option<Self::State>;

    /// Whether an operation `op` that answered `ret` leaves the state as it is, whatever that is.
    ///
    /// An optional hint that saves time: the search places such an operation as soon as its answer
    /// is right, and need not try other places. `false` is always safe, and the default. `true`
    /// must be certain: a read is of this kind, and a compare-and-set that was refused; a write of
    /// a value that happens to be there already is not, for elsewhere it would change the state.
    fn is_read(&self, op: &Self::Op, ret: &Self::Ret) -> bool {
        let _ = (op, ret);
        false
    }

    /// Whether `op` might still answer `ret`, now in `state`, if any of the operations `others` may
    /// be carried out first, in any order.
    ///
    /// An optional hint that saves time, often very much: the search turns back at once where an
    /// operation that has to come soon is out of reach. `true` is always safe, and the default.
    /// `false` must be certain.
    ///
    /// For a register, a read of 7 is out of reach when the state is not 7 and nobody in `others`
    /// writes 7.
    fn may_answer(
        &self,
        state: &Self::State,
        op: &Self::Op,
        ret: &Self::Ret,
        others: &mut dyn Iterator<Item = &Self::Op>,
    ) -> bool {
        let _ = (state, op, ret, others);
        true
    }
}
