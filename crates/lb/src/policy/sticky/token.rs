//! A session's endpoint as text.

use core::fmt;
use core::str::FromStr;
use purlin_core::node::NodeId;

/// The endpoint of a session, as text for a cookie, a header or a URL: 16 lower-case hexadecimal
/// digits of its identity, the same in every process and after every restart.
///
/// It is no secret and proves nothing: who makes one up chooses their endpoint, or one that is not
/// there, which is as good as none. Where that matters, sign the cookie.
///
/// ```
/// use purlin_lb::Identity;
/// use purlin_lb::policy::{SessionToken, TokenError};
///
/// let token = SessionToken::of("10.0.0.1:80".id());
/// let cookie = token.to_string();
/// assert_eq!(cookie.len(), 16);
/// assert_eq!(cookie.parse(), Ok(token));
/// assert_eq!("7".parse::<SessionToken>(), Err(TokenError::Length { bytes: 1 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionToken(NodeId);

/// Why a text is no [`SessionToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It has another length.
    #[error("a session token has {} bytes, not {bytes}", SessionToken::LEN)]
    Length {
        /// How many bytes it has.
        bytes: usize,
    },
    /// One of its bytes is no lower-case hexadecimal digit.
    #[error("a session token has hexadecimal digits only, in lower case: look at byte {at}")]
    Digit {
        /// Which one, counted from 0.
        at: usize,
    },
}

impl SessionToken {
    const LEN: usize = 16;

    /// Of a session at this endpoint.
    #[must_use]
    pub const fn of(endpoint: NodeId) -> Self {
        Self(endpoint)
    }

    /// The endpoint that the session is at, for [`Request::sticky`](crate::Request::sticky).
    #[must_use]
    pub const fn endpoint(self) -> NodeId {
        self.0
    }
}

impl fmt::Display for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.0)
    }
}

impl FromStr for SessionToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.len() != Self::LEN {
            return Err(TokenError::Length { bytes: text.len() });
        }
        let mut id = 0;
        for (at, byte) in text.bytes().enumerate() {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => return Err(TokenError::Digit { at }),
            };
            id = id << 4 | u64::from(digit);
        }
        Ok(Self(NodeId(id)))
    }
}
