//! Little-endian 64-bit ids, and the fixed-size records they share with other binary formats.

use std::io::{ErrorKind, Read};

use super::{Fault, Place, Reason, Request, Source};

/// Reads records of `N` bytes. A file that ends within one is an error.
pub(super) struct Records<R, const N: usize> {
    reader: R,
    read: u64,
}

impl<R: Read, const N: usize> Records<R, N> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, read: 0 }
    }

    pub(super) fn next_record(&mut self) -> Result<Option<[u8; N]>, Fault> {
        let mut record = [0; N];
        let mut found = 0;
        while found < N {
            match self.reader.read(&mut record[found..]) {
                Ok(0) if found == 0 => return Ok(None),
                Ok(0) => return Err(self.fault(Reason::Truncated { found, expected: N })),
                Ok(read) => found += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(Reason::Io(error))),
            }
        }
        self.read += 1;
        Ok(Some(record))
    }

    fn fault(&self, reason: Reason) -> Fault {
        Fault {
            place: Place::Record {
                number: self.read + 1,
                offset: self.read * N as u64,
            },
            reason,
        }
    }
}

/// One id after another, nothing else.
pub(super) struct U64Ids<R>(Records<R, 8>);

impl<R: Read> U64Ids<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(Records::new(reader))
    }
}

impl<R: Read> Source for U64Ids<R> {
    fn next_request(&mut self) -> Result<Option<Request>, Fault> {
        let id = self.0.next_record()?.map(u64::from_le_bytes);
        Ok(id.map(|key| Request { key, size: None }))
    }
}
