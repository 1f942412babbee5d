//! What is wrong with a configuration.

/// A value from which no limiter can be made. It names the field and the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number or a duration that must be above zero is zero.
    #[error("{field} must be above zero")]
    Zero {
        /// The field, by the name of the argument.
        field: &'static str,
    },
    /// More than this limiter can count.
    #[error("{field} is {value}, of at most {max}")]
    TooLarge {
        /// The field, by the name of the argument.
        field: &'static str,
        /// What was asked for.
        value: u128,
        /// The most that is possible with the other values as they are.
        max: u128,
    },
    /// Below the least that makes sense.
    #[error("{field} is {value}, of at least {min}")]
    TooSmall {
        /// The field, by the name of the argument.
        field: &'static str,
        /// What was asked for.
        value: u128,
        /// The least that is possible with the other values as they are.
        min: u128,
    },
    /// A number that is not one, is infinite, or lies outside of its range.
    #[error("{field} must be {expected}")]
    OutOfRange {
        /// The field, by the name of the argument.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}
