use std::collections::BTreeMap;

/// Keys are below this.
pub(crate) const KEYS: u8 = 4;

/// Where each value comes from, and when each key was changed.
#[derive(Default)]
pub(crate) struct History {
    now: u64,
    values: u64,
    /// Key of a value, and when it was inserted or its load began.
    born: BTreeMap<u64, (u8, u64)>,
    /// When each key was changed last.
    changed: BTreeMap<u8, Vec<u64>>,
    /// Loads that have begun and not ended, by their values: of which key, and whether they count for it still.
    running: BTreeMap<u64, (u8, bool)>,
}

impl History {
    pub(crate) fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// A new value of a key, which comes from now.
    fn bear(&mut self, key: u8) -> u64 {
        self.values += 1;
        let now = self.tick();
        self.born.insert(self.values, (key, now));
        self.values
    }

    pub(crate) fn change(&mut self, key: u8) {
        let now = self.tick();
        self.changed.entry(key).or_default().push(now);
    }

    pub(crate) fn insert(&mut self, key: u8) -> u64 {
        self.change(key);
        self.bear(key)
    }

    /// A load of a key begins. Another one may be under way only if the key was changed since it began.
    pub(crate) fn begin(&mut self, key: u8) -> u64 {
        for (value, (other, counts)) in &self.running {
            let may = *other != key || !counts || self.is_outdated(*value, self.now);
            assert!(may, "two loads of {key} at once");
        }
        let value = self.bear(key);
        self.running.insert(value, (key, true));
        value
    }

    pub(crate) fn end(&mut self, value: u64) {
        self.running.remove(&value);
    }

    /// Loads under way may be followed by others, whatever their keys.
    pub(crate) fn supersede(&mut self) {
        self.running
            .values_mut()
            .for_each(|(_, counts)| *counts = false);
    }

    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether the key was changed after the value came from somewhere, and no later than at the time.
    fn is_outdated(&self, value: u64, time: u64) -> bool {
        let (key, born) = self.born[&value];
        let changes = self.changed.get(&key);
        changes.is_some_and(|changes| {
            changes
                .iter()
                .any(|change| born < *change && *change <= time)
        })
    }

    /// Who asked for the key at that time may get this value now.
    pub(crate) fn check(&self, key: u8, value: u64, asked: u64) {
        assert_eq!(self.born[&value].0, key, "the value of another key");
        assert!(
            !self.is_outdated(value, asked),
            "{key} had been changed since {value}"
        );
    }
}
