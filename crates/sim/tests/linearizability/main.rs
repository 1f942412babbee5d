//! The checker against a brute-force oracle on small histories, and against histories of real
//! atomic objects on long ones.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod atomic;
mod keys;
mod long;
mod oracle;
mod small;
