//! Why bytes were refused.

use crate::raft::membership::ConfigurationError;
use thiserror::Error;

/// Why bytes are no encoding. Offsets count from the first byte given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Another version of the format: written by a newer release, or no encoding at all.
    #[error("version {0} of the format is unknown; this release reads version {version}", version = super::VERSION)]
    UnknownVersion(u8),
    /// Something of a kind that this release does not know.
    #[error("a {what} of an unknown kind: {tag}")]
    UnknownTag {
        /// What has kinds.
        what: &'static str,
        /// The kind.
        tag: u8,
    },
    /// The bytes end before the value does; or a count or length in it is too large.
    #[error("the bytes end too early: what begins at byte {offset} is not all there")]
    Truncated {
        /// Where what is not all there begins.
        offset: usize,
    },
    /// The value ends before the bytes do.
    #[error("{0} bytes follow after the end")]
    TrailingBytes(usize),
    /// No value that is ever written like that.
    #[error("at byte {offset}: {what}")]
    Invalid {
        /// What is wrong.
        what: &'static str,
        /// Where.
        offset: usize,
    },
    /// A configuration that no group can have.
    #[error("a configuration that cannot be: {0}")]
    Configuration(#[from] ConfigurationError),
}
