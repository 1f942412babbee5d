//! LFU as a table of how often and when each key was used.

use crate::harness::{Model, compare};
use purlin_cache::policy::Lfu;

#[derive(Clone, Debug, Default)]
struct Table {
    /// Key, frequency, time of the last use.
    rows: Vec<(u64, u64, u64)>,
    now: u64,
    greatest_mean: Option<u64>,
}

impl Table {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// Halves all when they are too many. Of equals, the formerly more frequent counts as used later.
    fn age(&mut self) {
        let sum: u64 = self.rows.iter().map(|(_, frequency, _)| frequency).sum();
        let entries = self.rows.len() as u64;
        if self.greatest_mean.is_some_and(|mean| sum > mean * entries) {
            self.rows
                .sort_by_key(|(_, frequency, last)| (*frequency, *last));
            for row in 0..self.rows.len() {
                let now = self.tick();
                let (_, frequency, last) = &mut self.rows[row];
                (*frequency, *last) = (*frequency / 2 + *frequency % 2, now);
            }
        }
    }
}

impl Model for Table {
    fn insert(&mut self, key: u64) {
        let now = self.tick();
        self.rows.push((key, 1, now));
    }

    fn hit(&mut self, key: u64) {
        let now = self.tick();
        let mut rows = self.rows.iter_mut();
        let row = rows.find(|(other, ..)| *other == key);
        let (_, frequency, last) = row.expect("a present key");
        *frequency += 1;
        *last = now;
        self.age();
    }

    fn evict(&mut self) -> Option<u64> {
        let least = self
            .rows
            .iter()
            .min_by_key(|(_, frequency, last)| (*frequency, *last));
        let key = least?.0;
        self.remove(key);
        Some(key)
    }

    fn remove(&mut self, key: u64) {
        self.rows.retain(|(other, ..)| *other != key);
    }
}

#[test]
fn lfu_is_a_sorted_table() {
    compare(Lfu::new, |_| Table::default());
}

#[test]
fn aging_halves_the_table() {
    for (mean, greatest_mean) in [(0, 2), (2, 2), (3, 3), (10, 10)] {
        compare(
            |entries| Lfu::with_aging(entries, mean),
            |_| Table {
                greatest_mean: Some(greatest_mean),
                ..Table::default()
            },
        );
    }
}
