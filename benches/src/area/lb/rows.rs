//! What `lab versus lb` measures.

use super::quality::QUALITY;
use crate::versus::Row;

/// All of them.
pub(super) static ROWS: [Row; 0] = QUALITY;
