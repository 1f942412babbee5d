//! Where the parts of an encoding come from: bytes that nobody vouches for.

use super::{DecodeError, Part};
use bytes::Bytes;
use core::ops::Range;

/// What is left to read.
pub(super) struct Reader<'a> {
    whole: &'a Bytes,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(whole: &'a Bytes) -> Self {
        Self { whole, at: 0 }
    }

    #[inline]
    pub(super) fn take<T: Part>(&mut self) -> Result<T, DecodeError> {
        T::take(self)
    }

    /// Where the next part begins.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let Some(&byte) = self.whole.get(self.at) else {
            return Err(DecodeError::Truncated { offset: self.at });
        };
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        // Most numbers take a byte, most lengths two.
        match self.whole[self.at..] {
            [low, ..] if low < 0x80 => {
                self.at += 1;
                Ok(u64::from(low))
            }
            [low, high, ..] if high < 0x80 && high > 0 => {
                self.at += 2;
                Ok(u64::from(high) << 7 | u64::from(low & 0x7f))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let offset = self.at;
        let invalid = |what| Err(DecodeError::Invalid { what, offset });
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.whole.get(self.at) else {
                return Err(DecodeError::Truncated { offset });
            };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte >= 0x80 {
                continue;
            }
            // Ten bytes hold 70 bits: of the last one only the first counts.
            return match byte {
                0 => invalid("a number not in its shortest form"),
                2.. if shift == 63 => invalid("a number beyond 64 bits"),
                _ => Ok(value),
            };
        }
        invalid("a number beyond 64 bits")
    }

    /// The next `len` bytes, shared.
    #[inline]
    pub(super) fn slice(&mut self, len: u64) -> Result<Bytes, DecodeError> {
        let range = self.range(len)?;
        Ok(self.share(range))
    }

    /// Where the next `len` bytes are, for [`share`](Self::share). In two steps, because
    /// what is shared then passes through no `Result` on its way into an entry, which is measurable.
    #[inline]
    pub(super) fn range(&mut self, len: u64) -> Result<Range<usize>, DecodeError> {
        let start = self.at;
        self.at += self.bounded(len)?;
        Ok(start..self.at)
    }

    #[inline]
    pub(super) fn share(&self, range: Range<usize>) -> Bytes {
        self.whole.slice(range)
    }

    /// A count of things that take `least` bytes each, or more; `least` is above 0.
    #[inline]
    pub(super) fn count(&mut self, least: usize) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        Ok(self.bounded(count.saturating_mul(least as u64))? / least)
    }

    /// `bytes`, if as many are left.
    #[inline]
    fn bounded(&self, bytes: u64) -> Result<usize, DecodeError> {
        match usize::try_from(bytes) {
            Ok(bytes) if bytes <= self.whole.len() - self.at => Ok(bytes),
            _ => Err(DecodeError::Truncated { offset: self.at }),
        }
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        match self.whole.len() - self.at {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}
