//! libCacheSim's oracleGeneral.
//!
//! Records of 24 bytes, little-endian and packed: `u32` time in seconds, `u64` object id, `u32`
//! size in bytes, `i64` the number of the next request for the object. Source: libCacheSim,
//! `traceReader/customizedReader/oracle/oracleGeneralBin.h`.

use std::io::Read;

use super::u64_ids::Records;
use super::{Fault, Request, Source};

/// Takes the id and the size; time and the next access are not needed.
pub(super) struct OracleGeneral<R>(Records<R, 24>);

impl<R: Read> OracleGeneral<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(Records::new(reader))
    }
}

impl<R: Read> Source for OracleGeneral<R> {
    fn next_request(&mut self) -> Result<Option<Request>, Fault> {
        let Some(record) = self.0.next_record()? else {
            return Ok(None);
        };
        let [
            _,
            _,
            _,
            _,
            i0,
            i1,
            i2,
            i3,
            i4,
            i5,
            i6,
            i7,
            s0,
            s1,
            s2,
            s3,
            ..,
        ] = record;
        let key = u64::from_le_bytes([i0, i1, i2, i3, i4, i5, i6, i7]);
        let size = u32::from_le_bytes([s0, s1, s2, s3]);
        Ok(Some(Request {
            key,
            size: Some(size.into()),
        }))
    }
}
