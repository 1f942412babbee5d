//! One cell with read, write and compare-and-set.

use core::{fmt::Debug, hash::Hash};

use super::Model;

/// A register: one value that is read, written, and compared and set.
///
/// Its state is an `Option<V>`, where `None` stands for "never written". For many registers, each
/// with a key, see [`KeyValue`](super::KeyValue).
///
/// # Examples
///
/// ```
/// use purlin_sim::model::{Model, Register, RegisterOp::*, RegisterRet::*};
///
/// let register = Register::new(Some(1));
/// let state = register.initial(&());
/// let swap = CompareAndSet { expected: Some(1), new: 2 };
///
/// assert_eq!(register.step(&state, &Read, Some(&Value(Some(1)))), Some(Some(1)));
/// assert_eq!(register.step(&state, &Read, Some(&Value(Some(9)))), None);
/// assert_eq!(register.step(&state, &swap, Some(&Swapped)), Some(Some(2)));
/// assert_eq!(register.step(&state, &swap, Some(&Refused)), None); // it had to apply
/// assert_eq!(register.step(&state, &swap, None), Some(Some(2))); // unknown outcome
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Register<V> {
    initial: Option<V>,
}

impl<V> Register<V> {
    /// A register that holds `initial` before the first operation.
    #[must_use]
    pub const fn new(initial: Option<V>) -> Self {
        Self { initial }
    }
}

/// What a [`Register`] can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterOp<V> {
    /// Tell the value.
    Read,
    /// Replace the value.
    Write(V),
    /// Remove the value, as if it was never written.
    Delete,
    /// Replace the value by `new` if it is `expected`.
    CompareAndSet {
        /// The value to replace; `None` applies to a register without one.
        expected: Option<V>,
        /// The value to put in its place.
        new: V,
    },
}

/// What a [`Register`] can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterRet<V> {
    /// To a read: the value.
    Value(Option<V>),
    /// To a write or a deletion: done.
    Written,
    /// To a compare-and-set: the value was `expected` and is now `new`.
    Swapped,
    /// To a compare-and-set: it compared and did not apply.
    ///
    /// This is a statement about the register, which was *not* `expected` at that moment. A request
    /// that was turned away without looking at the register is
    /// [cancelled](crate::history::History::cancel) instead.
    Refused,
}

impl<V: Clone + Eq + Hash + Debug> Model for Register<V> {
    type Op = RegisterOp<V>;
    type Ret = RegisterRet<V>;
    type State = Option<V>;
    type Key = ();

    fn key(&self, _: &Self::Op) {}

    fn initial(&self, (): &()) -> Option<V> {
        self.initial.clone()
    }

    fn step(&self, state: &Option<V>, op: &Self::Op, ret: Option<&Self::Ret>) -> Option<Option<V>> {
        use RegisterOp::{CompareAndSet, Delete, Read, Write};
        use RegisterRet::{Refused, Swapped, Value, Written};

        match (op, ret) {
            (Read, None) => Some(state.clone()),
            (Read, Some(Value(value))) => (value == state).then(|| state.clone()),
            (Write(value), None | Some(Written)) => Some(Some(value.clone())),
            (Delete, None | Some(Written)) => Some(None),
            (CompareAndSet { expected, new }, None | Some(Swapped | Refused)) => {
                let applies = state == expected;
                let allowed = match ret {
                    Some(Swapped) => applies,
                    Some(_) => !applies,
                    None => true,
                };
                allowed.then(|| {
                    if applies {
                        Some(new.clone())
                    } else {
                        state.clone()
                    }
                })
            }
            _ => None, // an answer to another kind of operation
        }
    }

    fn is_read(&self, op: &Self::Op, ret: &Self::Ret) -> bool {
        matches!((op, ret), (RegisterOp::Read, _) | (_, RegisterRet::Refused))
    }

    fn may_answer(
        &self,
        state: &Option<V>,
        op: &Self::Op,
        ret: &Self::Ret,
        others: &mut dyn Iterator<Item = &Self::Op>,
    ) -> bool {
        let needed = match (op, ret) {
            (RegisterOp::Read, RegisterRet::Value(value)) => value,
            (RegisterOp::CompareAndSet { expected, .. }, RegisterRet::Swapped) => expected,
            _ => return true,
        };
        let mut written = others.filter_map(|other| match other {
            RegisterOp::Read => None,
            RegisterOp::Delete => Some(None),
            RegisterOp::Write(new) | RegisterOp::CompareAndSet { new, .. } => Some(Some(new)),
        });
        state == needed || written.any(|new| new == needed.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::{Model, Register, RegisterOp, RegisterRet};
    use RegisterOp::{CompareAndSet, Delete, Read, Write};
    use RegisterRet::{Refused, Swapped, Value, Written};

    const CAS: RegisterOp<u8> = CompareAndSet {
        expected: Some(1),
        new: 2,
    };

    /// `(state, op, ret, the state after)`; the outer `None` is "cannot have answered that".
    type Row = (
        Option<u8>,
        RegisterOp<u8>,
        Option<RegisterRet<u8>>,
        Option<Option<u8>>,
    );

    #[test]
    fn transitions() {
        let rows: [Row; 22] = [
            (Some(1), Delete, Some(Written), Some(None)),
            (Some(1), Delete, None, Some(None)),
            (Some(1), Delete, Some(Refused), None),
            (None, Read, Some(Value(None)), Some(None)),
            (None, Read, Some(Value(Some(0))), None),
            (Some(1), Read, Some(Value(None)), None),
            (Some(1), Read, None, Some(Some(1))),
            (Some(1), Read, Some(Written), None),
            (Some(1), Write(3), Some(Written), Some(Some(3))),
            (Some(1), Write(3), None, Some(Some(3))),
            (Some(1), Write(3), Some(Value(Some(3))), None),
            (Some(1), Write(3), Some(Swapped), None),
            (Some(1), CAS, Some(Swapped), Some(Some(2))),
            (Some(1), CAS, Some(Refused), None),
            (Some(1), CAS, None, Some(Some(2))),
            (Some(3), CAS, Some(Swapped), None),
            (Some(3), CAS, Some(Refused), Some(Some(3))),
            (Some(3), CAS, None, Some(Some(3))),
            (None, CAS, Some(Refused), Some(None)),
            (Some(1), CAS, Some(Written), None),
            (Some(1), CAS, Some(Value(Some(1))), None),
            (
                None,
                CompareAndSet {
                    expected: None,
                    new: 5,
                },
                Some(Swapped),
                Some(Some(5)),
            ),
        ];
        let register = Register::new(None);
        for (state, op, ret, after) in rows {
            assert_eq!(
                register.step(&state, &op, ret.as_ref()),
                after,
                "{state:?} {op:?} {ret:?}"
            );
        }
    }

    /// Whether `op` is out of reach from `state` by `others`, after making sure that it is if the
    /// model says so.
    fn out_of_reach(
        state: Option<u8>,
        op: RegisterOp<u8>,
        ret: RegisterRet<u8>,
        others: [RegisterOp<u8>; 2],
    ) -> bool {
        let register = Register::new(None);
        if register.may_answer(&state, &op, &ret, &mut others.iter()) {
            return false;
        }
        let after = |state, index: usize| register.step(&state, &others[index], None).unwrap();
        let (first, second) = (after(state, 0), after(state, 1));
        for reached in [state, first, second, after(first, 1), after(second, 0)] {
            let step = register.step(&reached, &op, Some(&ret));
            assert_eq!(step, None, "{state:?} {others:?} {op:?} {ret:?}");
        }
        true
    }

    #[test]
    fn hints_are_true() {
        let states = [None, Some(1), Some(2)];
        let swaps = states.map(|expected| [1, 2].map(|new| CompareAndSet { expected, new }));
        let ops = [&[Read, Delete, Write(1), Write(2)], swaps.as_flattened()].concat();
        let rets = [&states.map(Value)[..], &[Written, Swapped, Refused]].concat();
        let (mut reads, mut unreachable) = (0, 0);
        for (op, ret) in ops
            .iter()
            .flat_map(|op| rets.iter().map(move |ret| (*op, *ret)))
        {
            let is_read = Register::new(None).is_read(&op, &ret);
            reads += usize::from(is_read);
            for state in states {
                let after = Register::new(None).step(&state, &op, Some(&ret));
                assert!(
                    !is_read || after.is_none_or(|after| after == state),
                    "{state:?} {op:?} {ret:?}"
                );
                let pairs = ops.iter().flat_map(|a| ops.iter().map(move |b| [*a, *b]));
                unreachable += pairs
                    .filter(|others| out_of_reach(state, op, ret, *others))
                    .count();
            }
        }
        // A read with any of 6 answers, and any of 9 other operations that was refused.
        assert_eq!(reads, 6 + 9);
        // Out of reach are a read of a value (3) and a swap from a value (3, each to 2 values) in
        // the other two states, unless one of the pair produces the value: of 100 pairs, those
        // without its write and its three swaps are 36; those without the deletion are 81.
        assert_eq!(unreachable, (1 + 2) * 2 * (36 + 36 + 81));
    }
}
