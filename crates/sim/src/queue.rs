//! The event queue: a binary heap of small keys over a slab of events.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;
use purlin_core::time::Instant;

/// Events in order of time; equal times in order of arrival, so that a run is the same every time.
///
/// The heap holds only 24-byte keys, so that sifting does not move messages; slots of the slab are
/// reused, so that a steady simulation does not allocate. Push and pop are O(log n).
#[derive(Debug)]
pub(crate) struct EventQueue<E> {
    keys: BinaryHeap<Reverse<(Instant, u64, u32)>>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
    pushed: u64,
    /// The instant of the last event, how many generations of events it has had, and where the
    /// present one ends.
    instant: Instant,
    generation: u32,
    generation_ends: u64,
}

impl<E> EventQueue<E> {
    pub(crate) const fn new() -> Self {
        Self {
            keys: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            pushed: 0,
            instant: Instant::ORIGIN,
            generation: 0,
            generation_ends: 0,
        }
    }

    /// An event at [`Instant::MAX`] never happens.
    pub(crate) fn push(&mut self, at: Instant, event: E) {
        if at == Instant::MAX {
            return;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            u32::try_from(self.events.len() - 1).expect("fewer than 2^32 pending events")
        });
        self.events[slot as usize] = Some(event);
        self.keys.push(Reverse((at, self.pushed, slot)));
        self.pushed += 1;
    }

    /// When the next event is due.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.keys.peek().map(|Reverse((at, ..))| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<(Instant, E)> {
        let Reverse((at, number, slot)) = self.keys.pop()?;
        let event = self.events[slot as usize].take()?;
        self.free.push(slot);
        if at > self.instant {
            self.instant = at;
            self.new_chain();
        } else if number >= self.generation_ends {
            self.generation += 1;
            self.generation_ends = self.pushed;
        }
        Some((at, event))
    }

    /// How long the chain is of events that caused each other without time passing. A wide instant,
    /// with very many events, is normal; a long one is a loop.
    pub(crate) const fn generation(&self) -> u32 {
        self.generation
    }

    /// What happens from now on was not caused by what was in the queue, but from outside.
    pub(crate) const fn new_chain(&mut self) {
        self.generation = 0;
        self.generation_ends = self.pushed;
    }
}

#[cfg(test)]
mod tests {
    use super::EventQueue;
    use proptest::prelude::*;
    use purlin_core::time::Instant;

    proptest! {
        /// The queue pops what a stable sort by time gives, however pushes and pops are mixed.
        #[test]
        fn pops_by_time_then_arrival(operations in proptest::collection::vec(proptest::option::of(0_u64..20), 0..200)) {
            let mut queue = EventQueue::new();
            let mut model: Vec<(u64, usize)> = Vec::new();
            for (arrival, operation) in operations.into_iter().enumerate() {
                if let Some(at) = operation {
                    queue.push(Instant::from_nanos(at), arrival);
                    model.push((at, arrival));
                    model.sort_unstable();
                } else {
                    let expected = (!model.is_empty()).then(|| model.remove(0));
                    prop_assert_eq!(queue.pop().map(|(at, event)| (at.as_nanos(), event)), expected);
                }
                prop_assert_eq!(queue.next_at().map(Instant::as_nanos), model.first().map(|first| first.0));
                prop_assert!(queue.events.len() <= arrival + 1);
            }
        }
    }

    #[test]
    fn generations_are_chains_of_causes_within_an_instant() {
        let mut queue = EventQueue::new();
        let mut generations = |at, pushes: u32| {
            let _ = queue.pop();
            let generation = queue.generation();
            (0..pushes).for_each(|_| queue.push(Instant::from_nanos(at), ()));
            generation
        };
        assert_eq!(generations(5, 2), 0);
        assert_eq!([generations(5, 3), generations(5, 0)], [0, 0]);
        assert_eq!(
            [generations(5, 1), generations(5, 1), generations(5, 1)],
            [1, 1, 1]
        );
        assert_eq!(
            [generations(5, 0), generations(5, 0), generations(6, 1)],
            [2, 2, 2]
        );
        assert_eq!([generations(6, 1), generations(6, 1)], [0, 1]);
    }

    #[test]
    fn slots_are_reused() {
        let mut queue = EventQueue::new();
        for round in 0..1_000 {
            queue.push(Instant::from_nanos(round), round);
            queue.push(Instant::from_nanos(round), round);
            assert!(queue.pop().is_some());
            assert!(queue.pop().is_some());
        }
        assert_eq!(queue.events.len(), 2);
    }
}
