//! Many independent objects of one kind, each with a key.

use core::{fmt::Debug, hash::Hash, marker::PhantomData};

use super::{Model, Register};

/// Many independent objects of model `M`, one for each key: an operation is a pair of a key and an
/// operation of `M`.
///
/// Every object starts in the initial state of `M`. The keys are checked one by one, which is what
/// makes long histories of a store affordable (Horn and Kroening, "Faster linearizability checking
/// via P-compositionality", 2015).
///
/// # Examples
///
/// ```
/// use purlin_sim::{history::History, linearizability};
/// use purlin_sim::model::{ByKey, Register, RegisterOp::*, RegisterRet::*};
///
/// let mut history = History::new();
/// let write = history.invoke(1, ("x", Write(1)));
/// history.complete(write, Written)?;
/// let read = history.invoke(2, ("y", Read)); // another key: the write does not matter
/// history.complete(read, Value(None))?;
///
/// linearizability::check(&ByKey::new(Register::new(None)), &history)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByKey<K, M> {
    model: M,
    // The keys are in the operations; the model only has to know their type, whether or not that
    // type is `Send`.
    keys: PhantomData<fn() -> K>,
}

/// A map from keys to values, each key with read, write and compare-and-set.
///
/// # Examples
///
/// ```
/// use purlin_sim::model::{KeyValue, Register};
///
/// let empty = KeyValue::<String, u64>::new(Register::new(None));
/// let zeroes = KeyValue::<String, u64>::new(Register::new(Some(0)));
/// assert_ne!(empty, zeroes);
/// ```
pub type KeyValue<K, V> = ByKey<K, Register<V>>;

impl<K, M> ByKey<K, M> {
    /// Lifts `model`, the model of one object, to one object a key.
    #[must_use]
    pub const fn new(model: M) -> Self {
        Self {
            model,
            keys: PhantomData,
        }
    }
}

impl<K, M> Model for ByKey<K, M>
where
    K: Clone + Eq + Hash + Debug,
    M: Model<Key = ()>,
{
    type Op = (K, M::Op);
    type Ret = M::Ret;
    type State = M::State;
    type Key = K;

    fn key(&self, (key, _): &Self::Op) -> K {
        key.clone()
    }

    fn initial(&self, _: &K) -> M::State {
        self.model.initial(&())
    }

    fn step(&self, state: &M::State, (_, op): &Self::Op, ret: Option<&M::Ret>) -> Option<M::State> {
        self.model.step(state, op, ret)
    }

    fn is_read(&self, (_, op): &Self::Op, ret: &M::Ret) -> bool {
        self.model.is_read(op, ret)
    }

    fn may_answer(
        &self,
        state: &M::State,
        (_, op): &Self::Op,
        ret: &M::Ret,
        others: &mut dyn Iterator<Item = &Self::Op>,
    ) -> bool {
        self.model
            .may_answer(state, op, ret, &mut others.map(|(_, other)| other))
    }
}
