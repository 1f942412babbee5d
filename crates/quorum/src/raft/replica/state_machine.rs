//! What a replica applies commands to.

use crate::raft::position::Index;
use alloc::boxed::Box;
use bytes::Bytes;

/// Why a state machine did not take a snapshot: any error, or a text.
pub type RestoreError = Box<dyn core::error::Error + Send + Sync>;

/// What a group agrees on: the same commands in the same order on every node.
///
/// ```
/// use bytes::Bytes;
/// use purlin_quorum::raft::Index;
/// use purlin_quorum::raft::replica::{RestoreError, StateMachine};
///
/// /// Adds numbers of one byte.
/// #[derive(Default)]
/// struct Sum(u64);
///
/// impl StateMachine for Sum {
///     type Reply = Result<u64, &'static str>;
///
///     fn apply(&mut self, _: Index, command: &Bytes) -> Self::Reply {
///         let &[number] = &command[..] else { return Err("not a number of one byte") };
///         self.0 += u64::from(number);
///         Ok(self.0)
///     }
///
///     fn snapshot(&self) -> Bytes {
///         Bytes::copy_from_slice(&self.0.to_le_bytes())
///     }
///
///     fn restore(&mut self, snapshot: &Bytes) -> Result<(), RestoreError> {
///         self.0 = u64::from_le_bytes(snapshot[..].try_into()?);
///         Ok(())
///     }
/// }
///
/// let mut sum = Sum::default();
/// assert_eq!(sum.apply(Index(1), &Bytes::from_static(&[7])), Ok(7));
/// assert!(sum.apply(Index(2), &Bytes::from_static(b"seven")).is_err());
/// let mut other = Sum::default();
/// other.restore(&sum.snapshot())?;
/// assert_eq!(other.0, 7);
/// assert!(other.restore(&Bytes::from_static(b"short")).is_err());
/// # Ok::<(), RestoreError>(())
/// ```
///
/// # Implementing
///
/// Do depend on nothing but the commands: no clock, no randomness, no iteration order of hash maps
/// in what is answered. Do not refuse: what is committed is committed; an invalid command changes
/// nothing and says so in its reply. Do not panic on a command: every replica would, and again after
/// each start.
pub trait StateMachine {
    /// What a command answers.
    type Reply;

    /// Applies the next command. Where indices are missing there was no command: a leader's first
    /// entry, or a change of members.
    fn apply(&mut self, index: Index, command: &Bytes) -> Self::Reply;

    /// The whole state, for [`restore`](Self::restore) here or on another node. Bytes of nodes with
    /// the same state may differ.
    fn snapshot(&self) -> Bytes;

    /// Replaces the state by one that [`snapshot`](Self::snapshot) gave, here or on another node, now
    /// or in an earlier release.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes. The replica stops.
    fn restore(&mut self, snapshot: &Bytes) -> Result<(), RestoreError>;
}
