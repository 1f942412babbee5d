//! The keys of a file themselves, for what hashes them.

use std::path::Path;

use super::lines::Lines;
use super::{Fault, Reason, TraceError, open};

/// Shows every key of a file with one key a line to `visit`, in order and repeated where the file
/// repeats them; decompresses where the name ends in `.zst`.
///
/// # Errors
///
/// When the file cannot be read, for an empty line or one that is too long, and where `visit`
/// refuses a key: with the number of the line.
pub(crate) fn each_key(
    path: &Path,
    visit: impl FnMut(&[u8]) -> Result<(), Reason>,
) -> Result<(), TraceError> {
    read(path, visit).map_err(|fault| TraceError {
        file: path.to_owned(),
        fault,
    })
}

fn read(path: &Path, mut visit: impl FnMut(&[u8]) -> Result<(), Reason>) -> Result<(), Fault> {
    let mut lines = Lines::new(open(path)?);
    while let Some((number, key)) = lines.next_line()? {
        let seen = if key.is_empty() {
            Err(Reason::EmptyKey)
        } else {
            visit(key)
        };
        seen.map_err(|reason| reason.at_line(number))?;
    }
    Ok(())
}
