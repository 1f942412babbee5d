//! What the search has been through, so that it does not go there again.

use alloc::rc::Rc;
use core::hash::Hash;
use std::collections::HashMap;

use super::bits::Trimmed;

/// The configurations a search has reached: completed operations placed, state, and operations of
/// unknown outcome used.
///
/// A configuration is *dominated* by another with the same placed operations and the same state
/// that used a subset of its unknown operations: whatever can still be done from the one can be
/// done from the other. Only configurations that no other dominates are kept (an antichain for each
/// pair of placed operations and state). Dominance is transitive, so dropping a kept one in favour
/// of a better one loses nothing.
#[derive(Debug)]
pub(super) struct Visited<S> {
    antichains: HashMap<(Rc<S>, Trimmed), Antichain>,
    remembered: usize,
}

/// One set of used operations and, which is rare, more that are neither subsets nor supersets of
/// each other.
#[derive(Debug)]
struct Antichain {
    first: Trimmed,
    more: Vec<Trimmed>,
}

impl<S: Eq + Hash> Visited<S> {
    pub(super) fn new() -> Self {
        Self {
            antichains: HashMap::new(),
            remembered: 0,
        }
    }

    /// How many configurations were remembered so far. Those that better ones replaced count too,
    /// so that the figure bounds time as well as memory.
    pub(super) const fn remembered(&self) -> usize {
        self.remembered
    }

    /// Remembers a configuration, or answers `false` if one that dominates it is known.
    pub(super) fn remember(&mut self, placed: Trimmed, used: Trimmed, state: Rc<S>) -> bool {
        use std::collections::hash_map::Entry;

        match self.antichains.entry((state, placed)) {
            Entry::Vacant(entry) => {
                let more = Vec::new();
                entry.insert(Antichain { first: used, more });
            }
            Entry::Occupied(mut entry) => {
                if !entry.get_mut().insert(used) {
                    return false;
                }
            }
        }
        self.remembered += 1;
        true
    }
}

impl Antichain {
    fn insert(&mut self, used: Trimmed) -> bool {
        if self.first.is_subset(&used) || self.more.iter().any(|known| known.is_subset(&used)) {
            return false;
        }
        self.more.retain(|known| !used.is_subset(known));
        if used.is_subset(&self.first) {
            self.first = used;
        } else {
            self.more.push(used);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Rc, Trimmed, Visited};
    use crate::linearizability::bits::Bits;

    fn set(numbers: &[usize]) -> Trimmed {
        let mut bits = Bits::new(200);
        for &number in numbers {
            bits.insert(number);
        }
        bits.trimmed()
    }

    #[test]
    fn a_superset_of_used_operations_is_dominated() {
        let mut visited = Visited::new();
        let mut reach = |used: &[usize]| visited.remember(set(&[0]), set(used), Rc::new('s'));
        assert!(reach(&[1, 2]));
        assert!(!reach(&[1, 2]), "itself");
        assert!(!reach(&[1, 2, 150]), "a superset");
        assert!(reach(&[3]), "neither subset nor superset");
        assert!(!reach(&[3, 4]), "a superset of the second");
        assert!(reach(&[1]), "a subset replaces");
        assert!(!reach(&[1, 5]), "a superset of the replacement");
        assert!(reach(&[]), "the empty set replaces all");
        assert!(!reach(&[3]));
        assert_eq!(visited.remembered(), 4);
        assert_eq!(
            visited
                .antichains
                .values()
                .map(|chain| 1 + chain.more.len())
                .sum::<usize>(),
            1
        );
    }

    #[test]
    fn other_states_and_other_placed_operations_do_not_dominate() {
        let mut visited = Visited::new();
        assert!(visited.remember(set(&[0]), set(&[]), Rc::new('s')));
        assert!(visited.remember(set(&[0]), set(&[1]), Rc::new('t')));
        assert!(visited.remember(set(&[0, 1]), set(&[1]), Rc::new('s')));
        assert!(visited.remember(set(&[]), set(&[1]), Rc::new('s')));
    }
}
