//! The requests that are made up: what caches meet, each kind by itself.

use purlin_core::random::SplitMix64;

use crate::workload::{HotSet, Keys, Looping, Scan, StackDistance, WorkloadError, Zipf};

/// Different keys that are asked for, those of scans aside.
pub(super) const KEYS: u64 = 100_000;

/// Of a loop. Fewer, so that it fits the larger of the caches.
const LOOPED: u64 = 25_000;

/// Requests of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    make: fn(u64) -> Result<Box<dyn Keys>, WorkloadError>,
}

/// All of them.
pub(super) const WORKLOADS: [Workload; 7] = [
    Workload {
        name: "zipf 0.99",
        about: "popularity by Zipf's law, near what is measured of web traffic",
        make: |seed| zipf(0.99, seed),
    },
    Workload {
        name: "scans",
        about: "the same, and after every 30,000 requests a scan of 10,000 keys that never come again",
        make: |seed| {
            Ok(Box::new(ZipfWithScans {
                popular: Zipf::new(KEYS, 0.99, SplitMix64::new(seed))?,
                scan: Scan::from(KEYS),
                request: 0,
            }))
        },
    },
    Workload {
        name: "shifting",
        about: "nine of ten requests are for 2,000 keys, and after every 50,000 requests for 2,000 others",
        make: |seed| {
            let keys = HotSet::new(KEYS, 2_000, 0.9, 50_000, SplitMix64::new(seed))?;
            Ok(Box::new(keys))
        },
    },
    Workload {
        name: "loop",
        about: "25,000 keys in turn",
        make: |_| Ok(Box::new(Looping::new(LOOPED)?)),
    },
    Workload {
        name: "recency",
        about: "what was asked for lately is asked for again, and nothing is popular: depths of the LRU stack by Zipf's law of 0.8",
        make: |seed| {
            let keys = StackDistance::new(KEYS, 0.8, SplitMix64::new(seed))?;
            Ok(Box::new(keys))
        },
    },
    Workload {
        name: "zipf 0.7",
        about: "popularity that is less skewed",
        make: |seed| zipf(0.7, seed),
    },
    Workload {
        name: "zipf 1.2",
        about: "popularity that is more skewed",
        make: |seed| zipf(1.2, seed),
    },
];

/// What tells policies apart in a few seconds.
pub(super) const TOUR: usize = 5;

impl Workload {
    /// So many requests.
    pub(super) fn requests(&self, count: usize, seed: u64) -> Result<Vec<u64>, WorkloadError> {
        Ok((self.make)(seed)?.take_keys(count))
    }
}

fn zipf(exponent: f64, seed: u64) -> Result<Box<dyn Keys>, WorkloadError> {
    Ok(Box::new(Zipf::new(KEYS, exponent, SplitMix64::new(seed))?))
}

/// Popular keys, and between them stretches of a scan.
struct ZipfWithScans {
    popular: Zipf<SplitMix64>,
    scan: Scan,
    request: u64,
}

const POPULAR: u64 = 30_000;
const SCANNED: u64 = 10_000;

impl Keys for ZipfWithScans {
    fn next_key(&mut self) -> u64 {
        let at = self.request % (POPULAR + SCANNED);
        self.request += 1;
        if at < POPULAR {
            self.popular.next_key()
        } else {
            self.scan.next_key()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Vec<u64> {
        let mut all = WORKLOADS.iter();
        let workload = all.find(|workload| workload.name == name);
        workload
            .expect("it is there")
            .requests(80_000, 1)
            .expect("in range")
    }

    #[test]
    fn a_quarter_of_scans_is_asked_for_once() {
        let mut requests = named("scans");
        let scanned = |requests: &[u64]| requests.iter().filter(|key| **key >= KEYS).count();
        assert_eq!(scanned(&requests), 20_000);
        assert_eq!(scanned(&requests[..30_000]), 0);
        assert_eq!(scanned(&requests[30_000..40_000]), 10_000);
        requests.retain(|key| *key >= KEYS);
        requests.dedup();
        assert_eq!(requests.len(), 20_000, "none twice");
    }

    #[test]
    fn the_more_skewed_the_fewer_keys_are_asked_for() {
        let different = ["zipf 0.7", "zipf 0.99", "zipf 1.2"].map(|name| {
            let mut keys = named(name);
            keys.sort_unstable();
            keys.dedup();
            keys.len()
        });
        assert!(
            different.is_sorted_by(|less, more| less > more),
            "{different:?}"
        );
    }

    #[test]
    fn the_same_seed_makes_the_same_requests_and_another_others() {
        for workload in WORKLOADS {
            let of = |seed| workload.requests(1_000, seed).expect("in range");
            assert_eq!(of(1), of(1), "{}", workload.name);
            assert_eq!(of(1) == of(2), workload.name == "loop", "{}", workload.name);
        }
    }
}
