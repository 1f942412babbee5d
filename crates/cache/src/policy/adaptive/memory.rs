use alloc::vec::Vec;

/// Cells of a bucket, of 32 bytes: half a cache line.
const WAYS: usize = 16;
/// The lower bits of a cell are a frequency, the upper ones a fingerprint. A frequency of zero is a free cell.
const FREQUENCY: u16 = 0b1111;

/// How often keys were asked for that are not here, as far as it remembers: frequencies of 4 bits, by
/// fingerprints of 12 bits of the keys' hashes.
///
/// A hash chooses a bucket of 16 cells, in which the newest is first. A full bucket forgets the oldest of the
/// least frequent. Two keys in the same bucket are taken for one with chance 1/256.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    buckets: Vec<[u16; WAYS]>,
    /// Of each bucket a bit, whether its frequencies are those of odd or even generations.
    generations: Vec<u64>,
    is_odd: bool,
    /// The first bucket that may still belong to the last generation.
    swept: usize,
}

impl Memory {
    /// Room for so many keys; forgets all if that is another number than before.
    pub(super) fn resize(&mut self, keys: usize) {
        let buckets = keys.div_ceil(WAYS);
        if buckets != self.buckets.len() {
            self.buckets = alloc::vec![[0; WAYS]; buckets];
            self.generations = alloc::vec![0; buckets.div_ceil(64)];
        }
    }

    /// How many there is room for.
    pub(super) fn keys(&self) -> usize {
        self.buckets.len() * WAYS
    }

    /// Halves all frequencies, for who looks at them; [`sweep`](Self::sweep) does the work.
    pub(super) fn next_generation(&mut self) {
        self.is_odd = !self.is_odd;
        self.swept = 0;
    }

    /// Brings a bucket up to date. Takes as many calls as there are buckets.
    pub(super) fn sweep(&mut self) {
        if self.sweeps() {
            self.refresh(self.swept);
            self.swept += 1;
        }
    }

    /// Whether there are buckets left to sweep.
    pub(super) fn sweeps(&self) -> bool {
        self.swept < self.buckets.len()
    }

    /// The frequency of a key, which is forgotten here, since it comes in.
    pub(super) fn take(&mut self, hash: u64) -> u8 {
        let Some((bucket, fingerprint)) = self.bucket(hash) else {
            return 0;
        };
        // All cells at once, without a branch: compilers make vectors of that.
        let mut found = 0_u16;
        for (cell, place) in bucket.iter().zip(0..16) {
            let is_it = cell.wrapping_sub(fingerprint + 1) < FREQUENCY; // 1 to 15 above it
            found |= u16::from(is_it) << place;
        }
        // Without a branch here too: whether a key is remembered, nobody can predict.
        let cell = &mut bucket[found.trailing_zeros() as usize % WAYS];
        let taken = if found == 0 { 0 } else { *cell };
        *cell ^= taken;
        (taken & FREQUENCY) as u8
    }

    /// Remembers a key that has left.
    pub(super) fn put(&mut self, hash: u64, frequency: u8) {
        let Some((bucket, fingerprint)) = self.bucket(hash).filter(|_| frequency > 0) else {
            return;
        };
        // The last of the least frequent; a free cell is the least. Signed, since all processors have a vector for that.
        let mut least = i16::MAX;
        for (cell, from_last) in bucket.iter().zip((0..16).rev()) {
            least = least.min((cell & FREQUENCY).cast_signed() << 4 | from_last);
        }
        let place = WAYS - 1 - usize::from(least.unsigned_abs()) % WAYS;
        bucket.copy_within(..place, 1);
        bucket[0] = fingerprint | u16::from(frequency).min(FREQUENCY);
    }

    /// Halves the frequencies of a bucket if they are those of the last generation; what was there once is forgotten.
    #[inline]
    fn refresh(&mut self, bucket: usize) {
        let (word, bit) = (bucket / 64, 1 << (bucket % 64));
        if (self.generations[word] & bit != 0) != self.is_odd {
            self.generations[word] ^= bit;
            self.halve(bucket);
        }
    }

    #[cold]
    fn halve(&mut self, bucket: usize) {
        let mut kept = 0;
        let cells = &mut self.buckets[bucket];
        for place in 0..WAYS {
            let frequency = (cells[place] & FREQUENCY) / 2;
            if frequency > 0 {
                cells[kept] = cells[place] & !FREQUENCY | frequency;
                kept += 1;
            }
        }
        cells[kept..].fill(0);
    }

    /// Bits 16 to 47 of a hash choose the bucket (those above choose a shard: in one they are all the same), bits
    /// 0 to 11 are the fingerprint.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "twelve bits, shifted by four"
    )]
    fn bucket(&mut self, hash: u64) -> Option<(&mut [u16; WAYS], u16)> {
        let place = ((hash >> 16 & 0xFFFF_FFFF) * self.buckets.len() as u64) >> 32;
        let place = usize::try_from(place).ok()?;
        if place >= self.buckets.len() {
            return None;
        }
        self.refresh(place);
        Some((&mut self.buckets[place], ((hash & 0xFFF) << 4) as u16))
    }
}
