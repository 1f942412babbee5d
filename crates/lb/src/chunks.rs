//! A vector of which a changed copy costs a fraction of its length.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// How many items are copied for one that changes.
const CHUNK: usize = 64;

/// A persistent vector: clones share all chunks that neither changed since.
///
/// A clone costs a pointer for each 64 items, a change of one item copies 64, reading one is two
/// memory accesses.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<E> {
    chunks: Vec<Arc<[E]>>,
    len: usize,
}

impl<E: Clone> Chunks<E> {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// # Panics
    ///
    /// Beyond the end.
    #[inline]
    pub(crate) fn at(&self, index: usize) -> &E {
        &self.chunks[index / CHUNK][index % CHUNK]
    }

    pub(crate) fn get(&self, index: usize) -> Option<&E> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    pub(crate) fn set(&mut self, index: usize, item: E) {
        let chunk = &mut self.chunks[index / CHUNK];
        let place = index % CHUNK;
        if let Some(own) = Arc::get_mut(chunk) {
            own[place] = item;
        } else {
            let (before, after) = (&chunk[..place], &chunk[place + 1..]);
            *chunk = before
                .iter()
                .cloned()
                .chain([item])
                .chain(after.iter().cloned())
                .collect();
        }
    }

    pub(crate) fn push(&mut self, item: E) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new([item]));
        } else if let Some(last) = self.chunks.last_mut() {
            *last = last.iter().cloned().chain([item]).collect();
        }
        self.len += 1;
    }

    /// Takes an item out; the last one takes its place.
    pub(crate) fn swap_remove(&mut self, index: usize) {
        let last = self.at(self.len - 1).clone();
        if index + 1 < self.len {
            self.set(index, last);
        }
        self.len -= 1;
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.pop();
        } else if let Some(chunk) = self.chunks.last_mut() {
            *chunk = chunk[..self.len % CHUNK].iter().cloned().collect();
        }
    }
}

impl<E: Clone> FromIterator<E> for Chunks<E> {
    fn from_iter<I: IntoIterator<Item = E>>(items: I) -> Self {
        let mut items = items.into_iter();
        let mut all = Self::new();
        loop {
            let chunk: Arc<[E]> = items.by_ref().take(CHUNK).collect();
            all.len += chunk.len();
            match chunk.len() {
                0 => return all,
                _ => all.chunks.push(chunk),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Change {
        Push(u8),
        Set(usize, u8),
        SwapRemove(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            3 => any::<u8>().prop_map(Change::Push),
            1 => (any::<usize>(), any::<u8>()).prop_map(|(at, item)| Change::Set(at, item)),
            1 => any::<usize>().prop_map(Change::SwapRemove),
        ]
    }

    proptest! {
        #[test]
        fn is_a_vector_and_clones_stay(
            first in proptest::collection::vec(any::<u8>(), 0..200),
            changes in proptest::collection::vec(change(), 0..300),
        ) {
            let mut model = first.clone();
            let mut chunks: Chunks<u8> = first.iter().copied().collect();
            let before = chunks.clone();
            for change in changes {
                match change {
                    Change::Push(item) => {
                        model.push(item);
                        chunks.push(item);
                    }
                    Change::Set(at, item) if !model.is_empty() => {
                        let at = at % model.len();
                        model[at] = item;
                        chunks.set(at, item);
                    }
                    Change::SwapRemove(at) if !model.is_empty() => {
                        let at = at % model.len();
                        model.swap_remove(at);
                        chunks.swap_remove(at);
                    }
                    Change::Set(..) | Change::SwapRemove(_) => {}
                }
                prop_assert_eq!(chunks.len(), model.len());
                prop_assert!(chunks.iter().eq(&model));
                prop_assert_eq!(chunks.get(model.len()), None);
            }
            prop_assert!(before.iter().eq(&first));
        }
    }
}
