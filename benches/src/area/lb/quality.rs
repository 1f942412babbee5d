//! Rows whose measure is not time: what latencies, errors and shares come of a policy.
use crate::versus::Row;
pub(super) const QUALITY: [Row; 0] = [];
