//! Messages on a stream of bytes: each with its length before it.

use super::{GroupsMessage, Message};
use alloc::vec::Vec;
use thiserror::Error;

/// The bytes before each message on a stream: its length, as a big-endian `u32`.
pub const FRAME_HEADER: usize = 4;

/// A message is longer than what was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a frame of {length} bytes, and the limit is {limit}: either it is too low for the peers' \
     configuration, or this is not a stream of frames"
)]
pub struct FrameTooLong {
    /// The length of the message.
    pub length: usize,
    /// The bound.
    pub limit: u32,
}

/// The same for both kinds of messages.
macro_rules! frames {
    ($($message:ty),*) => {$(
        impl $message {
            /// Appends its length and its encoding to `out`, ready for a stream. For datagrams, and where
            /// the transport keeps messages apart, [`encode`](Self::encode) is enough.
            ///
            /// # Errors
            ///
            /// When the encoding has more than `limit` bytes; `out` is as before.
            pub fn encode_frame(&self, limit: u32, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
                let length = self.encoded_len();
                let header = match u32::try_from(length) {
                    Ok(header) if header <= limit => header.to_be_bytes(),
                    _ => return Err(FrameTooLong { length, limit }),
                };
                out.reserve(FRAME_HEADER + length);
                out.extend_from_slice(&header);
                self.encode(out);
                Ok(())
            }
        }
    )*};
}

frames!(Message, GroupsMessage);

/// The length of the message that follows after `header`, if it has at most `limit` bytes: then
/// read so many into a buffer of its own and [decode](Message::decode) that, without a copy.
///
/// The `limit` is how much memory a peer can make this node take for the bytes of one message;
/// decoding them may take [many times](super#what-it-costs) as much. It must let through what the
/// peers send: twice the largest of `max_message_bytes`, `max_entry_bytes` and
/// `snapshot_chunk_bytes` of their [`Config`](crate::raft::Config), and 64 KiB more, is room enough;
/// between machines with many groups at least 128 bytes for each group.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_quorum::raft::codec::{FRAME_HEADER, frame_len};
/// use purlin_quorum::raft::{Body, ClusterId, Message, Term};
/// use std::io::Read as _;
///
/// const LIMIT: u32 = 16 << 20;
///
/// let message = Message {
///     cluster: ClusterId(7),
///     from: NodeId(1),
///     to: NodeId(2),
///     term: Term(5),
///     incarnation: None,
///     body: Body::TimeoutNow,
/// };
/// let mut stream = Vec::new();
/// message.encode_frame(LIMIT, &mut stream)?;
/// message.encode_frame(LIMIT, &mut stream)?;
///
/// let mut socket = &stream[..];
/// for _ in 0..2 {
///     let mut header = [0; FRAME_HEADER];
///     socket.read_exact(&mut header)?;
///     let mut frame = vec![0; frame_len(header, LIMIT)?];
///     socket.read_exact(&mut frame)?;
///     assert_eq!(Message::decode(frame)?, message);
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// # Errors
///
/// When it is longer. The stream is of no use then: nothing says where the next message begins.
pub fn frame_len(header: [u8; FRAME_HEADER], limit: u32) -> Result<usize, FrameTooLong> {
    let length = u32::from_be_bytes(header);
    match usize::try_from(length) {
        Ok(len) if length <= limit => Ok(len),
        _ => Err(FrameTooLong {
            length: usize::try_from(length).unwrap_or(usize::MAX),
            limit,
        }),
    }
}
