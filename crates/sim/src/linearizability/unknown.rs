//! The operations of which nobody knows whether they happened.

use std::collections::HashMap;

use super::OperationOf;
use super::bits::{Bits, Trimmed};
use crate::model::Model;

/// The operations of one key whose outcome is unknown, in classes of equal `Op`, and which of them
/// a search has used.
///
/// They are kept apart from the [`Timeline`](super::timeline::Timeline): they never return, so all
/// of them would sit at its head until the end.
///
/// Members of a class differ only in when they were invoked, and one may do whatever a later one
/// does. So a class is used from its earliest member on, and what is used of it is always a prefix.
pub(super) struct Unknown<'a, M: Model> {
    /// Class by class; within a class in the order of invocation.
    operations: Vec<OperationOf<'a, M>>,
    /// In the order of invocation of their first members.
    classes: Vec<Class>,
    used: Bits,
}

/// A range of `operations`, of which `next..end` is unused.
struct Class {
    first: usize,
    next: usize,
    end: usize,
}

impl<'a, M: Model> Unknown<'a, M> {
    /// `operations` must be in the order of invocation.
    pub(super) fn new(operations: impl Iterator<Item = OperationOf<'a, M>>) -> Self {
        let mut members: Vec<Vec<_>> = Vec::new();
        let mut class_of = HashMap::new();
        for operation in operations {
            let class = *class_of.entry(operation.op).or_insert(members.len());
            if class == members.len() {
                members.push(Vec::new());
            }
            members[class].push(operation);
        }

        let mut classes = Vec::with_capacity(members.len());
        let mut first = 0;
        for class in &members {
            let end = first + class.len();
            let next = first;
            classes.push(Class { first, next, end });
            first = end;
        }
        let operations = members.concat();
        let used = Bits::new(operations.len());
        Self {
            operations,
            classes,
            used,
        }
    }

    /// The first class from `class` on that has an unused operation invoked before position
    /// `limit`, with that operation.
    pub(super) fn candidate_from(
        &self,
        class: usize,
        limit: usize,
    ) -> Option<(usize, OperationOf<'a, M>)> {
        for (index, candidate) in self.classes.iter().enumerate().skip(class) {
            if self.operations[candidate.first].call >= limit {
                return None; // and so are the classes after it
            }
            let unused = self.operations[candidate.next..candidate.end].first();
            if let Some(&operation) = unused.filter(|operation| operation.call < limit) {
                return Some((index, operation));
            }
        }
        None
    }

    /// What the unused operations invoked before position `limit` asked for, one for each class.
    pub(super) fn unused(&self, limit: usize) -> impl Iterator<Item = &'a M::Op> {
        let first = self.candidate_from(0, limit);
        core::iter::successors(first, move |(class, _)| {
            self.candidate_from(class + 1, limit)
        })
        .map(|(_, operation)| operation.op)
    }

    /// Uses the next operation of `class`.
    pub(super) fn take(&mut self, class: usize) {
        let class = &mut self.classes[class];
        self.used.insert(class.next);
        class.next += 1;
    }

    /// Takes back the last use of `class`.
    pub(super) fn put_back(&mut self, class: usize) {
        let class = &mut self.classes[class];
        class.next -= 1;
        self.used.remove(class.next);
    }

    /// The operations used so far.
    pub(super) fn used(&self) -> Trimmed {
        self.used.trimmed()
    }
}
