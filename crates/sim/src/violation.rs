use core::fmt;
use core::panic::Location;

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
///
/// Shrinking keeps to violations of one kind, so that it does not slide from one failure to
/// another: those of one error type, those made by one line of code, panics of one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    message: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// An error of this type.
    Error(&'static str),
    /// Made, or panicked, in this place.
    Place(String),
}

impl Violation {
    /// A violation with this message for people. Its kind is the line of code that calls this.
    #[must_use]
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: Kind::Place(Location::caller().to_string()),
        }
    }

    /// A panic in this place.
    pub(crate) fn of_panic(message: &str, place: String) -> Self {
        Self {
            message: format!("panic at {place}: {message}"),
            kind: Kind::Place(place),
        }
    }

    /// Whether both may be the same failure.
    pub(crate) fn is_of_kind(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl<E: core::error::Error> From<E> for Violation {
    fn from(error: E) -> Self {
        Self {
            message: error.to_string(),
            kind: Kind::Error(core::any::type_name::<E>()),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
