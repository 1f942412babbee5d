use core::fmt;

/// What a check found wrong.
///
/// Any error converts into one, so that checks use `?`:
///
/// ```
/// use purlin_sim::Violation;
///
/// fn check(leaders: usize) -> Result<(), Violation> {
///     if leaders > 1 {
///         return Err(Violation::new(format!("{leaders} leaders in one term")));
///     }
///     "12".parse::<u64>()?;
///     Ok(())
/// }
///
/// assert_eq!(check(2).unwrap_err().to_string(), "2 leaders in one term");
/// assert!(check(1).is_ok());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Violation(String);

impl Violation {
    /// A violation with this message for people.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl<E: core::error::Error> From<E> for Violation {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
