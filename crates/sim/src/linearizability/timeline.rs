//! The calls and returns that a search has yet to explain, in the order of time.

/// A doubly linked list of the calls and returns of completed operations, from which operations are
/// lifted as they are placed.
///
/// Operations are numbers `0..n` in the order of their calls. An operation may be placed next
/// exactly when its call comes before every return in the list: until then, something that ended
/// before it began has not been placed. Lifting and putting back take O(1), as in Knuth's "dancing
/// links"; links are indices into two vectors.
#[derive(Debug)]
pub(super) struct Timeline {
    next: Vec<usize>,
    previous: Vec<usize>,
}

/// The list is circular through this node.
const HEAD: usize = 0;

const fn call(operation: usize) -> usize {
    2 * operation + 1
}

const fn ret(operation: usize) -> usize {
    2 * operation + 2
}

/// What stands at `node`: the operation, and whether this is its call.
const fn event(node: usize) -> (usize, bool) {
    ((node - 1) / 2, node % 2 == 1)
}

impl Timeline {
    /// The list of operations with the given positions of `(call, return)`. No two positions may be
    /// equal.
    pub(super) fn new(intervals: &[(usize, usize)]) -> Self {
        let events = intervals.iter().enumerate();
        let mut events: Vec<_> = events
            .flat_map(|(operation, &(from, to))| [(from, call(operation)), (to, ret(operation))])
            .collect();
        events.sort_unstable();

        let mut timeline = Self {
            next: vec![HEAD; events.len() + 1],
            previous: vec![HEAD; events.len() + 1],
        };
        let mut last = HEAD;
        for (_, node) in events {
            timeline.link(last, node);
            last = node;
        }
        timeline.link(last, HEAD);
        timeline
    }

    /// The first operation (`None`) or the next one after `operation` that may be placed now.
    pub(super) fn candidate_after(&self, operation: Option<usize>) -> Option<usize> {
        let node = self.next[operation.map_or(HEAD, call)];
        if node == HEAD {
            return None;
        }
        let (candidate, is_call) = event(node);
        is_call.then_some(candidate)
    }

    /// The operation that returned first among those in the list.
    pub(super) fn first_return(&self) -> Option<usize> {
        let mut node = self.next[HEAD];
        while node != HEAD {
            let (operation, is_call) = event(node);
            if !is_call {
                return Some(operation);
            }
            node = self.next[node];
        }
        None
    }

    /// The operations in the list that were called before `operation` returned, itself included, in
    /// the order of their calls.
    pub(super) fn called_before_return(&self, operation: usize) -> impl Iterator<Item = usize> {
        let nodes = core::iter::successors(Some(self.next[HEAD]), |&node| Some(self.next[node]));
        let before = nodes.take_while(move |&node| node != HEAD && node != ret(operation));
        before
            .map(event)
            .filter_map(|(other, is_call)| is_call.then_some(other))
    }

    /// Takes `operation` out.
    pub(super) fn lift(&mut self, operation: usize) {
        for node in [call(operation), ret(operation)] {
            self.link(self.previous[node], self.next[node]);
        }
    }

    /// Puts back `operation`, which must be the last one lifted that is still out.
    pub(super) fn unlift(&mut self, operation: usize) {
        for node in [ret(operation), call(operation)] {
            let (previous, next) = (self.previous[node], self.next[node]);
            self.link(previous, node);
            self.link(node, next);
        }
    }

    fn link(&mut self, left: usize, right: usize) {
        self.next[left] = right;
        self.previous[right] = left;
    }
}

#[cfg(test)]
mod tests {
    use super::Timeline;

    fn candidates(timeline: &Timeline) -> Vec<usize> {
        let first = timeline.candidate_after(None);
        core::iter::successors(first, |&operation| {
            timeline.candidate_after(Some(operation))
        })
        .collect()
    }

    #[test]
    fn candidates_were_called_before_the_first_return() {
        // 0: |-------------|      1:   |---|     2:       |---|     3:                |--|
        let mut timeline = Timeline::new(&[(0, 6), (1, 3), (4, 5), (7, 8)]);
        assert_eq!(
            (candidates(&timeline), timeline.first_return()),
            (vec![0, 1], Some(1))
        );
        timeline.lift(1);
        assert_eq!(
            (candidates(&timeline), timeline.first_return()),
            (vec![0, 2], Some(2))
        );
        timeline.lift(2);
        assert_eq!(
            (candidates(&timeline), timeline.first_return()),
            (vec![0], Some(0))
        );
        timeline.lift(0);
        assert_eq!(
            (candidates(&timeline), timeline.first_return()),
            (vec![3], Some(3))
        );
        timeline.lift(3);
        assert_eq!(
            (candidates(&timeline), timeline.first_return()),
            (vec![], None)
        );
    }

    #[test]
    fn putting_back_restores() {
        let mut timeline = Timeline::new(&[(0, 1), (2, 5), (3, 4)]);
        let fresh = (timeline.next.clone(), timeline.previous.clone());
        // Neighbours in the list, and an operation whose call and return are neighbours.
        for order in [[0, 1, 2], [0, 2, 1], [2, 1, 0]] {
            for operation in order {
                timeline.lift(operation);
            }
            assert_eq!(candidates(&timeline), []);
            for operation in order.into_iter().rev() {
                timeline.unlift(operation);
            }
            assert_eq!((&timeline.next, &timeline.previous), (&fresh.0, &fresh.1));
        }
    }
}
