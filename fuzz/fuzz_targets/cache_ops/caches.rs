use purlin_cache::registry::AnyPolicy;
use purlin_cache::{Stats, sync, unsync};

/// What the two caches have in common.
pub(crate) trait Caches {
    fn get(&mut self, key: u8) -> Option<u64>;
    fn get_many(&mut self, keys: [u8; 3]) -> [Option<u64>; 3];
    fn peek(&self, key: u8) -> Option<u64>;
    fn insert(&mut self, key: u8, value: u64);
    fn insert_with_ttl(&mut self, key: u8, value: u64, time: core::time::Duration);
    fn get_with(&mut self, key: u8, value: u64) -> u64;
    fn remove(&mut self, key: u8) -> Option<u64>;
    fn invalidate(&mut self, key: u8) -> bool;
    /// Keys that have one of these bits.
    fn invalidate_if(&mut self, bits: u8);
    fn invalidate_all(&mut self);
    fn set_max_capacity(&mut self, capacity: u64);
    fn pin(&mut self, key: u8) -> bool;
    fn unpin(&mut self, key: u8) -> bool;
    fn run_pending(&mut self);
    fn size(&self) -> (usize, u64);
    fn all(&self) -> Vec<(u8, u64)>;
    fn stats(&self) -> Stats;
    fn check_invariants(&self);
}

macro_rules! alike {
    () => {
        fn insert(&mut self, key: u8, value: u64) {
            Self::insert(self, key, value);
        }
        fn insert_with_ttl(&mut self, key: u8, value: u64, time: core::time::Duration) {
            Self::insert_with_ttl(self, key, value, time);
        }
        fn remove(&mut self, key: u8) -> Option<u64> {
            Self::remove(self, &key)
        }
        fn invalidate(&mut self, key: u8) -> bool {
            Self::invalidate(self, &key)
        }
        fn invalidate_if(&mut self, bits: u8) {
            Self::invalidate_if(self, |key, _| key & bits != 0);
        }
        fn invalidate_all(&mut self) {
            Self::invalidate_all(self);
        }
        fn set_max_capacity(&mut self, capacity: u64) {
            Self::set_max_capacity(self, capacity);
        }
        fn pin(&mut self, key: u8) -> bool {
            Self::pin(self, &key)
        }
        fn unpin(&mut self, key: u8) -> bool {
            Self::unpin(self, &key)
        }
        fn run_pending(&mut self) {
            Self::run_pending(self);
        }
        fn size(&self) -> (usize, u64) {
            (self.len(), self.weighted_size())
        }
        fn stats(&self) -> Stats {
            Self::stats(self)
        }
        fn check_invariants(&self) {
            Self::check_invariants(self);
        }
    };
}

impl Caches for unsync::Cache<u8, u64, AnyPolicy> {
    alike!();

    fn get(&mut self, key: u8) -> Option<u64> {
        Self::get(self, &key).copied()
    }

    fn get_many(&mut self, keys: [u8; 3]) -> [Option<u64>; 3] {
        keys.map(|key| Self::get(self, &key).copied())
    }

    fn peek(&self, key: u8) -> Option<u64> {
        Self::peek(self, &key).copied()
    }

    fn get_with(&mut self, key: u8, value: u64) -> u64 {
        Self::try_get_with(self, key, || Ok::<_, ()>(value)).expect("it does not fail")
    }

    fn all(&self) -> Vec<(u8, u64)> {
        self.iter().map(|(key, value)| (*key, *value)).collect()
    }
}

impl Caches for sync::Cache<u8, u64, AnyPolicy> {
    alike!();

    fn get(&mut self, key: u8) -> Option<u64> {
        Self::get(self, &key)
    }

    fn get_many(&mut self, keys: [u8; 3]) -> [Option<u64>; 3] {
        let values = Self::get_many(self, &keys);
        values.try_into().expect("as many as keys")
    }

    fn peek(&self, key: u8) -> Option<u64> {
        Self::peek(self, &key)
    }

    fn get_with(&mut self, key: u8, value: u64) -> u64 {
        Self::get_with(self, key, || value)
    }

    fn all(&self) -> Vec<(u8, u64)> {
        self.iter().collect()
    }
}
