//! Raft: a replicated log.

mod config;
mod durable;
mod entry;
mod error;
mod input;
mod log;
mod membership;
mod message;
mod output;
mod position;
pub mod progress;
mod snapshot;
mod status;

pub use config::{ClusterId, Config, ConfigError};
pub use durable::{HardState, Recovered, Ticket, Write};
pub use entry::{Entries, EntriesError, Entry, Payload};
pub use error::{Error, ProposeError, Refusal};
pub use input::{Input, ReadMode, ReadToken};
pub use membership::{Change, ChangeError, Configuration, MembershipChange, Transition};
pub use message::{Body, Message};
pub use output::{AbortReason, Output, StopReason};
pub use position::{Index, Position, Term};
pub use snapshot::{ChunkRequest, SnapshotChunk, SnapshotMeta};
pub use status::{PeerStatus, RoleKind, Status};
