//! Where the parts of an encoding come from: bytes that nobody vouches for.

use super::{DecodeError, Part};
use bytes::Bytes;

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
        match self.whole.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    /// Of two bytes or more.
    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let offset = self.at;
        let mut value = 0;
        for (place, &byte) in self.whole[offset..].iter().take(10).enumerate() {
            // The tenth byte holds the last of 64 bits and nothing else.
            if place == 9 && byte > 1 {
                return Err(DecodeError::Invalid {
                    what: "a number beyond 64 bits",
                    offset,
                });
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                if byte == 0 {
                    return Err(DecodeError::Invalid {
                        what: "a number not in its shortest form",
                        offset,
                    });
                }
                self.at += place + 1;
                return Ok(value);
            }
        }
        Err(DecodeError::Truncated { offset })
    }

    /// The next `len` bytes, shared.
    #[inline]
    pub(super) fn slice(&mut self, len: u64) -> Result<Bytes, DecodeError> {
        let len = self.bounded(len)?;
        let slice = self.whole.slice(self.at..self.at + len);
        self.at += len;
        Ok(slice)
    }

    /// A count of things that take a byte each at least.
    #[inline]
    pub(super) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        self.bounded(count)
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
