//! What can happen to a cluster.

use alloc::vec::Vec;

/// Something that happens to a cluster. Endpoints are named by small numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An endpoint comes, or is refused because it is there.
    Insert(Member),
    /// One goes.
    Remove(u64),
    /// One gets another weight.
    SetWeight(u64, u32),
    /// These and no others, of which some may be there twice.
    Replace(Vec<Member>),
    /// An active check says 0 healthy, 1 degraded, 2 unhealthy.
    Health(u64, u8),
    /// Outlier detection puts it out or lets it in.
    Eject(u64, bool),
    /// It is drained, or no more.
    Drain(u64, bool),
    /// A request with this key, not to these.
    Pick(Option<u64>, Vec<u64>),
    /// The lease of this number, modulo how many there are, ends: 0 success, 1 failure, 2 cancelled.
    End(usize, u8),
    /// The clock shows this many milliseconds; it may go back.
    Clock(u64),
    /// These at once, in one version: those of them that change endpoints or weights. Others are left
    /// out.
    Batch(Vec<Self>),
}

/// An endpoint as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub id: u64,
    /// Its weight.
    pub weight: u32,
    /// In the zone of this number.
    pub zone: u8,
    /// Its priority.
    pub priority: u8,
}
