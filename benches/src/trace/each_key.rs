//! The lines of a file themselves, for what hashes or reads them.

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
    mut visit: impl FnMut(&[u8]) -> Result<(), Reason>,
) -> Result<(), TraceError> {
    each_line(path, |key| {
        if key.is_empty() {
            return Err(Reason::EmptyKey);
        }
        visit(key)
    })
}

/// The same of every line, whatever it holds.
///
/// # Errors
///
/// When the file cannot be read, for a line that is too long, and where `visit` refuses one: with
/// the number of the line.
pub(crate) fn each_line(
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
    while let Some((number, line)) = lines.next_line()? {
        visit(line).map_err(|reason| reason.at_line(number))?;
    }
    Ok(())
}
