//! Where the parts of an encoding go: into a buffer, or only counted.

use alloc::vec::Vec;

/// Takes bytes.
pub(super) trait Sink {
    fn byte(&mut self, byte: u8);

    fn slice(&mut self, bytes: &[u8]);

    fn varint(&mut self, value: u64);
}

impl Sink for Vec<u8> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.push(byte);
    }

    #[inline]
    fn slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.push(value.to_le_bytes()[0]);
    }
}

/// Only counts.
#[derive(Default)]
pub(super) struct Length(usize);

impl Length {
    pub(super) fn bytes(&self) -> usize {
        self.0
    }
}

impl Sink for Length {
    #[inline]
    fn byte(&mut self, _: u8) {
        self.0 += 1;
    }

    #[inline]
    fn slice(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    /// Seven bits a byte; 0 takes one, too.
    #[inline]
    fn varint(&mut self, value: u64) {
        let bits = u64::BITS - (value | 1).leading_zeros();
        self.0 += bits.div_ceil(7) as usize;
    }
}
