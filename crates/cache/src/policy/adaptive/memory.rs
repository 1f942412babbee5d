use alloc::vec::Vec;

/// Cells of a bucket: 64 bytes, a cache line.
const WAYS: usize = 32;
/// The lower bits of a cell are a frequency, the upper ones a fingerprint. A frequency of zero is a free cell.
const FREQUENCY: u16 = 0b1111;

/// How often keys were asked for that are not here, as far as it remembers: frequencies of 4 bits, by
/// fingerprints of 12 bits of the keys' hashes.
///
/// A hash chooses a bucket of 32 cells, in which the newest is first. A full bucket forgets the oldest of the
/// least frequent. Two keys in the same bucket are taken for one with chance 1/128.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    buckets: Vec<[u16; WAYS]>,
}

impl Memory {
    /// Room for so many keys; forgets all if that is another number than before.
    pub(super) fn resize(&mut self, keys: usize) {
        let buckets = keys.div_ceil(WAYS);
        if buckets != self.buckets.len() {
            self.buckets = alloc::vec![[0; WAYS]; buckets];
        }
    }

    /// How many there is room for.
    pub(super) fn keys(&self) -> usize {
        self.buckets.len() * WAYS
    }

    pub(super) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// The frequency of a key, which is forgotten here, since it comes in.
    pub(super) fn take(&mut self, hash: u64) -> u8 {
        let Some((bucket, fingerprint)) = self.bucket(hash) else {
            return 0;
        };
        let is_it = |cell: &u16| *cell & FREQUENCY != 0 && *cell & !FREQUENCY == fingerprint;
        let Some(place) = bucket.iter().position(is_it) else {
            return 0;
        };
        let frequency = bucket[place] & FREQUENCY;
        bucket.copy_within(place + 1.., place);
        bucket[WAYS - 1] = 0;
        frequency as u8
    }

    /// Remembers a key that has left.
    pub(super) fn put(&mut self, hash: u64, frequency: u8) {
        let Some((bucket, fingerprint)) = self.bucket(hash).filter(|_| frequency > 0) else {
            return;
        };
        let mut least = WAYS - 1;
        for place in (0..WAYS - 1).rev() {
            if bucket[place] & FREQUENCY < bucket[least] & FREQUENCY {
                least = place;
            }
        }
        bucket.copy_within(..least, 1);
        bucket[0] = fingerprint | u16::from(frequency).min(FREQUENCY);
    }

    /// Halves the frequencies of a bucket; what was there once is forgotten.
    pub(super) fn halve(&mut self, bucket: usize) {
        let Some(bucket) = self.buckets.get_mut(bucket) else {
            return;
        };
        let mut kept = 0;
        for place in 0..WAYS {
            let frequency = (bucket[place] & FREQUENCY) / 2;
            if frequency > 0 {
                bucket[kept] = bucket[place] & !FREQUENCY | frequency;
                kept += 1;
            }
        }
        bucket[kept..].fill(0);
    }

    /// Bits 16 to 47 of a hash choose the bucket (those above choose a shard: in one they are all the same), bits
    /// 0 to 11 are the fingerprint.
    fn bucket(&mut self, hash: u64) -> Option<(&mut [u16; WAYS], u16)> {
        let place = u64::from((hash >> 16) as u32) * self.buckets.len() as u64 >> 32;
        let bucket = self.buckets.get_mut(usize::try_from(place).ok()?)?;
        Some((bucket, (hash as u16) << 4))
    }
}
